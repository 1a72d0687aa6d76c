"""Looking at models and people before they are used: all on the same checked tasks, and on sentences that differ in one
word.

Begin with `standings`: the numbers side by side; `fairest` chooses a validator, `lineage` says who is akin to whom.
"""
