"""Data in and out: rows and votes of files, uploads, imports into a batch, exports.

`rows` reads any data file line by line and `votes` a file of votes; begin with `imports`, which makes tasks of rows.
"""
