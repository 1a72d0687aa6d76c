"""What a manager does by hand: a new project, a file taken in, a budget changed.

Begin with `intake`, from an upload to a batch at work; nothing here runs by itself.
"""
