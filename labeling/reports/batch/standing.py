"""Where batches stand: settled, under way, not started; what the models have read and voted so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log2, sqrt

from django.db.models import Avg, Count, F, Min, Sum
from django.utils import timezone

from labeling.checks import holds
from labeling.models import Alarm, Batch, Belief, Chunk, Escalation, Project, Purse, Task
from labeling.rounds import teaching

Stage = Batch.Stage
RECENT_SECONDS = 600
LEAST_CHUNKS = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """One batch in numbers. `asked`: open tasks somebody is asked about, by kind.

    `doubt` of at most `most_doubt`: mean bits of open tasks; where a project asks for more than one label of a task,
    the mean chance that the believed answer is wrong.

    `stopped`: open tasks that an alarm keeps from being settled, and that nobody is asked about.
    `unasked`: other tasks that machines and people are through with and that stay open: nobody is sure enough of them.
    """

    batch: Batch
    total: int
    settled: int
    unasked: int
    stopped: int
    votes_done: int
    votes_due: int
    asked: dict[str, int]
    doubt: float | None
    most_doubt: float
    cap: int
    spent: int
    left: tuple[float, float] | None

    @property
    def open(self) -> int:
        return self.total - self.settled

    @property
    def under_way(self) -> int:
        """Open tasks on which work has begun; while models vote, their share of the votes that are due."""
        if self.batch.stage == Stage.IMPORTING:
            return 0
        if self.batch.stage == Stage.VOTING:
            return round(self.open * self.votes_done / max(self.votes_due, 1))
        return self.open

    @property
    def moving(self) -> bool:
        return self.batch.stage != Stage.DONE

    @property
    def solid(self) -> float:
        return self.settled / self.total if self.total else 0.0

    @property
    def hatched(self) -> float:
        return self.under_way / self.total if self.total else 0.0

    @property
    def words(self) -> str:
        """What happens now, as people say it."""
        if self.batch.archived_at:
            return "put away"
        if self.batch.paused_at:
            return "stopped" if self.batch.error else "paused"
        if self.stopped and self.batch.stage == Stage.REVIEWING:
            return "line stopped for some groups"
        if self.batch.stage == Stage.REVIEWING and self.asked.get("expert") and not self.asked.get("person"):
            return "with experts"
        if self.batch.stage == Stage.REVIEWING and self.unasked and not any(self.asked.values()):
            return "waiting for your decision"
        return str(self.batch.get_stage_display())

    @property
    def left_words(self) -> str:
        """How long voting still takes, with its interval: about 12 min left (10–15)."""
        if self.left is None:
            return ""
        low, high = (round(seconds / 60) for seconds in self.left)
        middle = round(sqrt(self.left[0] * self.left[1]) / 60)
        return f"about {middle} min left ({low}–{high})" if high > 1 else "about a minute left"


def standings(project: Project, batches: Sequence[Batch] | None = None) -> list[Standing]:
    """Every batch of a project, newest first, in a handful of queries whatever their number."""
    found = list(project.batches.listed()) if batches is None else list(batches)
    ids = [batch.pk for batch in found]
    tasks = Task.objects.filter(batch__in=ids).order_by()
    asked = tasks.exclude(stage=Task.Stage.NOT_ASKED)
    totals = dict(asked.values_list("batch").annotate(Count("pk")))
    settled = dict(tasks.decided().values_list("batch").annotate(Count("pk")))
    left = tasks.filter(batch__stage=Stage.REVIEWING).unasked().values_list("batch")
    unasked = dict(left.annotate(Count("pk")))
    stopped = _stopped(found)
    open_tasks = Belief.objects.filter(task__batch__in=ids, task__stage=Task.Stage.OPEN)
    questions = list(project.questions.all())
    in_bits = len(questions) == 1 and questions[0].votes_are_enough
    mean = Avg("entropy") if in_bits else Avg(1.0 - F("confidence"))
    doubt = dict(open_tasks.values_list("task__batch").annotate(mean=mean).order_by())
    purses = {row[0]: row[1:] for row in Purse.objects.filter(batch__in=ids).values_list(*PURSE)}
    due, waiting = _votes(ids), _asked(ids)
    most = log2(max(len(questions[0].label_list()), 2)) if in_bits else 1.0
    return [
        Standing(
            batch,
            total=totals.get(batch.pk, 0),
            settled=settled.get(batch.pk, 0),
            unasked=0 if _learning(batch, unasked, waiting) else unasked.get(batch.pk, 0) - stopped.get(batch.pk, 0),
            stopped=stopped.get(batch.pk, 0),
            votes_done=due.get(batch.pk, (0, 0))[0],
            votes_due=due.get(batch.pk, (0, 0))[1],
            asked=waiting.get(batch.pk, {}),
            doubt=doubt.get(batch.pk),
            most_doubt=most,
            cap=purses.get(batch.pk, (0, 0))[0],
            spent=purses.get(batch.pk, (0, 0))[1],
            left=time_left(batch, *due.get(batch.pk, (0, 0))),
        )
        for batch in found
    ]


def _stopped(batches: Sequence[Batch]) -> dict[int, int]:
    """Tasks that an alarm keeps open and that nobody is asked about, by batch; one query where no line is stopped."""
    ids = [batch.pk for batch in batches if batch.stage == Stage.REVIEWING]
    stands = set(Alarm.objects.standing().gaps().filter(paused=True, batch__in=ids).values_list("batch", flat=True))
    found = {}
    for batch in batches:
        if batch.pk in stands:
            asked = batch.tasks.unasked()
            found[batch.pk] = asked.count() - holds.not_held(asked, batch).count()
    return found


def _learning(batch: Batch, unasked: dict[int, int], asked: dict[int, dict[str, int]]) -> bool:
    """Whether the tasks nobody is asked about wait for models that people are teaching."""
    both = batch.pk in unasked and "person" in asked.get(batch.pk, {})
    return both and teaching.has_a_lot_out(batch)


PURSE = ("batch", "cap_microdollars", "spent_microdollars")


def standing(batch: Batch) -> Standing:
    return standings(batch.project, [batch])[0]


def _votes(ids: list[int]) -> dict[int, tuple[int, int]]:
    """Votes done and due of the free models, by batch."""
    tasks = Sum(F("last") - F("first") + 1)
    rows = Chunk.objects.filter(batch__in=ids).values_list("batch")
    done = dict(rows.filter(done_at__isnull=False).annotate(n=tasks).order_by())
    return {batch: (done.get(batch, 0), due) for batch, due in rows.annotate(n=tasks).order_by()}


def _asked(ids: list[int]) -> dict[int, dict[str, int]]:
    """Open tasks that wait for an answer, by batch and kind of annotator; checks of settled tasks do not count."""
    waiting = Escalation.objects.open().filter(task__batch__in=ids).exclude(reason=Escalation.Reason.AUDIT)
    found: dict[int, dict[str, int]] = {}
    for batch, to, count in waiting.values_list("task__batch", "to").annotate(Count("task", distinct=True)).order_by():
        found.setdefault(batch, {})[to] = count
    return found


def time_left(batch: Batch, done: int, due: int) -> tuple[float, float] | None:
    """Between how many seconds voting still takes at the pace of the last ten minutes (95%); None where unknown.

    The number of finished chunks counts as Poisson: n plus and minus 1.96 times its root.
    """
    if batch.stage != Stage.VOTING or batch.paused_at or done >= due:
        return None
    since = timezone.now() - timedelta(seconds=RECENT_SECONDS)
    recent = batch.chunks.filter(done_at__gte=since)
    found = recent.aggregate(n=Count("pk"), tasks=Sum(F("last") - F("first") + 1), oldest=Min("done_at"))
    if found["n"] < LEAST_CHUNKS:
        return None
    per_second = found["tasks"] / max((timezone.now() - found["oldest"]).total_seconds(), 1.0)
    spread = 1.96 / sqrt(found["n"])
    middle = (due - done) / per_second
    return middle / (1 + spread), middle / (1 - spread)
