"""The tables of a labeling project, one file a noun. What must never be false is a database constraint."""

from labeling.models.alarm import Alarm
from labeling.models.annotator import Annotator
from labeling.models.batch import Batch, SkippedRow
from labeling.models.belief import Belief
from labeling.models.certificate import Certificate
from labeling.models.chunk import Chunk
from labeling.models.decision import Decision
from labeling.models.escalation import Escalation
from labeling.models.guideline import GuidelineVersion
from labeling.models.instance import Instance
from labeling.models.invitation import Invitation
from labeling.models.mistake import Mistake
from labeling.models.money import LedgerEntry, Purse, Reservation
from labeling.models.project import Membership, Project
from labeling.models.question import Label, Question
from labeling.models.round import Round
from labeling.models.skill import Skill
from labeling.models.statement import Statement
from labeling.models.submission import Submission
from labeling.models.task import Task
from labeling.models.vote import Vote
from labeling.models.watch import AlarmAnswer, Watch, WatchLook

__all__ = [
    "Alarm",
    "AlarmAnswer",
    "Annotator",
    "Batch",
    "Belief",
    "Certificate",
    "Chunk",
    "Decision",
    "Escalation",
    "GuidelineVersion",
    "Instance",
    "Invitation",
    "Label",
    "LedgerEntry",
    "Membership",
    "Mistake",
    "Project",
    "Purse",
    "Question",
    "Reservation",
    "Round",
    "Skill",
    "SkippedRow",
    "Statement",
    "Submission",
    "Task",
    "Vote",
    "Watch",
    "WatchLook",
]
