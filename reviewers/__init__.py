"""People at work: annotators' cards and experts' cases.

Begin with `queue`, from claiming a card to undoing an answer; `cases` lays a case out for an expert.
"""
