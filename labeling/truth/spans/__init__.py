"""What stretches of text are marked right, out of what many annotators marked. Pure.

Begin with candidates.py: each distinct stretch that somebody marked is one unknown with T types and "none", on which
the methods of truth inference run; selection.py turns beliefs into stretches, inference.py holds the methods together.
"""
