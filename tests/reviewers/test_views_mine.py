"""My work: what became of one's answers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from labeling.models import Batch, Escalation, Project, Vote
from labeling.rounds import decisions
from reviewers import guide, history
from reviewers.quality import Share, accuracy_on_gold
from reviewers.queue import answering, claiming, undoing
from tests.questions import batch_of, question
from tests.reviewers.kinds import asks, mark
from tests.reviewers.scenery import answer, ask, believe, make_case, person, say
from tests.reviewers.test_views_annotate import signed_in
from tests.tasks import put_task

pytestmark = pytest.mark.django_db


def page(project: Any, **more: Any) -> str:
    return signed_in("ann").get(reverse("mine", args=["city"]), more).content.decode()


def test_without_answers_it_says_what_will_be_there(project: Any) -> None:
    assert "No answers yet" in page(project)


def test_an_overruled_answer_comes_first_with_the_experts_reason(batch: Batch) -> None:
    make_case(batch.tasks.first())
    answer(claiming.claim(person(batch.project, "eve", "expert")), 1, note="The pipe is the cause.")
    shown = page(batch.project)
    assert "An expert saw it differently" in shown and "The pipe is the cause." in shown
    assert "You said Roads and lights" in shown and "<b>1</b> otherwise" in shown


def test_counts_what_was_settled_as_said_otherwise_and_what_waits(batch: Batch) -> None:
    ann = person(batch.project, "ann")
    tasks = list(batch.tasks.all())
    for task in tasks[:2]:
        ask(task)
        answer(claiming.claim(ann), 0, seconds=8)
    make_case(tasks[2])
    make_case(tasks[3])
    answer(claiming.claim(person(batch.project, "eve", "expert")), 1)
    standing = history.standing(ann)
    assert (standing.answered, standing.as_said, standing.otherwise, standing.waiting) == (4, 0, 1, 3)
    assert "3 are not final yet" in page(batch.project)
    Batch.objects.update(finished_at=timezone.now())
    standing = history.standing(ann)
    assert (standing.answered, standing.as_said, standing.otherwise, standing.waiting) == (4, 2, 1, 1)


def test_the_page_does_not_tell_whether_an_answer_to_a_check_was_the_crowds(batch: Batch) -> None:
    ann = person(batch.project, "ann")
    agrees, differs, ordinary = batch.tasks.all()[:3]
    Batch.objects.update(finished_at=timezone.now())
    for task, place in ((agrees, 0), (differs, 1)):
        believe(task, 0.95, 0.04, 0.01)
        made = decisions.decide(decisions.of_belief(task.belief, "crowd", ""))
        question = ask(task)
        Escalation.objects.filter(pk=question.pk).update(reason="audit", checks=made)
        answer(claiming.claim(ann), place)
    ask(ordinary)
    answer(claiming.claim(ann), 0)
    told = {outcome.vote.task: outcome.decision for outcome in history.outcomes(history.given_by(ann))}
    assert told[agrees] is None and told[differs] is None and told[ordinary] is not None
    shown = page(batch.project)
    assert shown.count("not final yet") == 3 and "with an expert" not in shown, "twice in the list, once in the sum"
    answer(claiming.claim(person(batch.project, "eve", "expert")), 0, note="It is a road.")
    assert "An expert saw it differently" in page(batch.project)


def test_a_superseded_decision_is_not_counted(batch: Batch) -> None:
    task = batch.tasks.first()
    believe(task, 0.5, 0.4, 0.1)
    ask(task)
    ann = person(batch.project, "ann")
    answer(claiming.claim(ann), 0)
    undoing.undo(ann)
    assert history.standing(ann).answered == 0
    answer(claiming.claim(ann), 1)
    Batch.objects.update(finished_at=timezone.now())
    standing = history.standing(ann)
    assert (standing.answered, standing.as_said, standing.otherwise) == (1, 1, 0)


def test_the_answers_of_others_are_not_shown_while_a_task_is_open(batch: Batch) -> None:
    task = batch.tasks.first()
    say(task, person(batch.project, "bob"), 2, "canary")
    believe(task, 0.2, 0.2, 0.6)
    say(task, person(batch.project, "ann"), 0)
    shown = page(batch.project)
    assert "not final yet" in shown
    assert "Noise and nuisance" not in shown and "canary" not in shown and "bob" not in shown


def test_long_histories_have_pages(batch: Batch) -> None:
    ann = person(batch.project, "ann")
    for place in range(30):
        say(put_task(batch, position=10 + place, external_id=f"X{place}"), ann, 0)
    assert Vote.objects.count() == 30
    assert page(batch.project).count("<tr>") == 26 and "Page 1 of 2" in page(batch.project)
    assert page(batch.project, page=2).count("<tr>") == 6
    assert "Page 2 of 2" in page(batch.project, page="999")


def test_agreement_with_known_labels_counts_final_tasks_only(batch: Batch) -> None:
    ann = person(batch.project, "ann")
    for task in batch.tasks.filter(gold__isnull=False):
        ask(task)
        answer(claiming.claim(ann), 0, seconds=8)
    assert history.standing(ann).gold == Share(0, 0)
    Batch.objects.update(finished_at=timezone.now())
    assert history.standing(ann).gold == Share(1, 2)


def test_an_answer_of_any_age_opens_from_here_until_an_expert_settled_it(batch: Batch) -> None:
    ann = person(batch.project, "ann")
    tasks = list(batch.tasks.all())
    for task in tasks[:2]:
        ask(task)
    held = claiming.claim(ann)
    answer(held, 0, seconds=8)
    link = f"{reverse('annotate', args=['city'])}?answer={held.pk}"
    assert f'href="{link}"' in page(batch.project)
    assert "You said" in signed_in("ann").get(link).content.decode()
    ask(held.escalation.task, "expert")
    answer(claiming.claim(person(batch.project, "eve", "expert")), 1)
    assert f'href="{link}"' not in page(batch.project), "nothing there could be changed"


def test_what_was_skipped_or_flagged_is_listed_until_it_is_answered(batch: Batch) -> None:
    ann = person(batch.project, "ann")
    for task in batch.tasks.all()[:2]:
        ask(task)
    skipped = claiming.claim(ann)
    answering.skip(skipped)
    flagged = claiming.claim(ann)
    answering.flag(flagged, "Two requests in one.")
    assert [one.held.pk for one in history.set_aside(history.unanswered(ann))] == [flagged.pk, skipped.pk]
    shown = page(batch.project)
    assert "Skipped and flagged" in shown and "with the experts" in shown and shown.count("Open and answer") == 2
    skipped.refresh_from_db()
    undoing.change(skipped, batch.project.label_list()[0], uuid.uuid4())
    assert list(history.unanswered(ann)) == [flagged], "it stands among the answers now"
    answer(claiming.claim(person(batch.project, "eve", "expert")), 1)
    shown = page(batch.project)
    assert "Open and answer" not in shown and "settled as <b" in shown


class TestEveryKind:
    SAID = {"choices": ([0, 1], [1]), "scale": (2, 3), "spans": ([[0, 5, 0]], [[0, 5, 1]])}
    WORDS = {
        "choices": ("Water, Roads", "Roads"),
        "scale": ("3", "4"),
        "spans": ("“Maria” Person", "“Maria” Place"),
    }

    @pytest.mark.parametrize("kind", list(SAID))
    def test_counts_gold_and_the_experts_word(self, batch: Batch, kind: str) -> None:
        asked = asks(batch, kind)
        ann, eve = person(batch.project, "ann"), person(batch.project, "eve", "expert")
        right, wrong = self.SAID[kind]
        tasks = list(batch.tasks.all())
        gold = {"gold": asked.label_list()[right]} if asked.one_label else {"gold_marks": right}
        type(tasks[0]).objects.filter(pk__in=[tasks[0].pk, tasks[1].pk]).update(**gold)
        for task, answer_, settled in ((tasks[0], right, right), (tasks[1], wrong, right), (tasks[2], right, wrong)):
            mark(task, ann, answer_)
            decisions.decide(decisions.of_answer(mark(task, eve, settled), None, "expert", "So it is."), task)
        standing = history.standing(ann)
        assert (standing.answered, standing.as_said, standing.otherwise) == (3, 1, 2)
        assert standing.gold == Share(1, 2) and accuracy_on_gold([ann], asked) == {ann.pk: Share(1, 2)}
        assert [vote.task for vote in history.overruled(ann)] == [tasks[2], tasks[1]]
        shown = page(batch.project)
        said, otherwise = map(escape, self.WORDS[kind])
        assert f"You said {said}" in shown and f"settled as <b>{otherwise}</b>" in shown and "So it is." in shown

    def test_what_was_skipped_of_another_kind_is_told_once_it_is_answered(self, batch: Batch) -> None:
        asks(batch, "spans")
        task, ann = batch.tasks.first(), person(batch.project, "ann")
        ask(task)
        answering.skip(claiming.claim(ann))
        assert [one.held.escalation.task for one in history.set_aside(history.unanswered(ann))] == [task]
        mark(task, ann, [])
        assert not history.unanswered(ann).exists()

    def test_where_several_are_asked_each_row_names_its_question_and_the_guide_has_a_section_for_each(
        self, project: Any
    ) -> None:
        more = question(project, "spans", ("place",), wording="Which places?", guidelines="place: Towns, too.")
        made = batch_of(project, ["Maria flew from Oslo."], attributes=[])
        mark(made.tasks.get(question=more), person(project, "ann"), [[16, 20, 0]])
        assert "Which places?" in page(project) and escape("“Oslo” place") in page(project)
        guide.add(more, None, "Rivers\nare none.")
        project.guidelines = "Noise and nuisance: Bells count."
        project.save()
        read = guide.guide(Project.objects.get(pk=project.pk))
        assert [section.question for section in read.sections] == list(project.questions.all())
        assert read.sections[0].entries[2].added == ["Bells count."]
        assert read.sections[1].entries[0].added == ["Towns, too."] and read.words_on(more.pk) == "Rivers are none."
        shown = signed_in("ann").get(reverse("annotate", args=["city"])).content.decode()
        assert '<h3 dir="auto">Which places?</h3>' in shown and "Rivers are none." in shown

    def test_a_reason_on_a_case_of_several_labels_goes_into_the_guide_of_its_question(self, batch: Batch) -> None:
        asked = asks(batch, "choices")
        task = batch.tasks.first()
        case = Escalation.objects.create(task=task, to="expert", reason="flagged", why="?", priority=1)
        eve = signed_in("eve")
        eve.get(reverse("cases", args=["city"]))
        sent = {"answered": "none", "note": "Bells are no noise.", "guide": "on", "key": str(uuid.uuid4())}
        assert eve.post(reverse("case_settle", args=["city", case.assignments.get().pk]), sent).status_code == 302
        asked.refresh_from_db()
        assert asked.guidelines == "Bells are no noise."
