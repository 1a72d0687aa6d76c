"""What can be asked and answered, and how an answer is written down. Pure. Begin with cells.py."""
