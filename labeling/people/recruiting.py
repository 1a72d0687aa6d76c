"""Annotators join a project: models by their registry name, paid models with a stated price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import parse_qs

from django.conf import settings

from labeling.crowd import registry
from labeling.crowd.abilities import ABLE
from labeling.crowd.base import Voter
from labeling.crowd.errors import Misconfigured, PriceUnknown, Unable
from labeling.kinds.registry import ONE_LABEL
from labeling.models import Annotator, Project, Question

Kind = Annotator.Kind
TYPICAL_TOKENS = (600, 20)
"""Tokens read and written for one answer, as a first guess of its price until real answers tell."""


def add_models(
    project: Project, names: Sequence[str], *, priced: bool = False, vouched: bool = False
) -> list[Annotator]:
    """Let these models vote on every task. Raises CrowdError for one that cannot be built.

    One that costs money joins only where that was chosen (`priced`): its votes are held and booked under each batch's
    cap. `vouched`: whoever has the say over the server lets them use what it has.
    """
    return [_add(project, name, Kind.MODEL, priced=priced, vouched=vouched) for name in dict.fromkeys(names)]


def add_paid(project: Project, name: str, *, vouched: bool = False) -> Annotator:
    """Let this model answer what is sent to it, for money. Raises PriceUnknown until somebody states a price."""
    return _add(project, name, Kind.PAID, vouched=vouched)


def embedded_crowd(parts: int, images: int = 0, kinds: Iterable[str] = (ONE_LABEL,)) -> list[str]:
    """The names of the crowd that needs no download, for tasks of so many texts and pictures.

    `kinds`: of the questions that are asked about them. Raises Misconfigured where nobody answers any of them so.
    """
    names: list[str] = []
    refusal: Misconfigured | None = None
    for kind in dict.fromkeys(kinds):
        try:
            names += registry.embedded_crowd(parts, kind, images)
        except Misconfigured as error:
            refusal = error
    if refusal and not names:
        raise refusal
    return list(dict.fromkeys(names))


def questions_of(annotator: Annotator) -> list[Question]:
    """The questions of its project in whose kind it can answer. Raises CrowdError where it cannot be built."""
    return _answered(annotator.project, build(annotator.spec))


def _answered(project: Project, voter: Voter) -> list[Question]:
    return [one for one in project.questions.all() if one.kind in voter.kinds]


def build(spec: str) -> Voter:
    """The voter behind a spec or a name of the annotators file. Raises CrowdError in one sentence."""
    return registry.build(spec, named())


@lru_cache(maxsize=1)
def named() -> Mapping[str, str]:
    """Annotators that the file of CONCORD_ANNOTATORS names."""
    return registry.read_annotators(settings.ANNOTATORS_FILE) if settings.ANNOTATORS_FILE else {}


def display_name(spec: str) -> str:
    """What people call the annotator: `chat:gpt-4.1@https://…` is gpt-4.1, `causal:models/tiny?shots=4` is tiny."""
    if spec in named() or ":" not in spec:
        return spec.replace("_", " ") if ":" not in spec else spec
    worker = parse_qs(spec.partition("?")[2]).get("worker")
    return worker[0] if worker else registry.shown_name(spec)


def learns(spec: str) -> bool:
    """Whether this annotator learns from known answers, as specialists and encoders do: the texts speak through it."""
    line = named().get(spec, spec)
    return line in registry.BUILT_IN or line.startswith("embedding:")


def is_quick(spec: str) -> bool:
    """Whether this annotator answers a text in a millisecond or so, without weights or calls."""
    return named().get(spec, spec) in registry.BUILT_IN


def _add(project: Project, spec: str, kind: Annotator.Kind, *, priced: bool = False, vouched: bool) -> Annotator:
    voter = build(spec)
    _check_kinds(project, spec, voter)
    price = price_of(spec, voter)
    if kind == Kind.PAID and price is None:
        raise PriceUnknown(
            f"The price of {display_name(spec)} is not stated; add input= and output= in US dollars per million "
            "tokens (or call= per call), 0 if it is free."
        )
    if kind == Kind.MODEL and price and not priced:
        raise Misconfigured(
            f"{display_name(spec)} costs money; let it join as a paid model, or as one that votes on every task for "
            "money, under each batch's budget."
        )
    found, _ = Annotator.objects.get_or_create(
        project=project,
        kind=kind,
        spec=spec,
        defaults={
            "name": _free_name(project, kind, display_name(spec)),
            "outside": voter.outside,
            "price_microdollars": price,
            "vouched": vouched,
        },
    )
    if vouched and not found.vouched:
        Annotator.objects.filter(pk=found.pk).update(vouched=True)
    return found


def _check_kinds(project: Project, spec: str, voter: Voter) -> None:
    """Raise Unable for a voter that could answer none of the project's questions."""
    asked = list(dict.fromkeys(one.kind for one in project.questions.all()))
    if not voter.kinds & set(asked):
        able = "; ".join(dict.fromkeys(f"in {kind} {ABLE[kind]} can" for kind in asked))
        raise Unable(f"{display_name(spec)} cannot answer in {' or '.join(asked)}: {able}.")


def price_of(spec: str, voter: Voter) -> int | None:
    """Micro-dollars of a typical answer where a price is stated, else None."""
    line = named().get(spec, spec)
    stated = parse_qs(line.partition("?")[2])
    price = getattr(getattr(voter, "settings", voter), "price", None)
    return int(price.cost(*TYPICAL_TOKENS)) if price is not None and {"input", "call"} & stated.keys() else None


def _free_name(project: Project, kind: str, name: str) -> str:
    """The voter's own name; with its kind where a model of another kind has it, numbered where one of its own has."""
    machines, wished = project.annotators.machines(), name[:100]
    if machines.exclude(kind=kind).filter(name=wished).exists():
        wished = f"{wished} ({kind})"
    taken = set(machines.values_list("name", flat=True))
    number = 2
    while (found := wished if wished not in taken else f"{wished} {number}") in taken:
        number += 1
    return found
