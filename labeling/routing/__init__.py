"""Whom to ask, and with how much money: what an answer is worth, plans within a budget, forecasts. Pure.

Begin with `value` (the default router), then `plan`; `replay` and `simulation` run routers on recorded votes.
"""
