"""Numbers about groups and agreement: rates, gaps with intervals, watches that may be looked at often.

Begin with `metrics` (pure), then `reports`, which feeds the pages.
"""
