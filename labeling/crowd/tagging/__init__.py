"""Taggers that need no download: words, what they look like, and small learners that mark stretches of them.

Begin with `words` (where words begin and end), then `features`, `learners` and `labeling_functions`.
"""
