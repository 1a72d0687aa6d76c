"""People answer in every kind: taken in, taken back, changed, compared, settled."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from labeling.models import Batch, Belief, Decision, Escalation, Instance, Task, Vote
from labeling.rounds import settling
from reviewers import cases
from reviewers.queue import claiming, undoing
from tests.reviewers.kinds import asks, mark
from tests.reviewers.scenery import ask, person
from tests.reviewers.test_views_annotate import signed_in, url

ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "choices": ({"chosen": [0, 1]}, {"chosen": [2]}, "Water, Roads", "Water, Roads, Noise"),
    "scale": ({"label": 2}, {"label": 6}, "3", "3 and 7"),
    "spans": ({"spans": [[0, 5, 0], [16, 20, 1]]}, {"spans": [[0, 5, 0]]}, "2 stretches", "“Oslo”"),
}
KINDS = ["spans", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("choices", "scale"))]
EMPTY = [("choices", "none of them"), ("spans", "nothing to mark")]
AT_PAGE = {"HX-Request": "true"}


@pytest.fixture
def ann(batch: Batch) -> Client:
    return signed_in("ann")


def told(task: Task, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer by positions of labels as the card's form sends it."""
    keys = [label.pk for label in task.question.label_list()]
    fields: dict[str, Any] = {"answered": "some", "key": str(uuid.uuid4()), "seconds": "3"}
    if "chosen" in answer:
        fields["chosen"] = [keys[at] for at in answer["chosen"]]
    if "label" in answer:
        fields["label"] = keys[answer["label"]]
    if "spans" in answer:
        fields["spans"] = json.dumps([[start, end, keys[at]] for start, end, at in answer["spans"]])
    return fields


def send(client: Client, name: str, task: Task, answer: dict[str, Any], **more: Any) -> Any:
    held = claiming.claim(person(task.project, name))
    assert held is not None and held.escalation.task == task
    return client.post(url("annotate_submit", held.pk), told(task, answer) | more, headers=AT_PAGE)


def asked(batch: Batch, kind: str, people: int = 1) -> Task:
    asks(batch, kind)
    task: Task = batch.tasks.first()
    for slot in range(people):
        ask(task, slot=slot)
    return task


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_kept_settles_and_is_named_on_undo(batch: Batch, ann: Client, kind: str) -> None:
    task = asked(batch, kind)
    page = send(ann, "ann", task, ANSWERS[kind][0]).content.decode()
    vote, decision = Vote.objects.get(), Decision.objects.current().get()
    assert (decision.label_id, decision.marks) == (vote.label_id, vote.marks) and decision.decided_by == "person"
    assert (vote.label is None) is not task.question.one_label
    assert f'data-said="{ANSWERS[kind][2]}"' in page


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_taken_back_opens_the_task_again(batch: Batch, ann: Client, kind: str) -> None:
    task = asked(batch, kind)
    send(ann, "ann", task, ANSWERS[kind][0])
    assert ann.post(url("annotate_undo"), headers=AT_PAGE).status_code == 200
    assert not Decision.objects.current().exists() and task.escalations.open().count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_earlier_answer_opens_with_what_was_said_and_is_changed(batch: Batch, ann: Client, kind: str) -> None:
    task = asked(batch, kind)
    send(ann, "ann", task, ANSWERS[kind][0])
    done = undoing.last_answers(person(batch.project, "ann"))[0]
    page = ann.get(f"{url('annotate')}?answer={done.pk}").content.decode()
    assert f"You said <b>{ANSWERS[kind][2]}</b>" in page
    same = ann.post(url("annotate_submit", done.pk), told(task, ANSWERS[kind][0]), headers=AT_PAGE)
    assert "answered this one already" in same.content.decode() and Vote.objects.count() == 1
    other = ann.post(url("annotate_submit", done.pk), told(task, ANSWERS[kind][1]), headers=AT_PAGE)
    assert f"Changed from {ANSWERS[kind][2]} to" in other.content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_answer_twice_is_one(batch: Batch, ann: Client, kind: str) -> None:
    task = asked(batch, kind)
    held = claiming.claim(person(batch.project, "ann"))
    assert held is not None
    fields = told(task, ANSWERS[kind][0])
    for _ in range(2):
        assert ann.post(url("annotate_submit", held.pk), fields, headers=AT_PAGE).status_code == 200
    assert Vote.objects.count() == 1
    other = told(task, ANSWERS[kind][1]) | {"key": fields["key"]}
    assert ann.post(url("annotate_submit", held.pk), other, headers=AT_PAGE).status_code == 409


@pytest.mark.parametrize("kind", KINDS)
def test_people_who_differ_make_a_case_that_says_on_what(batch: Batch, ann: Client, kind: str) -> None:
    task = asked(batch, kind, people=2)
    send(signed_in("bob"), "bob", task, ANSWERS[kind][1])
    assert not Decision.objects.current().exists()  # the other answer is still wanted
    send(ann, "ann", task, ANSWERS[kind][0])
    case = task.escalations.open().to_experts().get()
    assert case.reason == "people_disagree" and not Decision.objects.current().exists()
    assert case.why == f"bob and ann differ on {ANSWERS[kind][3]}."


@pytest.mark.parametrize("kind", KINDS)
def test_people_who_say_the_same_settle_it(batch: Batch, ann: Client, kind: str) -> None:
    task = asked(batch, kind, people=2)
    send(signed_in("bob"), "bob", task, ANSWERS[kind][0])
    send(ann, "ann", task, ANSWERS[kind][0])
    assert Decision.objects.current().get().decided_by == "person" and not task.escalations.open().exists()


@pytest.mark.parametrize(("confidence", "expert"), [(0.99, True), (0.6, False)])
def test_whoever_contradicts_a_sure_crowd_makes_a_case(
    batch: Batch, ann: Client, confidence: float, expert: bool
) -> None:
    task = asked(batch, "choices")
    shares = {"probabilities": [0.9, 0.1, 0.9], "base": [0.9, 0.1, 0.9], "marks": [0, 2]}
    Belief.objects.create(task=task, **shares, confidence=confidence, entropy=0.5, method="auto")
    send(ann, "ann", task, {"chosen": [0]})
    found = task.escalations.open().to_experts().first()
    assert bool(found) is expert
    if found:
        assert found.why == "The crowd is 99% sure, ann differs from it on Noise."


@pytest.mark.parametrize(("kind", "words"), EMPTY)
def test_an_empty_answer_is_an_answer_and_never_a_slip(batch: Batch, ann: Client, kind: str, words: str) -> None:
    task = asked(batch, kind)
    assert send(ann, "ann", task, {}, answered="some").status_code == 400 and not Vote.objects.exists()
    page = send(ann, "ann", task, {}, answered="none").content.decode()
    assert Vote.objects.get().marks == [] and f'data-said="{words}"' in page
    assert Decision.objects.current().get().marks == []


def test_without_scripts_a_refused_card_comes_back_with_what_was_chosen(batch: Batch, ann: Client) -> None:
    task = asked(batch, "spans")
    held = claiming.claim(person(batch.project, "ann"))
    assert held is not None
    key = task.question.label_list()[1].pk
    rows = {"quote": ["Oslo", "Eve"], "nth": ["1", "1"], "type": [key, key], "answered": "some", "note": "Hm."}
    page = ann.post(url("annotate_submit", held.pk), rows)
    words = page.content.decode()
    assert page.status_code == 400 and "“Eve” is not in the text" in words
    assert f"[[16, 20, {key}]]" in words and 'value="Oslo"' in words and ">Hm.</textarea>" in words
    more = ann.post(url("annotate_submit", held.pk), rows | {"act": "rows"})
    assert more.status_code == 200 and 'value="Oslo"' in more.content.decode()
    good = {"quote": ["Oslo"], "nth": ["1"], "type": [key], "answered": "some"}
    assert ann.post(url("annotate_submit", held.pk), good).status_code == 302
    assert Vote.objects.get().marks == [[16, 20, 1]]


@pytest.mark.parametrize("kind", KINDS)
def test_an_expert_sees_both_sides_and_settles(batch: Batch, kind: str) -> None:
    asks(batch, kind)
    task, project = batch.tasks.first(), batch.project
    sides = {"choices": ([0, 1], [2]), "scale": (2, 6), "spans": ([[0, 5, 0], [16, 20, 1]], [[0, 5, 0]])}[kind]
    votes = [mark(task, person(project, name), said) for name, said in zip(("ann", "bob"), sides, strict=True)]
    case = Escalation.objects.create(task=task, to="expert", reason="people_disagree", why="They differ.", priority=1)
    eve = signed_in("eve")
    page = eve.get(f"/p/city/cases/?case={case.pk}&take={votes[0].pk}").content.decode()
    assert page.count('data-take="') == 2 and f'data-kind="{kind}"' in page
    held = case.assignments.get()
    answer = told(task, ANSWERS[kind][0]) | {"note": "So it is."}
    assert eve.post(f"/p/city/cases/{held.pk}/", answer, headers=AT_PAGE).status_code == 200
    decision = Decision.objects.current().get()
    assert decision.decided_by == "expert" and decision.why == "So it is."
    assert (decision.label_id, decision.marks) == (votes[0].label_id, votes[0].marks)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flag_and_a_case_sent_back_go_their_way(batch: Batch, kind: str) -> None:
    task = asked(batch, kind)
    settling.flag(task.escalations.get(), "unclear", person(batch.project, "ann"))
    case = task.escalations.open().to_experts().get()
    settling.send_back(case, person(batch.project, "eve", "expert"), "look again")
    assert task.escalations.open().to_people().get().reason == "sent_back"


def laid_out(task: Task, reason: str = "people_disagree") -> cases.Case:
    return cases.lay_out(Escalation(task=task, to="expert", reason=reason, why=""), None)


def test_the_matrix_marks_rows_that_differ(batch: Batch) -> None:
    asks(batch, "choices")
    task = batch.tasks.first()
    mark(task, person(batch.project, "ann"), [0, 1])
    mark(task, person(batch.project, "bob"), [0])
    sides, keys = laid_out(task).sides, [label.pk for label in task.question.label_list()]
    assert [row.differs for row in sides["rows"]] == [False, True, False]
    assert [taken for _, taken in sides["columns"]] == [keys[:2], keys[:1]]


def test_lanes_cut_the_text_where_stretches_begin_and_end(batch: Batch) -> None:
    asks(batch, "spans", overlaps=True)
    task = batch.tasks.first()
    mark(task, person(batch.project, "ann"), [[0, 10, 0]])
    mark(task, person(batch.project, "bob"), [[0, 5, 0], [6, 20, 1]])
    sides = laid_out(task).sides
    [(_, pieces)] = sides["parts"]
    assert "".join(piece.text for piece in pieces) == task.text
    assert [piece.lanes for piece in pieces[:4]] == [((0, 0), (1, 0)), ((0, 0),), ((0, 0), (1, 1)), ((1, 1),)]
    assert [row.words for row in sides["rows"]] == ["Maria", "Maria flew", "flew from Oslo"]


def test_a_blind_check_shows_no_sides(batch: Batch) -> None:
    asks(batch, "choices")
    task = batch.tasks.first()
    mark(task, person(batch.project, "ann"), [0])
    case = laid_out(task, "audit")
    assert case.sides["columns"] == [] and not case.said


def test_a_picture_stands_on_card_and_case_with_its_words(batch: Batch, ann: Client) -> None:
    task = asked(batch, "choices")
    image = {"title": "Photo", "file": "0" * 64, "width": 640, "height": 480, "alt": "A street & a lamp"}
    Instance.objects.filter(pk=task.instance_id).update(images=[image], parts=[])
    card = ann.get(url("annotate")).content.decode()
    assert f'src="/p/city/pictures/{task.instance_id}/0/" width="640"' in card
    assert 'alt="A street &amp; a lamp"' in card and "data-lens" in card
    settling.flag(task.escalations.get(), "unclear", person(batch.project, "ann"))
    assert f"/p/city/pictures/{task.instance_id}/0/" in signed_in("eve").get("/p/city/cases/").content.decode()
