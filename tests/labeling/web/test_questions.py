"""New projects with questions of every kind, and files that know answers to several of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from labeling.files.tables import UnusableFile
from labeling.models import Batch, Membership, Project, Question
from labeling.rounds import story
from labeling.web.question_forms import scale
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db
FIRST = {
    "name": "Streets",
    "group_name": "Group",
    "question": "What is there?",
    "kind": "choices",
    "labels": "hole\nlamp\n",
}
MORE = {
    "more-TOTAL_FORMS": "2",
    "more-INITIAL_FORMS": "0",
    "more-0-question": "How urgent?",
    "more-0-kind": "scale",
    "more-0-low": "1",
    "more-0-high": "3",
    "more-0-after": "1",
    "more-0-answer": "hole",
    "more-1-question": "Which words name it?",
    "more-1-kind": "spans",
    "more-1-labels": "Place",
}


@pytest.fixture
def maker(client: Client, django_user_model: Any) -> Client:
    client.force_login(django_user_model.objects.create(username="maker", is_staff=True))
    return client


@pytest.fixture
def streets(maker: Client) -> Project:
    answer = maker.post("/new/", FIRST | MORE | {"act": "make"})
    assert answer.status_code == 302, told(answer)
    return Project.objects.get()


def test_a_project_gets_its_questions_with_labels_scale_and_condition(streets: Project) -> None:
    asked = list(streets.questions.all())
    assert [(one.kind, one.wording) for one in asked] == [
        ("choices", "What is there?"),
        ("scale", "How urgent?"),
        ("spans", "Which words name it?"),
    ]
    assert [[label.name for label in one.label_list()] for one in asked] == [
        ["hole", "lamp"],
        ["1", "2", "3"],
        ["Place"],
    ]
    assert (asked[1].asked_after, asked[1].asked_if) == (asked[0], [0])
    assert Membership.objects.get().role == Membership.Role.MANAGER


def test_add_a_question_shows_one_more_and_makes_nothing(maker: Client) -> None:
    page = told(maker.post("/new/", FIRST | {"act": "more"}))
    assert "Question 2" in page
    assert "hole" in page
    assert not Project.objects.exists()
    assert "Question 4" in told(maker.post("/new/", FIRST | MORE | {"act": "more"}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"more-0-answer": "pond"}, "Question 1 cannot be answered so"),
        ({"more-0-after": "7"}, "There is no question 7 before"),
        ({"more-0-answer": ""}, "Say both: after which question"),
        ({"more-1-labels": ""}, "Name the labels of this question"),
        ({"more-0-high": "0"}, "from a smaller number to a larger one"),
        ({"more-0-labels": "a\nb"}, "Name the labels, or a scale"),
        ({"kind": "choice", "labels": "one"}, "at least two labels and there is one"),
        ({"labels": "\n".join(map(str, range(1001)))}, "more than 1,000"),
    ],
)
def test_what_makes_no_question_is_one_sentence_and_makes_no_project(
    maker: Client, change: dict[str, str], words: str
) -> None:
    page = told(maker.post("/new/", FIRST | MORE | change | {"act": "make"}))
    assert words in page.replace("&#x27;", "'")
    assert not Project.objects.exists()


def test_a_scale_has_whole_steps() -> None:
    assert scale(0, 1, 0.25) == ["0", "0.25", "0.5", "0.75", "1"]
    assert scale(-3, 1, None) == ["-3", "-2", "-1", "0", "1"]
    with pytest.raises(UnusableFile, match="no whole steps"):
        scale(0, 1, 0.3)


ROWS = [
    {"id": "1", "text": "A hole in Mill Lane.", "gold": "hole; lamp", "urgent": 3, "marks": [[10, 19, "Place"]]},
    {"id": "2", "text": "All fine here.", "gold": "[]", "urgent": None, "marks": []},
    {"id": "3", "text": "Dark, so dark.", "gold": "pond", "urgent": 1, "marks": []},
    {"id": "4", "text": "Nobody knows this.", "gold": "", "urgent": 9, "marks": []},
    {"id": "5", "text": "Mill Lane again.", "gold": "", "urgent": "", "marks": [[0, 6, "Place"], [4, 9, "Place"]]},
    {"id": "6", "text": "Still unknown.", "gold": "", "urgent": "", "marks": ""},
]


def test_a_file_knows_answers_to_each_question_and_bad_ones_are_bad_rows(maker: Client, streets: Project) -> None:
    content = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    answer = maker.post("/p/streets/import/", {"file": SimpleUploadedFile("rows.jsonl", content)})
    fields = {"text": ["text"], "gold": "gold", "gold_2": "urgent", "gold_3": "marks", "id": "id", "same_id": "skip"}
    page = told(maker.post(answer["Location"], fields | {"act": "look"}))
    assert "Known answers: question 1: 2, question 2: 1, question 3: 2" in page
    assert "hole, lamp" in page
    assert "10 to 19 Place" in page
    maker.post(answer["Location"], fields | {"name": "May", "budget": "0", "validation": "1", "act": "start"})
    batch = Batch.objects.get()
    assert story.take_in(batch)
    known = {
        (task.external_id, task.question.kind): task.gold_marks if task.gold is None else task.gold.name
        for task in batch.tasks.select_related("question", "gold")
    }
    assert known["1", "choices"] == [0, 1]
    assert known["1", "scale"] == "3"
    assert known["1", "spans"] == [[10, 19, 0]]
    assert (known["2", "choices"], known["2", "scale"], known["2", "spans"]) == ([], None, [])
    assert (known["6", "choices"], known["6", "scale"], known["6", "spans"]) == (None, None, None)
    reasons = {row.line: row.reason for row in batch.skipped_rows.all()}
    assert "'pond' is none of the labels hole, lamp" in reasons[3]
    assert "9 is outside the scale 1 to 3" in reasons[4]
    assert "marks that overlap, and the question forbids it" in reasons[5]
    assert Question.objects.filter(tasks__slice="validation").distinct().count() == 3


def test_a_label_set_of_any_kind_is_offered_out_of_the_known_answers(maker: Client) -> None:
    maker.post("/new/", FIRST | {"labels": "", "kind": "spans", "act": "make"})
    content = "".join(json.dumps(row) + "\n" for row in ROWS[:2]).encode()
    answer = maker.post("/p/streets/import/", {"file": SimpleUploadedFile("rows.jsonl", content)})
    fields = {"text": ["text"], "gold": "marks", "id": "id", "same_id": "skip"}
    assert ">Place</textarea>" in told(maker.post(answer["Location"], fields | {"act": "look"})).replace(
        "> Place", ">Place"
    )
    told_start = fields | {"name": "May", "labels": "Place", "budget": "0", "act": "start"}
    assert maker.post(answer["Location"], told_start).status_code == 302
    assert [label.name for label in Project.objects.get().label_list()] == ["Place"]
