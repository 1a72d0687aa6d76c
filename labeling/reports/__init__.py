"""What the pages show: numbers drawn from the rows and never written back, one folder a page, one file a subject.

Begin with `batch.standing`; `estimates` holds shares with their intervals, `kept` numbers that take time.
"""
