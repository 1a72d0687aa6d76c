"""Annotators join a project: models by their registry name, paid models with a stated price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath
from urllib.parse import parse_qs

from django.conf import settings

from labeling.crowd import registry
from labeling.crowd.base import Voter
from labeling.crowd.errors import Misconfigured, PriceUnknown
from labeling.crowd.specialist import RECIPES
from labeling.models import Annotator, Project

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


def embedded_crowd(parts: int, images: int = 0) -> list[str]:
    """The names of the crowd that needs no download, for tasks of so many texts and pictures."""
    return list(registry.embedded_crowd(parts, images=images))


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
    kind, _, rest = spec.partition(":")
    source, _, query = rest.partition("?")
    if kind == "chat":
        return source.rpartition("@")[0]
    worker = parse_qs(query).get("worker")
    return worker[0] if worker else PurePath(source).name


def learns(spec: str) -> bool:
    """Whether this annotator learns from known labels, as specialists and encoders do: the texts speak through it."""
    line = named().get(spec, spec)
    return line in RECIPES or line.startswith("embedding:")


def _add(project: Project, spec: str, kind: Annotator.Kind, *, priced: bool = False, vouched: bool) -> Annotator:
    voter = build(spec)
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
