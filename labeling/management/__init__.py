"""The product from the shell: commands, the demo's data, and the processes of `run`.

Begin with commands/label.py, the whole job in one command; `processes` keeps web server, worker and sweep running.
"""
