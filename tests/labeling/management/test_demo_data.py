"""The demo batch: written by hand, and what a demo needs of it."""

import json
from collections import Counter
from datetime import date
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from labeling.management.demo import city
from labeling.models import Escalation

DEMO = Path(__file__).resolve().parents[3] / "labeling" / "management" / "demo"
DISTRICTS = (
    "Old Town", "Riverside", "Castle Hill", "Northfield", "Southgate", "Mill Quarter", "Harbour", "Brickworks",
)  # fmt: skip


@pytest.fixture(scope="module")
def requests():
    with (DEMO / "city_requests.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def project():
    return json.loads((DEMO / "project.json").read_text(encoding="utf-8"))


def five_grams(text):
    flat = " ".join(text.lower().split())
    return {flat[place : place + 5] for place in range(len(flat) - 4)}


def test_there_are_360_requests_numbered_in_order(requests):
    assert [request["id"] for request in requests] == [f"R-{number:04d}" for number in range(1, 361)]


def test_every_request_has_the_same_seven_fields(requests):
    fields = {"id", "text", "district", "part", "channel", "received", "gold"}
    assert all(set(request) == fields for request in requests)
    assert {request["channel"] for request in requests} == {"phone", "web", "app", "letter"}


def test_requests_came_in_march_2026_in_the_order_of_their_numbers(requests):
    days = [date.fromisoformat(request["received"]) for request in requests]
    assert {(day.year, day.month) for day in days} == {(2026, 3)}
    assert days == sorted(days)


def test_texts_are_short_but_no_fragments(requests):
    words = [len(request["text"].split()) for request in requests]
    assert min(words) >= 12
    assert max(words) <= 60
    assert sum(15 <= count <= 40 for count in words) >= 0.8 * len(words)


@pytest.mark.slow
def test_no_text_is_a_near_copy_of_another(requests):
    grams = [(request["id"], five_grams(request["text"])) for request in requests]
    alike = [(one, two) for (one, a), (two, b) in combinations(grams, 2) if len(a & b) >= 0.5 * len(a | b)]
    assert alike == []


def test_no_two_texts_begin_alike(requests):
    starts = Counter(" ".join(request["text"].lower().split()[:4]) for request in requests)
    assert max(starts.values()) <= 2


def test_districts_are_of_unequal_size(requests):
    sizes = Counter(request["district"] for request in requests)
    assert set(sizes) == set(DISTRICTS)
    assert sizes["Brickworks"] == 12
    assert max(sizes, key=sizes.get) == "Old Town"
    assert all(size >= 30 for district, size in sizes.items() if district != "Brickworks")


def test_216_requests_have_a_known_label_from_the_label_set(requests, project):
    names = [label["name"] for label in project["labels"]]
    gold = Counter(request["gold"] for request in requests if request["gold"] is not None)
    assert sum(gold.values()) == 216
    assert sorted(gold) == sorted(names)
    assert min(gold.values()) >= 30


def test_known_labels_are_spread_over_districts_and_order(requests):
    sizes = Counter(request["district"] for request in requests)
    known = Counter(request["district"] for request in requests if request["gold"] is not None)
    assert all(0.5 <= known[district] / sizes[district] <= 0.7 for district in DISTRICTS)
    quarters = [
        sum(request["gold"] is not None for request in requests[start : start + 90]) for start in (0, 90, 180, 270)
    ]
    assert min(quarters) >= 40


def test_labels_do_not_come_in_runs(requests):
    known = [request["gold"] for request in requests if request["gold"] is not None]
    repeats = sum(one == two for one, two in pairwise(known))
    assert repeats <= 0.3 * len(known)


def test_the_project_explains_each_of_its_six_labels(project):
    assert project["question"] == "Which service should act first?"
    assert "must act first" in project["guideline"]
    assert len({label["name"] for label in project["labels"]}) == 6
    for label in project["labels"]:
        assert set(label) == {"name", "short", "hint", "description"}
        assert 3 <= len(label["hint"].split()) <= 4
        assert label["description"].endswith(".")
        assert " " not in label["short"]


@pytest.mark.slow
def test_words_alone_tell_most_but_not_all_labels(requests):
    """Too easy and the demo has nothing to route; too hard and no crowd could vote."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline

    known = [request for request in requests if request["gold"] is not None]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    scores = cross_val_score(model, [one["text"] for one in known], [one["gold"] for one in known], cv=folds)
    print(f"accuracy of word regression, ten folds: {scores.mean():.3f}")
    assert 0.60 <= scores.mean() <= 0.85


@pytest.mark.slow
@pytest.mark.django_db
def test_an_expert_s_case_waits_at_the_first_sign_in_and_a_second_start_adds_nothing() -> None:
    project, people, made = city.prepare()
    assert made and {person.role for person in people} == {"annotator", "expert", "manager"}
    [case] = Escalation.objects.open().to_experts()
    assert case.reason == "flagged" and "The guide has both" in case.why
    sizes = Counter(project.tasks.values_list("instance__groups__part", flat=True))
    assert len(sizes) == 2 and min(sizes.values()) >= 100, "large enough to be compared"
    _, again, made = city.prepare()
    assert not made and project.tasks.count() == 360 and Escalation.objects.open().to_experts().count() == 1
    assert {person.password for person in again}.isdisjoint(person.password for person in people)
