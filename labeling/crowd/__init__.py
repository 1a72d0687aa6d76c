"""Who can vote: specialists, encoders, language models of this machine or of a server, recorded votes. No database.

Begin with `base` (what a voter is asked and answers), then `registry`, which builds one from a line.
"""
