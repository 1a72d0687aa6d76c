"""Money: what is held, spent and free under every cap, as double entries in integer micro-dollars.

Begin with `ledger`, the only file that moves money; who may spend is decided in `rounds` and `managing`.
"""
