"""The story of a batch: voting, weighing, buying, asking, settling.

Begin with `story.advance`, which takes a batch one step further; every other file here is one of its steps.
"""
