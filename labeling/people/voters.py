"""Annotator rows to voters that can be asked, and answers to vote rows."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace
from functools import lru_cache

from labeling import known, models, said
from labeling.crowd.abilities import check_kind
from labeling.crowd.base import Answer, Brief, Example, LabelSet, Question, Stays, Together, Voter
from labeling.crowd.errors import CrowdError, Misconfigured, unforeseen
from labeling.crowd.exactness import Exactness
from labeling.crowd.shot_trials import Evidence
from labeling.models import Annotator, Batch, Label, Task, Vote
from labeling.models.question import space_of
from labeling.people import recruiting, rules
from labeling.people.shown import question as question
from labeling.people.shown import question_of

log = logging.getLogger(__name__)
KEPT = 48
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
        _keep_evidence(voter, annotator, asked or batch.project.first_question)
        _ready[key] = voter
        while len(_ready) > KEPT:
            _ready.popitem(last=False)
    _ready.move_to_end(key)
    return _ready[key]


def panel(annotator: Annotator, batch: Batch, asked: Sequence[models.Question]) -> Voter:
    """The voter behind an annotator, prepared for these questions; of several it `joins`. Raises CrowdError."""
    prepared = [ready(annotator, batch, one) for one in asked]
    first, *others = prepared
    return first.together(others) if others and isinstance(first, Together) else first


def joins(annotator: Annotator) -> bool:
    """Whether it answers several questions about one instance in one call. Raises CrowdError where it is unusable."""
    return _joins(annotator.spec)


@lru_cache(maxsize=256)
def _joins(spec: str) -> bool:
    """The same by its spec; what a voter can do does not change while a process runs."""
    return isinstance(recruiting.build(spec), Together)


def _prepare(voter: Voter, brief: Brief) -> None:
    """Raises CrowdError, for a failure of any sort."""
    check_kind(voter, brief)
    try:
        voter.prepare(brief)
    except CrowdError:
        raise
    except Exception as error:
        log.exception("%s", voter.name.partition("?")[0])
        failure = unforeseen(error, voter.name)
        failure.charged = False
        raise failure from error


def _keep_evidence(voter: Voter, annotator: Annotator, asked: models.Question) -> None:
    """Keep with a free member how it chooses examples and why, where it tried several ways, and what coarse reckoning
    costs it; the Crowd page tells it."""
    evidence: Evidence | None = getattr(voter, "evidence", None)
    exactness: Exactness | None = getattr(voter, "exactness", None)
    if (evidence is None and exactness is None) or annotator.charges:
        return
    words = " ".join(one.words for one in (evidence, exactness) if one)
    told = {"examples": {**(asdict(evidence) if evidence else {}), "words": words}}
    models.Skill.objects.keep([models.Skill(annotator=annotator, question=asked, skill=told)], "skill")


def brief_version(batch: Batch, asked: models.Question | None = None) -> int:
    """Changes whenever the brief would, at the price of one small query."""
    project = batch.project
    about = asked or project.first_question
    learnable = Task.objects.learnable().filter(project=project, question=about)
    stays = ("instance__local_only", "batch__local_only")
    of_the_file = learnable.values_list("pk", "gold_id", "gold_marks", *stays).order_by("pk")
    told = [(label.name, label.description, label.hint, label.value) for label in about.label_list()]
    return hash(
        (
            batch.pk,
            about.pk,
            batch.rows_new,
            batch.seed,
            about.kind,
            about.wording,
            instructions(about),
            tuple(told),
            repr(list(of_the_file)),
            batch.taught_at,
            tuple(sorted(models.Mistake.objects.cases(about))),
            project.hide_personal_data,
            project.local_only,
        )
    )


@lru_cache(maxsize=8)
def brief_for(batch: Batch, version: int, outside: bool = False, asked: models.Question | None = None) -> Brief:
    """What a voter may know: a question's labels, guidelines, known answers, what the batch shows without answers.

    What people settled is known as of `batch.taught_at`, so that all of a batch is answered by the same lesson.
    For a voter of `outside`, known tasks that must stay are no examples.
    `version` is only there to make the cache forget a brief that has changed.
    """
    project = batch.project
    about = asked or project.first_question
    tasks = batch.tasks.about(about).order_by("position")
    rows = tasks.values_list(*(f"instance__{name}" for name in SHOWN))[:TEXTS]
    return replace(
        bare_brief(about),
        examples=tuple(_examples(batch, about, outside)),
        texts=tuple(question_of(*row) for row in rows),
        seed=batch.seed,
        hide_personal_data=project.hide_personal_data,
        stays=staying(project.pk),
        lessons=_lessons(about),
    )


def _lessons(about: models.Question) -> frozenset[str]:
    """The tasks of mistakes that recur, by the names that voters see."""
    cases = Task.objects.filter(pk__in=models.Mistake.objects.cases(about))
    return frozenset(cases.values_list("instance__external_id", flat=True))


def bare_brief(about: models.Question) -> Brief:
    """What is asked, without texts and examples: kind, labels, wording, guidelines."""
    labels = about.label_list()
    stand = any(label.value is not None for label in labels)
    return Brief(
        label_set(labels, fewest=about.answers.fewest_labels),
        instructions(about),
        kind=about.kind,
        wording="" if about.votes_are_enough else about.wording,
        values=space_of(labels).values if stand else (),
        shared=about.project.guidelines,
    )


def _examples(batch: Batch, about: models.Question, outside: bool) -> Iterator[Example]:
    """The known answers, in the form of the question's kind; stretches lie in the text that voters see."""
    taught, kind, space = known.taught(about, batch.taught_at), about.answers, about.space()
    learnable = known.tasks(batch.project_id, about).order_by("pk")
    for task in learnable.may_leave() if outside else learnable:
        if task.pk in taught:
            shown, plain = question(task), taught[task.pk]
            own = replace(space, texts={shown.task: shown.text}) if kind.in_text else space
            yield Example(shown, plain if kind.one_label else -1, kind.from_marks(plain, own, shown.task))


def staying(project_id: int) -> Stays:
    """Looks up which texts of the project must not leave, at the moment it is called."""

    def stays(questions: Sequence[Question]) -> Collection[str]:
        names = {question.task for question in questions}
        leaving = Task.objects.may_leave().filter(project=project_id, instance__external_id__in=names)
        return names - set(leaving.values_list("instance__external_id", flat=True))

    return stays


def label_set(labels: list[Label], fewest: int = 2) -> LabelSet:
    told = tuple(label.description or label.hint for label in labels)
    return LabelSet(tuple(label.name for label in labels), told if any(told) else (), fewest)


def instructions(asked: models.Question) -> str:
    """What annotators are told about a question, models and people alike; of one label with the question itself."""
    wording = asked.wording if asked.votes_are_enough else ""
    told = (wording, asked.project.guidelines, asked.guidelines)
    return "\n\n".join(text for text in told if text)


def vote(task: Task, annotator: Annotator, answer: Answer, asked: models.Question, labels: list[Label]) -> Vote:
    """The row, not yet saved, that records an answer to a question with these labels."""
    return Vote(
        task=task,
        annotator=annotator,
        **_columns(answer, asked, labels),
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


def _columns(answer: Answer, asked: models.Question, labels: list[Label]) -> said.Columns:
    """The label, or the marks; models answer so often that one label takes no detour."""
    if asked.votes_are_enough:
        return said.Columns(label=None if answer.label is None else labels[answer.label], marks=None)
    return said.columns(asked, answer.said, labels)
