"""Open pages follow what happens: nudges name what changed, the socket passes them on.

Begin with `nudges.announce`; a page that is nudged fetches its own parts anew, so that no data travels here.
"""
