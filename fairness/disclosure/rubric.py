"""DataRubrics: every dimension answered from the log where it can be, else from the form; each with its evidence.

Source: Winata et al., Datasheets Aren't Enough: DataRubrics for Automated Quality Metrics and Accountability. A
dimension may have several answers; each comes with the words it rests on and the page where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import reverse

from fairness.datasheet.plain import Plain
from fairness.disclosure import asked
from fairness.disclosure.asked import Answers
from labeling.checks.certificates import counted
from labeling.models import Annotator, Batch

Kind = Annotator.Kind
NONE, UNSAID = "not applicable", "not said"
LOG, FORM = "log", "form"


def rubric(batch: Batch, sheet: Mapping[str, Any], found: Answers) -> list[Plain]:
    """One entry for each dimension, in the order of the paper. `sheet`: the sections that evidence is taken from."""
    pages = _Pages(batch)
    return [
        *_source(sheet, found, pages),
        *_annotation(sheet, pages),
        _quality(sheet, pages),
        _of_form("utility", "novelty", "novelty", found, pages),
        _of_form("utility", "task use", "uses", found, pages),
        _language(sheet, found, pages),
        _of_form("utility", "other languages", "other_languages", found, pages),
        _documentation(sheet, found, pages),
        _reproducibility(sheet, pages),
    ]


class _Pages:
    """Addresses of the pages where evidence stands."""

    def __init__(self, batch: Batch) -> None:
        self._project, self._batch = [batch.project.slug], [batch.project.slug, batch.pk]

    def of_project(self, name: str) -> str:
        return reverse(name, args=self._project)

    def of_batch(self, name: str) -> str:
        return reverse(name, args=self._batch)

    @property
    def form(self) -> str:
        return self.of_project("about_data")


def _entry(group: str, dimension: str, source: str, values: list[str], evidence: list[tuple[str, str]]) -> Plain:
    told = [{"says": says, "link": link} for says, link in evidence]
    return {"group": group, "dimension": dimension, "from": source, "values": values, "evidence": told}


def _of_form(group: str, dimension: str, key: str, found: Answers, pages: _Pages) -> Plain:
    values = list(found[key].chosen) if key in found else []
    words = asked.said(found, key)
    return _entry(group, dimension, FORM, values or [UNSAID], [(words or "Nobody has said it yet.", pages.form)])


def _source(sheet: Mapping[str, Any], found: Answers, pages: _Pages) -> Iterator[Plain]:
    """Where texts and pictures come from; the product holds no other modality."""
    there = sheet["instances"]
    for modality, key, count in (("text", "origin_text", "with_text"), ("image", "origin_pictures", "with_pictures")):
        if there[count]:
            entry = _of_form("source", modality, key, found, pages)
            entry["evidence"].append(
                {"says": f"{there[count]} of {there['instances']} instances", "link": pages.of_project("tasks")}
            )
            yield entry
        else:
            says = f"None of the {there['instances']} instances has one."
            yield _entry("source", modality, LOG, [NONE], [(says, pages.of_project("tasks"))])
    for modality in ("audio", "video", "tabular data", "graph", "time signal"):
        yield _entry(
            "source", modality, LOG, [NONE], [("Instances are texts and pictures.", pages.of_project("tasks"))]
        )


def _annotation(sheet: Mapping[str, Any], pages: _Pages) -> Iterator[Plain]:
    """Who annotated, and what people and models were told: instructions, rubrics (meanings of labels), examples."""
    values = _who([(one["kind"], 1) for one in sheet["annotators"] if one["answers"]])
    says = ", ".join(f"{one['name']}: {one['answers']} answers" for one in sheet["annotators"] if one["answers"])
    evidence = [(says or "Nobody has answered.", pages.of_project("crowd"))]
    yield _entry("annotation", "annotators", LOG, values or [NONE], evidence)
    told = _guidelines(sheet, pages)
    people = any(one["kind"] in (Kind.PERSON, Kind.EXPERT) for one in sheet["annotators"])
    machines = any(one["kind"] in (Kind.MODEL, Kind.PAID) for one in sheet["annotators"])
    yield _entry("annotation", "guidelines for people", LOG, told[0] if people else [NONE], told[1])
    taught = sum(one["taught_from"] for one in sheet["questions"])
    examples = [("examples", f"{taught} known answers were shown to models or learned from", "tasks")] if taught else []
    values = [*told[0], *(name for name, _, _ in examples)]
    evidence = [*told[1], *((says, pages.of_project(page)) for _, says, page in examples)]
    yield _entry("annotation", "guidelines for models", LOG, values if machines else [NONE], evidence)


def _guidelines(sheet: Mapping[str, Any], pages: _Pages) -> tuple[list[str], list[tuple[str, str]]]:
    """Instructions where there are guidelines, rubrics where labels have meanings."""
    words = sheet["instructions"]["guidelines"] or "".join(one["guidelines"] for one in sheet["questions"])
    labels = [label for one in sheet["questions"] for label in one["labels"]]
    meant = sum(bool(label["meaning"]) for label in labels)
    settings = pages.of_project("settings")
    values = [*(["instructions"] if words else []), *(["rubrics"] if meant else [])]
    number = len(sheet["instructions"]["versions"])
    evidence = [
        (f"{len(words)} signs of guidelines, {number} kept versions" if words else "No guidelines.", settings),
        (f"{meant} of {len(labels)} labels have a meaning in words.", settings),
    ]
    return values or ["no guidelines"], evidence


def _who(counts: list[tuple[str, int]]) -> list[str]:
    """The paper's categories for these annotators."""
    people, experts = (sum(n for kind, n in counts if kind == wanted) for wanted in (Kind.PERSON, Kind.EXPERT))
    values = []
    if experts:
        values.append("multiple human experts" if experts > 1 else "single human expert")
    if people:
        values.append("multiple human non-experts" if people > 1 else "single human non-expert")
    if any(kind in (Kind.MODEL, Kind.PAID) for kind, _ in counts):
        values.append("AI model")
    return values


def _quality(sheet: Mapping[str, Any], pages: _Pages) -> Plain:
    """Who assured quality: people's and experts' words on what machines said, random checks, truth inference."""
    decided, checks = sheet["cooperation"]["decided_by"], sum(one["right"]["checks"] for one in sheet["questions"])
    kinds = [one["kind"] for one in sheet["annotators"] if one["answers"] and one["kind"] in (Kind.PERSON, Kind.EXPERT)]
    values = _who([(kind, 1) for kind in kinds])
    rounds = sum(one["aggregation"]["rounds"] for one in sheet["questions"])
    evidence = [(f"{counted(checks, 'check')} to tell how many answers are right.", f"{pages.of_batch('batch')}#good")]
    if rounds:
        values.append("automatic verification")
        evidence.append((f"Votes were weighed in {counted(rounds, 'round')}.", pages.of_batch("rounds")))
    if any(decided.get(by) for by in ("person", "expert")):
        says = f"People decided {decided.get('person', 0)} tasks and experts {decided.get('expert', 0)}."
        evidence.append((says, pages.of_project("tasks")))
    return _entry("annotation", "quality assurance", LOG, values or ["none"], evidence)


def _language(sheet: Mapping[str, Any], found: Answers, pages: _Pages) -> Plain:
    """From the project's setting, else from the form."""
    named = sheet["dataset"]["language"]
    if not named:
        entry = _of_form("utility", "human languages", "languages", found, pages)
        return entry | {"values": [asked.said(found, "languages") or UNSAID]}
    value = "monolingual (English)" if named.lower().startswith("en") else "monolingual (other than English)"
    return _entry("utility", "human languages", LOG, [value], [(f"The project’s language: {named}.", pages.form)])


def _documentation(sheet: Mapping[str, Any], found: Answers, pages: _Pages) -> Plain:
    open_ones = len(asked.unanswered(found))
    answered = len(asked.QUESTIONS) - open_ones
    says = f"This sheet, from the log; {answered} of {len(asked.QUESTIONS)} questions of the form are answered."
    values = ["documented"] if not open_ones else ["documented in part"]
    return _entry("documentation", "documentation", LOG, values, [(says, pages.of_batch("datasheet"))])


def _reproducibility(sheet: Mapping[str, Any], pages: _Pages) -> Plain:
    digests = [f"question {one['number']}: {one['labels_file']['sha256'][:12]}…" for one in sheet["questions"]]
    says = f"Files of labels by SHA-256, {', '.join(digests)}; build {sheet['reproduce']['build']}."
    votes = (f"{sum(one['answers'] for one in sheet['annotators'])} votes leave as a file.", pages.of_project("export"))
    evidence = [(says, pages.of_batch("datasheet")), votes]
    return _entry("reproducibility", "reproducibility", LOG, ["code", "votes", "parameters and seed"], evidence)
