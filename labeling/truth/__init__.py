"""Truth inference: sparse votes in, calibrated beliefs out. numpy and scipy only, no Django.

One file is one method is one paper; every method has the signature
`infer(votes, *, known=None, seed=0, ...) -> Inference` (see `votes.py`).
"""
