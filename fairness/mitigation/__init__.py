"""What can be done about a gap, the safest first, each with before and after on checks that had no part in it.

`quotas`: more checks and more people where a group needs them. `pooling`: confidence by group, used only where held-out
checks say it is better. `hints`: which mistakes stand out. `thresholds`: a policy that somebody must approve. No label
is ever changed towards equal rates.
"""
