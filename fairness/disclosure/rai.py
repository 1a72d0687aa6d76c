"""What responsible AI asks of a dataset, said in sentences from the datasheet: the properties of Croissant RAI 1.0."""

from __future__ import annotations

from fairness.datasheet.plain import LACKING, Plain
from fairness.disclosure.document import told

PLAIN = (("license", "license"), ("url", "address"))
"""Properties of schema.org that are said as they were written in the form."""
HUMAN = ("person", "expert")


def properties(sheet: Plain) -> Plain:
    """Every property of the vocabulary that the log or the form can answer."""
    said = sheet["statements"]
    found = {
        "dataCollection": said["novelty"],
        "dataCollectionRawData": "; ".join(said[key] for key in ("origin_text", "origin_pictures") if said[key]),
        "dataCollectionTimeframe": [
            when for when in (sheet["dataset"]["created_at"], sheet["dataset"]["finished_at"]) if when
        ],
        "dataCollectionMissingData": _missing(sheet),
        "dataPreprocessingProtocol": [_read(sheet)],
        "dataAnnotationProtocol": _protocol(sheet),
        "dataAnnotationPlatform": ["Concord"],
        "dataAnnotationAnalysis": [_analysis(one) for one in sheet["questions"]],
        "annotationsPerItem": _per_item(sheet),
        "annotatorDemographics": [said["who_labeled"]] if said["who_labeled"] else [],
        "machineAnnotationTools": [_machine(one) for one in sheet["annotators"] if one["kind"] not in HUMAN],
        "personalSensitiveInformation": [said["people_in_data"]] if said["people_in_data"] else [],
        "dataBiases": [line for one in sheet["questions"] for line in _biases(one)],
        "dataLimitations": sheet["limits"],
        "dataUseCases": [said["uses"]] if said["uses"] else [],
        "dataReleaseMaintenancePlan": [said["maintenance"]] if said["maintenance"] else [],
    }
    return {f"rai:{name}": value for name, value in found.items() if value}


def _missing(sheet: Plain) -> str:
    read = sheet["instances"]
    return f"{read['rows_bad']} rows could not be read, {read['rows_duplicate']} were there already."


def _read(sheet: Plain) -> str:
    read = sheet["instances"]
    return (
        f"Of {read['rows_read']} rows {read['rows_new']} became instances; duplicates by id and content were left out."
    )


def _protocol(sheet: Plain) -> str:
    led = sheet["cooperation"]["led_by"]
    who = ", ".join(f"{name} {n}" for name, n in led.items())
    return (
        "Models vote on every task; truth inference weighs the votes; what stays uncertain goes to paid models, people "
        f"and experts, and random checks tell how many answers are right. Who led, in tasks: {who or 'none yet'}. "
        f"{sheet['instructions']['guidelines']}".strip()
    )


def _analysis(one: Plain) -> str:
    weighed, found = one["aggregation"], one["agreement"]
    method = f"weighed by {weighed['method']} ({weighed['chosen']})" if weighed["rounds"] else "not weighed yet"
    agree = (
        "" if LACKING in found else f"; {found['measures'][0]['name']}: models {told(found['measures'][0]['models'])}"
    )
    share, checks = told(one["right"]["share"]), one["right"]["checks"]
    return f"Question {one['number']}: {method}{agree}; right {share}, from {checks} checks."


def _per_item(sheet: Plain) -> str:
    tasks = sum(one["tasks"] - one["not_asked"] for one in sheet["questions"])
    people = sum(one["answers"] for one in sheet["annotators"] if one["kind"] in HUMAN)
    machines = sum(one["answers"] for one in sheet["annotators"] if one["kind"] not in HUMAN)
    return f"{people} answers of people and {machines} of models to {tasks} tasks."


def _machine(one: Plain) -> str:
    versions = ", ".join(one["model_versions"]) or "no version told"
    said = f"{one['answers']} answers, {one['refusals']} refusals"
    return f"{one['name']}: {one.get('model', one['kind'])}; {versions}; {said}"


def _biases(one: Plain) -> list[str]:
    """The gap of each attribute, or that there are too few checks to tell."""
    return [_bias(one["number"], by) for by in one["fairness"]]


def _bias(number: int, by: Plain) -> str:
    begin = f"Question {number}, groups by {by['attribute']}"
    if LACKING in by:
        return f"{begin}: insufficient data, {by[LACKING]}."
    gap = by["gaps"][0]
    if LACKING in gap["gap"]:
        return f"{begin}: insufficient data, {gap['gap'][LACKING]}."
    return f"{begin}: widest gap in the share right {told(gap['gap'])}, {gap['verdict']}."
