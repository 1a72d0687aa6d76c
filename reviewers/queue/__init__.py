"""The queue: who gets which question, and what becomes of the answer. Three stories: claiming, answering, undoing.

Whoever changes several rows locks them in one order, so that no two people wait for each other: the task, the
question, the assignment, the money.
"""
