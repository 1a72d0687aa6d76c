"""How members of the crowd ask, score, learn and read each kind of answer: one file a kind, behind `base.Ways`.

A new kind is a file here and its name in `registry`; what an answer is stands in `labeling.kinds`.
"""
