"""The watch of a batch as a manager meets it: what it compares, what it saw, who may be the cause, what to do.

Begin with `looks`; the rule of an alarm is `fairness/sequential.py`, raising one `fairness/alarms.py`.
"""
