"""The line stops: for one group, in mid-batch; what a manager does about it, and what the labels tell afterwards."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from labeling.checks import holds
from labeling.managing import answering_alarms, leftovers
from labeling.models import Alarm, AlarmAnswer, Annotator, Batch, Decision, Escalation, Project, Watch, WatchLook
from labeling.rounds import story
from tests.fairness.skewed import voted_batch

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def skewed(project: Project) -> Batch:
    cache.clear()
    Project.objects.update(when_alarmed="pause", check_share=0, review_share=0, accept_confidence=0.6)
    return voted_batch(Project.objects.get())


@pytest.fixture
def stopped(skewed: Batch) -> Batch:
    story.advance(skewed.pk)
    skewed.refresh_from_db()
    return skewed


def settled(batch: Batch, group: str) -> int:
    return batch.tasks.in_group(["Group"], group).decided().count()


def right(batch: Batch, group: str) -> float:
    """The share of right labels among the settled tasks that score."""
    tasks = batch.tasks.in_group(["Group"], group).scorable()
    made = Decision.objects.current().filter(task__in=tasks).values_list("label", "task__gold")
    return sum(label == gold for label, gold in made) / len(made)


def test_the_line_stops_for_the_group_in_mid_batch_and_everything_else_is_settled(stopped: Batch) -> None:
    alarm = Alarm.objects.standing().get()
    assert (alarm.about, alarm.groups, alarm.attribute, alarm.paused) == ("South", ["South"], "Group", True)
    assert alarm.threshold == 20 and alarm.evidence >= 20 and alarm.question == stopped.project.first_question
    assert stopped.paused_at is None, "the batch itself goes on"
    south, north = (stopped.tasks.in_group(["Group"], name) for name in ("South", "North"))
    held = holds.held(stopped, stopped.project.first_question)
    assert held and held == set(south.undecided().values_list("pk", flat=True))
    assert settled(stopped, "South") > 0, "the first lots were through before anybody could know"
    assert len(held) > 0.4 * south.count()
    assert north.decided().count() > 0.8 * north.count()


def test_every_look_is_kept_and_the_evidence_grows_to_the_alarm(stopped: Batch) -> None:
    looks = list(WatchLook.objects.all())
    assert len(looks) >= 3 and [one.counted for one in looks] == sorted({one.counted for one in looks})
    story_of_south = [one for look in looks for one in look.groups if one.group == "South"]
    before = [one for one in story_of_south if one.verdict != "pause"]
    assert all(one.evidence < one.threshold == 20 for one in before)
    first = next(one for one in story_of_south if one.verdict == "pause")
    assert first.evidence >= 20 and first.low < first.difference < first.high < 0


def test_while_the_line_is_stopped_nothing_of_the_group_is_settled_sent_on_or_left_over(stopped: Batch) -> None:
    held = holds.held_in(stopped)
    before = settled(stopped, "South")
    for _ in range(2):
        Batch.objects.update(stage=Batch.Stage.WEIGHING, touched_at=None, leased_until=None)
        story.advance(stopped.pk)
    assert settled(stopped, "South") == before and holds.held_in(stopped) == held
    assert not Escalation.objects.filter(task__in=held).exists()
    stopped.refresh_from_db()
    assert leftovers.of(stopped).count == stopped.tasks.unasked().count() - len(held)


def test_pausing_the_model_takes_its_labels_of_the_group_back_and_settles_them_anew(
    stopped: Batch, django_user_model: type
) -> None:
    boss, alarm = django_user_model.objects.get(username="max"), Alarm.objects.standing().get()
    skewed, before = Annotator.objects.get(name="Skewed"), right(stopped, "South")
    told = answering_alarms.take_out(alarm, skewed, boss, "It says roads wherever it is unsure.")
    assert "Skewed is paused and its votes in June are left out." in told and "taken back and settled anew" in told
    stopped.refresh_from_db()
    skewed.refresh_from_db()
    assert skewed.paused_at and stopped.set_aside == [skewed.pk] and stopped.stage == Batch.Stage.WEIGHING
    assert not Alarm.objects.standing().exists() and not holds.held_in(stopped)
    story.advance(stopped.pk)
    assert not Alarm.objects.standing().exists(), "the mended line is fair"
    assert right(stopped, "South") > before + 0.1
    history = Decision.objects.filter(task__in=stopped.tasks.in_group(["Group"], "South")).exclude(superseded_at=None)
    assert history.exists(), "the labels tell what they were before"
    answer = AlarmAnswer.objects.get()
    assert (answer.what, answer.by, answer.why) == ("model", boss, "It says roads wherever it is unsure.")


def test_weighing_by_group_learns_that_the_model_errs_there(stopped: Batch, django_user_model: type) -> None:
    before = right(stopped, "South")
    boss = django_user_model.objects.get(username="max")
    answering_alarms.weigh_by_group(Alarm.objects.standing().get(), boss)
    story.advance(stopped.pk)
    stopped.refresh_from_db()
    assert stopped.weighed_by == "Group" and "by group" in stopped.rounds.latest("pk").chosen
    assert right(stopped, "South") > before + 0.1


def test_an_override_needs_a_reason_and_keeps_it(stopped: Batch, manager: Client) -> None:
    alarm = Alarm.objects.standing().get()
    address = f"/p/city/alarms/{alarm.pk}/answer/"
    page = manager.post(address, {"what": "override", "why": "  "}, follow=True)
    assert "Say why the line may go on" in page.content.decode() and Alarm.objects.standing().exists()
    page = manager.post(address, {"what": "override", "why": "The gold of the South is old."}, follow=True)
    assert "The gold of the South is old." in page.content.decode(), "it stands in the history"
    assert not Alarm.objects.standing().exists() and AlarmAnswer.objects.get().what == "override"
    story.advance(stopped.pk)
    assert settled(stopped, "South") > 0.9 * stopped.tasks.in_group(["Group"], "South").count()
    assert not Alarm.objects.standing().exists(), "what was overridden is not raised again while it grows no wider"


def test_more_checks_leave_the_line_stopped_and_stand_with_their_price(stopped: Batch, manager: Client) -> None:
    Project.objects.update(wage_microdollars_per_hour=18_000_000)
    alarm = Alarm.objects.standing().get()
    page = manager.get(f"/p/city/batches/{stopped.pk}/watch/").content.decode()
    assert "Check 40 more, about $6" in page
    manager.post(f"/p/city/alarms/{alarm.pk}/answer/", {"what": "check", "count": "5"})
    asked = Escalation.objects.open().filter(reason="audit")
    assert asked.count() == 5 and {one.task.groups["Group"] for one in asked} == {"South"}
    assert Alarm.objects.standing().get() == alarm and holds.held_in(stopped)
    assert AlarmAnswer.objects.get().told.startswith("5 tasks of South")


def test_a_watch_that_only_warns_stops_nothing(skewed: Batch) -> None:
    Watch.objects.create(project=skewed.project, batch=skewed, when_alarmed="tell")
    story.advance(skewed.pk)
    assert not Alarm.objects.standing().get().paused and not holds.held_in(skewed)
    assert settled(skewed, "South") > 0.9 * skewed.tasks.in_group(["Group"], "South").count()


def test_a_watch_that_is_off_sees_nothing(skewed: Batch) -> None:
    Watch.objects.create(project=skewed.project, when_alarmed="off")
    story.advance(skewed.pk)
    assert not Alarm.objects.exists() and not WatchLook.objects.exists()


def test_a_batch_of_equal_groups_goes_through_and_is_called_fair_enough_or_watched(project: Project) -> None:
    Project.objects.update(when_alarmed="pause", check_share=0, review_share=0, accept_confidence=0.6)
    batch = voted_batch(Project.objects.get(), skew=0.0)
    story.advance(batch.pk)
    assert not Alarm.objects.exists() and not holds.held_in(batch)
    assert {one.verdict for look in WatchLook.objects.all() for one in look.groups} <= {"watching", "fair enough"}


def test_the_page_shows_the_evidence_and_names_the_model_that_errs(stopped: Batch, manager: Client) -> None:
    page = manager.get(f"/p/city/batches/{stopped.pk}/watch/").content.decode()
    assert "The line is stopped" in page and "Evidence that the gap is real" in page and "<polyline" in page
    row = page[page.index("Skewed") : page.index("Even")]
    assert "errs here" in row
    assert "The line is stopped for <bdi>South</bdi>" in manager.get("/p/city/").content.decode(), "on every page"


def test_the_manager_sets_the_watch_of_the_batch_or_of_the_project(skewed: Batch, manager: Client) -> None:
    asked = {
        "measure": "found", "attribute": "", "margin": "8", "chance": "1", "minimum": "50", "when_alarmed": "tell",
        "groups": "South\n", "scope": "batch",
    }  # fmt: skip
    address = f"/p/city/batches/{skewed.pk}/watch/"
    assert manager.post(address, asked).status_code == 302
    made = Watch.objects.in_effect(skewed)
    assert (made.batch, made.measure, made.groups) == (skewed, "found", ["South"])
    assert (made.margin, made.chance, made.minimum, made.pauses) == (0.08, 0.01, 50, False)
    assert manager.post(address, {**asked, "scope": "project", "margin": "9"}).status_code == 302
    assert Watch.objects.of_project(skewed.project).margin == 0.09
    assert Watch.objects.in_effect(skewed).margin == 0.08, "a batch's own watch stands before its project's"
    assert "8.0% matters" in manager.get(address).content.decode(), "what was asked for is history"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("margin", "0", "Give points from 0.5 to 50"),
        ("chance", "x", "Give percent from 0.1 to 50"),
        ("groups", "West", "There is no group West in this batch"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    skewed: Batch, manager: Client, field: str, value: str, words: str
) -> None:
    asked = {"measure": "right", "margin": "5", "chance": "5", "minimum": "30", "scope": "batch", field: value}
    page = manager.post(f"/p/city/batches/{skewed.pk}/watch/", asked)
    assert page.status_code == 422 and words in page.content.decode() and not Watch.objects.exists()


def test_an_alarm_that_stopped_nothing_hides_no_stopped_line(manager: Client, skewed: Batch) -> None:
    about = {"question": skewed.project.first_question, "batch": skewed, "attribute": "Group", "kind": "gap"}
    for group, paused in (("Nowhere", True), ("South", False)):
        told = {"about": group, "groups": [group], "why": f"{group} errs.", "paused": paused}
        Alarm.objects.create(project=skewed.project, **about, **told)
    page = manager.get(f"/p/city/batches/{skewed.pk}/watch/").content.decode()
    assert "Two alarms stand" in page and "whose line is stopped waits" in page and "Nothing is stopped" not in page


@pytest.mark.parametrize("name", ["ann", "eve"])
def test_only_managers_answer_alarms_and_set_watches(
    stopped: Batch, client: Client, django_user_model: type, name: str
) -> None:
    client.force_login(django_user_model.objects.get(username=name))
    alarm = Alarm.objects.standing().get()
    assert client.post(f"/p/city/alarms/{alarm.pk}/answer/", {"what": "override", "why": "x"}).status_code == 403
    assert client.post(f"/p/city/batches/{stopped.pk}/watch/", {}).status_code == 403
    assert client.get(f"/p/city/batches/{stopped.pk}/watch/").status_code == (200 if name == "eve" else 403)
    assert Alarm.objects.standing().exists()
