"""Annotator rows to voters that can be asked, and answers to vote rows."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection, Sequence
from functools import lru_cache

from labeling import known, models
from labeling.crowd.base import Answer, Brief, Example, LabelSet, Question, Stays, Voter
from labeling.crowd.errors import CrowdError, Misconfigured, unforeseen
from labeling.models import Annotator, Batch, Label, Task, Vote
from labeling.people import recruiting, rules
from labeling.people.shown import question as question
from labeling.people.shown import question_of

log = logging.getLogger(__name__)
KEPT = 24
TEXTS = 20_000
SHOWN = ("external_id", "parts", "images")
_ready: OrderedDict[tuple[int, str, int], Voter] = OrderedDict()


def ready(annotator: Annotator, batch: Batch, asked: models.Question | None = None) -> Voter:
    """The voter behind an annotator, prepared for a question, the first one unless another is named.

    Models stay in this process's memory until others push them out. Raises CrowdError where it cannot serve, in one
    sentence.
    """
    version = brief_version(batch, asked)
    key = (annotator.pk, annotator.spec, version)
    if key not in _ready:
        rules.check_reach(annotator)
        voter = recruiting.build(annotator.spec)
        if voter.outside and not annotator.outside:
            raise Misconfigured(f"{annotator} would now send texts away from this machine; let it join anew.")
        if not annotator.charges and recruiting.price_of(annotator.spec, voter):
            raise Misconfigured(f"{annotator} would now cost money; let it join anew.")
        _prepare(voter, brief_for(batch, version, voter.outside, asked))
        _ready[key] = voter
        while len(_ready) > KEPT:
            _ready.popitem(last=False)
    _ready.move_to_end(key)
    return _ready[key]


def _prepare(voter: Voter, brief: Brief) -> None:
    """Raises CrowdError, for a failure of any sort."""
    try:
        voter.prepare(brief)
    except CrowdError:
        raise
    except Exception as error:
        log.exception("%s", voter.name.partition("?")[0])
        failure = unforeseen(error, voter.name)
        failure.charged = False
        raise failure from error


def brief_version(batch: Batch, asked: models.Question | None = None) -> int:
    """Changes whenever the brief would, at the price of one small query."""
    project = batch.project
    about = asked or project.first_question
    learnable = Task.objects.learnable().filter(project=project, question=about)
    of_the_file = learnable.values_list("pk", "gold_id", "instance__local_only", "batch__local_only").order_by("pk")
    told = [(label.name, label.description, label.hint) for label in about.label_list()]
    return hash(
        (
            batch.pk,
            about.pk,
            batch.rows_new,
            batch.seed,
            instructions(about),
            tuple(told),
            tuple(of_the_file),
            batch.taught_at,
            project.hide_personal_data,
            project.local_only,
        )
    )


@lru_cache(maxsize=4)
def brief_for(batch: Batch, version: int, outside: bool = False, asked: models.Question | None = None) -> Brief:
    """What a voter may know: a question's labels, guidelines, known labels, the batch's texts without labels.

    What people settled is known as of `batch.taught_at`, so that all of a batch is answered by the same lesson.
    For a voter of `outside`, known tasks that must stay are no examples.
    `version` is only there to make the cache forget a brief that has changed.
    """
    project = batch.project
    about = asked or project.first_question
    labels = about.label_list()
    label_of = {one.task: one.label for one in known.labels_by(project, batch.taught_at, about)}
    learnable = known.tasks(project.pk, about).order_by("pk")
    learnable = learnable.may_leave() if outside else learnable
    examples = tuple(Example(question(task), label_of[task.pk]) for task in learnable if task.pk in label_of)
    tasks = batch.tasks.about(about).order_by("position")
    rows = tasks.values_list(*(f"instance__{name}" for name in SHOWN))
    texts = tuple(question_of(*row) for row in rows[:TEXTS])
    hides = project.hide_personal_data
    return Brief(label_set(labels), instructions(about), examples, texts, batch.seed, hides, staying(project.pk))


def staying(project_id: int) -> Stays:
    """Looks up which texts of the project must not leave, at the moment it is called."""

    def stays(questions: Sequence[Question]) -> Collection[str]:
        names = {question.task for question in questions}
        leaving = Task.objects.may_leave().filter(project=project_id, instance__external_id__in=names)
        return names - set(leaving.values_list("instance__external_id", flat=True))

    return stays


def label_set(labels: list[Label]) -> LabelSet:
    told = tuple(label.description or label.hint for label in labels)
    return LabelSet(tuple(label.name for label in labels), told if any(told) else ())


def instructions(asked: models.Question) -> str:
    """What annotators are told about a question, models and people alike."""
    told = (asked.wording, asked.project.guidelines, asked.guidelines)
    return "\n\n".join(text for text in told if text)


def vote(task: Task, annotator: Annotator, answer: Answer, labels: list[Label]) -> Vote:
    """The row, not yet saved, that records an answer."""
    return Vote(
        task=task,
        annotator=annotator,
        label=None if answer.label is None else labels[answer.label],
        probabilities=None if answer.probabilities is None else [round(float(p), 6) for p in answer.probabilities],
        raw=answer.raw or answer.note,
        prompt_version=answer.prompt_version[:64],
        model_version=answer.model[:120],
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        attempts=answer.attempts,
        seconds=answer.seconds,
        cost_microdollars=answer.cost_microdollars,
        hidden=dict(answer.hidden) or None,
    )
