"""Agreement in depth: label by label, over time, and whether a model may stand in for a person.

`alternative` holds the test without rows; `depth` brings rows to it.
"""
