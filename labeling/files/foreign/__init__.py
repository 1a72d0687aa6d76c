"""Settled answers as other programs read them, one file a format: begin with `formats`, which knows them by name.

Nothing here knows the database: `settled` says what a writer gets.
"""
