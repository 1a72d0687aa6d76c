"""Random checks of settled labels, what they say, and certificates of the error that is left.

Begin with `draws` (which tasks are checked, by lot), then `results` (what came back); `evidence` feeds `certificates`.
"""
