"""What the rows of a batch know about how its labels came to be, as plain values, one file a subject.

Nothing here is taken from a cache. `fairness/disclosure` puts it together and writes it down; begin there.
"""
