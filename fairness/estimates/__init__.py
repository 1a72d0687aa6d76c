"""Rates, shares and gaps that survive how checks were drawn, and how they differ between groups of people.

Begin with `corrected`; `doubly_robust`, `outcomes` and `interactions` are the numbers, without rows.
"""
