"""What can be asked and answered, and how an answer is written down; one file a kind. Pure.

Begin with base.py (what a kind can do) and registry.py (the kinds by name); cells.py says what a cell of a file means.
"""
