"""Who belongs to a project, who may do what, and who joins its crowd, of flesh or of silicon.

Begin with `access`, which every page passes; `recruiting` lets a model join, `voters` makes its row answer.
"""
