"""Settings: nonsense is refused in words, names may be swapped, and a save is all or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from labeling import said
from labeling.files.tables import UnusableFile
from labeling.managing import asked_after
from labeling.models import Batch, Label, Project, Question
from labeling.rounds import conditions, decisions
from labeling.rounds.decisions import Verdict
from reviewers import guide
from tests.labeling.managed import told
from tests.labeling.web.test_people import SETTINGS, labels_form
from tests.questions import batch_of, question

pytestmark = pytest.mark.django_db


def save(manager: Client, project: Project, *names: str, **changed: str) -> Any:
    return manager.post("/p/city/settings/", {**SETTINGS, **labels_form(project, *names), **changed})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("lease_seconds", "1", "whole number of seconds, 30 to 86,400"),
        ("lease_seconds", "9000000000000000000", "whole number of seconds, 30 to 86,400"),
        ("lease_seconds", "", "whole number of seconds, 30 to 86,400"),
        ("pay_seconds", "-3", "whole number of seconds, 1 to 3,600"),
        ("people_per_task", "0", "whole number of people, 1 to 25"),
        ("people_per_task", "1e9", "whole number of people, 1 to 25"),
        ("language", "english!!", "no language tag"),
        ("language", "e", "no language tag"),
        ("accept", "-1", "Less than 0 percent there is not"),
        ("accept", "NaN", "no number of percent"),
        ("review", "1e9", "100 percent"),
        ("checked", "", "Say how many percent"),
        ("checked", "1.234", "two digits behind the point"),
        ("wage", "-0.01", "below zero cannot be spent"),
        ("worth", "1" * 30, "slip of the pen"),
        ("name", " ", "Give the project a name"),
        ("question", "", "Write the question"),
        ("group_name", "", "what groups are called"),
    ],
)
def test_nonsense_is_refused_in_words(manager: Client, project: Any, field: str, value: str, sentence: str) -> None:
    answer = save(manager, project, "One", "Two", "Three", **{field: value})
    page = told(answer)
    assert answer.status_code == 422 and sentence in page
    assert "onstraint" not in page and "Ensure this value" not in page
    project.refresh_from_db()
    assert project.name == "City requests" and project.label_list()[0].name == "Roads and lights"


@pytest.mark.slow
@pytest.mark.parametrize("language", ["", "en", "pt-BR", "zh-Hant-TW"])
def test_language_tags_are_taken(manager: Client, project: Any, language: str) -> None:
    assert save(manager, project, "One", "Two", "Three", language=language).status_code == 302


def test_two_label_names_can_be_swapped(manager: Client, project: Any) -> None:
    one, two, three = project.label_list()
    assert save(manager, project, two.name, one.name, three.name).status_code == 302
    assert [label.name for label in project.label_list()] == [two.name, one.name, three.name]
    assert [label.pk for label in project.label_list()] == [one.pk, two.pk, three.pk]
    assert save(manager, project, three.name, two.name, one.name).status_code == 302


def test_a_faulty_label_keeps_everything_else_as_it_was(manager: Client, project: Any) -> None:
    answer = save(manager, project, "One", "", "Three", name="Another name")
    assert answer.status_code == 422 and "Give the label a name." in told(answer)
    project.refresh_from_db()
    assert project.name == "City requests" and project.label_list()[0].name == "Roads and lights"


def test_a_save_that_fails_in_the_middle_saves_nothing(
    manager: Client, project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_told: Any, **_more: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Label, "save", broken)
    with pytest.raises(RuntimeError):
        save(manager, project, "One", "Two", "Three", name="Another name")
    project.refresh_from_db()
    assert project.name == "City requests" and project.label_list()[0].name == "Roads and lights"


def test_labels_that_are_sent_beyond_those_there_are_make_no_new_ones(manager: Client, project: Any) -> None:
    extra = {"label-TOTAL_FORMS": "4", "label-3-name": "Fourth", "label-3-id": ""}
    save(manager, project, "One", "Two", "Three", **extra)
    assert project.first_question.labels.count() == 3


def test_the_rule_for_known_labels_is_set_and_shown(manager: Client, project: Any) -> None:
    wished = {"agree": "3", "known": "97.5", "alone": "no", "alarmed": "pause"}
    assert save(manager, project, "One", "Two", "Three", **wished).status_code == 302
    project.refresh_from_db()
    assert (project.known_agree, project.known_sure, project.learn_from_one) == (3, 0.975, False)
    assert project.when_alarmed == "pause"
    page = told(manager.get("/p/city/settings/"))
    assert 'value="97.5"' in page and "A label is known where so many people agree" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("agree", "1", "whole number of people, 2 to 25"),
        ("agree", "two", "whole number of people, 2 to 25"),
        ("known", "101", "More than 100 percent there is not"),
        ("alone", "perhaps", "perhaps"),
    ],
)
def test_a_rule_for_known_labels_that_cannot_be_is_refused(
    manager: Client, project: Any, field: str, value: str, sentence: str
) -> None:
    answer = save(manager, project, "One", "Two", "Three", **{field: value})
    assert answer.status_code == 422 and sentence in told(answer)
    project.refresh_from_db()
    assert (project.known_agree, project.learn_from_one) == (2, True)


class TestSeveralQuestions:
    @pytest.fixture
    def second(self, project: Project) -> Question:
        return question(project, "choices", ("lamp", "road"), wording="Which of them?")

    def send(self, manager: Client, asked: Question, **changed: str) -> Any:
        rows: dict[str, str] = {}
        for n, label in enumerate(asked.label_list()):
            fields = {"id": str(label.pk), "name": label.name, "short": "", "hint": "", "description": ""}
            rows |= {f"label-{n}-{key}": value for key, value in fields.items()}
        count = str(len(asked.label_list()))
        forms = {"label-TOTAL_FORMS": count, "label-INITIAL_FORMS": count, "question_number": str(asked.number)}
        return manager.post("/p/city/settings/", {**SETTINGS, **rows, **forms, "question": asked.wording, **changed})

    def test_each_question_has_its_wording_its_own_guidelines_and_its_labels(
        self, manager: Client, second: Question
    ) -> None:
        page = told(manager.get("/p/city/settings/?question=2"))
        assert "Which of them?" in page and 'value="lamp"' in page and "Guidelines of this question alone" in page
        first = second.project.first_question.wording
        answer = self.send(manager, second, question="Which ones?", own_guidelines="Poles are no lamps.")
        assert answer.status_code == 302 and answer["Location"].endswith("?question=2")
        second.refresh_from_db()
        assert (second.wording, second.guidelines) == ("Which ones?", "Poles are no lamps.")
        assert second.project.questions.get(position=0).wording == first
        assert guide.guide(second.project).words_on(second.pk) == "Poles are no lamps."
        second.project.refresh_from_db()
        assert second.project.guidelines_at is not None, "whoever labels is told"

    def test_one_question_alone_has_the_guidelines_of_the_project(self, manager: Client, project: Project) -> None:
        page = told(manager.get("/p/city/settings/"))
        assert "Guidelines of this question alone" not in page and "Asked only after" not in page

    def test_a_condition_opens_and_closes_tasks_in_batches_that_are_done(
        self, manager: Client, second: Question
    ) -> None:
        first = second.project.first_question
        batch = batch_of(second.project, ["one", "two"])
        for task in batch.tasks.all():
            if task.question_id == first.pk or task.instance.position == 0:
                held = said.of_plain(
                    task.question, 1 if task.question_id == first.pk else [0], task.question.label_list()
                )
                label = held["label"].pk if held["label"] else None
                decisions.decide(Verdict(task.pk, label, "person", 0.9, 0.1, marks=held["marks"]))
        Batch.objects.filter(pk=batch.pk).update(stage="done")
        page = told(self.send(manager, second, **{"asked-after": "1", "asked-answer": "nonsense"}))
        assert "Question 1 cannot be answered so" in page
        name = first.label_list()[1].name
        answer = self.send(manager, second, **{"asked-after": "1", "asked-answer": name})
        assert answer.status_code == 302
        second.refresh_from_db()
        assert (second.asked_after, second.asked_if) == (first, 1)
        assert "A batch that was done is looked at again" in told(manager.get("/p/city/settings/?question=2"))
        assert f'value="{name}"' in told(manager.get("/p/city/settings/?question=2"))
        stages = batch.tasks.about(second).order_by("position").values_list("stage", flat=True)
        batch.refresh_from_db()
        assert batch.stage == "reviewing" and not conditions.asks_more(batch, "reviewing")
        assert list(stages.all()) == ["decided", "open"], "what was answered stays"
        self.send(manager, second, **{"asked-after": "1", "asked-answer": first.label_list()[0].name})
        conditions.apply(batch)
        assert list(stages.all()) == ["decided", "not_asked"]
        self.send(manager, second, **{"asked-after": "", "asked-answer": ""})
        opened = conditions.apply(batch)
        assert list(stages.all()) == ["decided", "open"] and len(opened) == 1

    def test_a_condition_on_marks_names_types(self, project: Project) -> None:
        marks = question(project, "spans", ("street", "a; b"))
        last = question(project, "scale", ("1", "2"))
        asked_after.change(last, asked_after.Condition(2, "street"))
        last.refresh_from_db()
        assert (last.asked_after, last.asked_if, asked_after.as_cell(last)) == (marks, [0], "street")
        with pytest.raises(UnusableFile, match="Name types of it"):
            asked_after.change(last, asked_after.Condition(2, "river"))
        with pytest.raises(UnusableFile, match="There is no question 3 before"):
            asked_after.change(last, asked_after.Condition(3, "1"))
