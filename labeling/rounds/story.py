"""The story of a batch. `advance` takes it one step further; workers call it until it answers False.

    importing   the file's rows become tasks
    voting      every model of the crowd votes on every task, chunk by chunk
    weighing    votes become beliefs; sure tasks are settled, the others are sent on while an answer is worth its price
    asking      paid models answer what was sent to them; then the votes are weighed again
    reviewing   people answer in their queues, experts settle what they disagree on (`settling.settle`); what they say
                is weighed again and again in the background, and teaches the models (`reviewing`, `teaching`)
    done        every task has its label

Each step claims its piece of work by a conditional update, may be repeated, and leaves all progress in rows:
a worker may die anywhere.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max

from labeling.checks import alarms, draws
from labeling.crowd.errors import CrowdError
from labeling.files import imports
from labeling.files.tables import UnusableFile
from labeling.live import nudges
from labeling.models import Annotator, Batch, Chunk, Escalation
from labeling.money.ledger import Refused
from labeling.people import recruiting
from labeling.rounds import asking, conditions, fallback, reviewing, teaching, voting, weighing

Stage = Batch.Stage


def advance(batch_id: int) -> bool:
    """Do the next piece of work on a batch; True if there is more to do right now.

    An error that needs a person is stored on the batch in one sentence and pauses it; nothing done is lost.
    """
    batch = Batch.objects.select_related("project").get(pk=batch_id)
    step = STEPS.get(Stage(batch.stage))
    if step is None or batch.paused_at:
        return False
    batch.touch()
    try:
        return step(batch)
    except (UnusableFile, CrowdError, Refused) as error:
        batch.stop(str(error))
        return False
    finally:
        nudges.announce(batch.project_id, nudges.PROGRESS)


def take_in(batch: Batch) -> bool:
    """The file's rows become tasks, and each model of the crowd gets its chunks of them."""
    if not batch.lease(settings.LEASE_SECONDS):
        return False
    try:
        if not imports.take_in(batch, lambda: batch.renew(settings.LEASE_SECONDS)):
            return False
        teaching.begin(batch)
        conditions.apply(batch)
        hand_out(batch)
    finally:
        batch.release()
    return batch.move(Stage.VOTING, come_from=Stage.IMPORTING)


def hand_out(batch: Batch) -> None:
    """Cut the batch into chunks for every model of the crowd that has none yet; safe to repeat.

    One model after the other, those that need no weights first: a worker that can hold the weights of one model only
    loads each of them once.
    """
    members = list(batch.project.annotators.crowd().exclude(chunks__batch=batch).order_by("pk"))
    members.sort(key=lambda one: not recruiting.is_quick(one.spec))
    sizes = [chunk_size(batch, one) for one in members]
    cut = (
        _chunk(batch, one, first, size)
        for one, size in zip(members, sizes, strict=True)
        for first in range(0, batch.n_tasks, size)
    )
    Chunk.objects.bulk_create(cut, ignore_conflicts=True)


def _chunk(batch: Batch, annotator: Annotator, first: int, size: int) -> Chunk:
    return Chunk(batch=batch, annotator=annotator, first=first, last=min(first + size, batch.n_tasks) - 1)


QUICK, SHARE = 16, 16
"""Of a large batch a quick model takes so many times as much at a time, at most this part of all."""


def chunk_size(batch: Batch, annotator: Annotator) -> int:
    """How many tasks a chunk has: all of each of its instances."""
    width, size = batch.project.questions.count(), settings.CHUNK_SIZE
    if recruiting.is_quick(annotator.spec):
        size = max(size, min(QUICK * size, batch.n_tasks // SHARE))
    return max(size // width, 1) * width


def hand_out_known(batch: Batch, annotator: Annotator, places: list[int]) -> None:
    """Cut chunks of a batch that is done for one model: those around the known tasks at these places."""
    size = chunk_size(batch, annotator)
    firsts = sorted({place - place % size for place in places})
    Chunk.objects.bulk_create([_chunk(batch, annotator, at, size) for at in firsts], ignore_conflicts=True)
    again = batch.chunks.filter(annotator=annotator, first__in=firsts)
    again.update(done_at=None, why="", leased_until=None, failures=0)


def collect_votes(batch: Batch) -> bool:
    """One model of the crowd votes on one chunk; when no chunk is left, the votes can be weighed.

    Models that fail do not hold up the others; once only they owe votes, a person is waited for, or they are left out.
    """
    chunk = batch.chunks.claim(settings.LEASE_SECONDS)
    if chunk is not None:
        return voting.vote_on(chunk)
    wanted = batch.chunks.wanted()
    if wanted.exists():
        if wanted.stopped().exists() and voting.leave_out_stopped(batch):
            return True
        stuck = not wanted.filter(failures__lt=Chunk.TRIES).exists()
        return stuck and voting.leave_out(batch)
    return batch.move(Stage.WEIGHING, come_from=Stage.VOTING)


def weigh(batch: Batch) -> bool:
    """Votes become beliefs; sure tasks are settled, the others sent on. One worker at a time does this."""
    if not batch.lease(10 * settings.LEASE_SECONDS):
        return False
    try:
        turn = weighing.weigh(batch)
        draws.draw_slice(batch)
    finally:
        batch.release()
    asks = turn.to_paid > 0
    if not asks and conditions.asks_more(batch, Stage.WEIGHING):
        return not alarmed(batch)
    batch.move(Stage.ASKING if asks else Stage.REVIEWING, come_from=Stage.WEIGHING)
    if alarmed(batch):
        return False
    return asks or has_newcomers(batch) or finish(batch)


def has_newcomers(batch: Batch) -> bool:
    """Whether a model that joined since still owes its votes, and can give them."""
    return batch.chunks.wanted().filter(failures__lt=Chunk.TRIES).exists()


def alarmed(batch: Batch) -> bool:
    """Look for alarms; True where one has paused the batch."""
    alarms.look(batch)
    return Batch.objects.filter(pk=batch.pk, paused_at__isnull=False).exists()


def review(batch: Batch) -> bool:
    """People are at work: what they answered is weighed once there is enough of it, and teaches the models that learn.

    The batch stays with people while it is weighed; one worker at a time does this.
    """
    if has_newcomers(batch):
        return batch.move(Stage.VOTING, come_from=Stage.REVIEWING)
    if conditions.asks_more(batch, Stage.REVIEWING):
        return True
    if not reviewing.is_due(batch):
        return finish(batch)
    if teaching.is_due(batch) and teach(batch):
        return True
    if not batch.lease(10 * settings.LEASE_SECONDS):
        return False
    turn = weighing.weigh(batch)
    draws.draw_slice(batch)
    batch.release()
    if turn.to_paid:
        batch.move(Stage.ASKING, come_from=Stage.REVIEWING)
    if alarmed(batch):
        return False
    return turn.to_paid > 0 or conditions.asks_more(batch, Stage.REVIEWING) or finish(batch)


@transaction.atomic
def teach(batch: Batch) -> bool:
    """Let the models that learn vote anew; False where nobody would."""
    return teaching.again(batch) and batch.move(Stage.VOTING, come_from=Stage.REVIEWING)


def ask_paid(batch: Batch) -> bool:
    """The paid model answers a handful of the questions sent to it; when none is left, the votes are weighed again."""
    questions = Escalation.objects.in_batch(batch.pk).to_paid()
    if asking.ask_some(questions.free()):
        return True
    fallback.pass_on(batch)
    if questions.open().exists():
        return False
    return batch.move(Stage.WEIGHING, come_from=Stage.ASKING)


def finish(batch: Batch) -> bool:
    """Close the batch when every task is settled; checks that still wait do not hold it up. Always False: no more work.

    What people settled is drawn for checks now as well.
    """
    if Escalation.objects.in_batch(batch.pk).open().exclude(reason=Escalation.Reason.AUDIT).exists():
        return False
    if not Batch.objects.filter(pk=batch.pk, stage=Stage.REVIEWING).exists() or batch.tasks.undecided().exists():
        return False
    draws.draw_slice(batch)
    if batch.move(Stage.DONE, come_from=Stage.REVIEWING):
        nudges.announce(batch.project_id, nudges.PROGRESS)
    return False


def go_on(batch: Batch) -> bool:
    """Weigh a batch once more because more can be asked now: money was added, or calls are allowed again.

    Questions that were withdrawn for want of money or permission may be asked anew, and members of the crowd that
    rested for it vote on; labels of the crowd and of models may change. True if the batch was waiting for people or
    done; one at work finds the money by itself.
    """
    last = batch.rounds.aggregate(last=Max("number"))["last"] or 0
    Batch.objects.filter(pk=batch.pk).update(rounds_before=last, paused_at=None, error="")
    batch.chunks.wake()
    return any(batch.move(Stage.WEIGHING, come_from=stage) for stage in (Stage.REVIEWING, Stage.DONE))


def measure(batch: Batch) -> bool:
    """A model that joined since votes on known tasks of a batch that is done, to be measured; no label changes."""
    chunk = batch.chunks.claim(settings.LEASE_SECONDS)
    return chunk is not None and voting.vote_on(chunk)


STEPS: dict[Batch.Stage, Callable[[Batch], bool]] = {
    Stage.IMPORTING: take_in,
    Stage.VOTING: collect_votes,
    Stage.WEIGHING: weigh,
    Stage.ASKING: ask_paid,
    Stage.REVIEWING: review,
    Stage.DONE: measure,
}


def progress(batch: Batch) -> dict[str, int]:
    """How many of the batch's tasks are settled and open, and how many wait for whom; checks do not count.

    What waits for the answer to another question is open; what is `not_asked` because of it is neither.
    """
    stages = dict(batch.tasks.values_list("stage").annotate(Count("pk")).order_by())
    questions = Escalation.objects.in_batch(batch.pk).open().exclude(reason=Escalation.Reason.AUDIT)
    waiting = dict(questions.values_list("to").annotate(Count("task", distinct=True)).order_by())
    return {
        "decided": stages.get("decided", 0),
        "open": stages.get("open", 0) + stages.get("waiting", 0),
        "not_asked": stages.get("not_asked", 0),
        "for_paid": waiting.get("paid", 0),
        "for_people": waiting.get("person", 0),
        "for_experts": waiting.get("expert", 0),
    }
