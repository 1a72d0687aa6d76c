"""The expert's view of each kind of answer: everybody's answers side by side, and where they differ.

A file a kind, found by its name; `registry` says what each one has.
"""
