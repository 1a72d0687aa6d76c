"""The card of each kind of answer: what its form sends, and what it shows of an answer given before.

Begin with `asked`; `registry` finds a kind's own file by its name.
"""
