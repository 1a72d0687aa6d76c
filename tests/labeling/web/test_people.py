"""People, settings, money, new projects, the own account."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse

from labeling.checks import alarms
from labeling.models import Annotator, Batch, Invitation, Membership, Project
from tests.labeling.managed import told
from tests.reviewers.scenery import ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(batch: Batch) -> None:
    """A task waits for people."""
    ask(batch.tasks.first())


def member(name: str) -> str:
    return reverse("member", args=["city", Membership.objects.get(user__username=name).pk])


def test_a_new_person_gets_an_account_and_a_password_that_is_shown_once(manager: Client, project: Any) -> None:
    User.objects.filter(username="max").update(is_staff=True)
    answer = manager.post("/p/city/people/", {"username": "nora", "full_name": "Nora Lind", "role": "expert"})
    password = answer.context["welcome"].password
    assert password in told(answer) and answer["Cache-Control"] == "no-store"
    assert password not in told(manager.get("/p/city/people/"))
    nora = User.objects.get(username="nora")
    assert nora.check_password(password) and nora.get_full_name() == "Nora Lind" and not nora.is_staff
    assert project.role_of(nora) == "expert"


@pytest.fixture
def nora(project: Any) -> User:
    """Somebody with an account who is in no project."""
    return User.objects.create_user("nora", password="her-own-secret", first_name="Nora", last_name="Lind")


def test_who_has_an_account_joins_by_accepting_and_is_a_stranger_until_then(
    manager: Client, client: Client, project: Any, nora: User
) -> None:
    manager.post("/p/city/people/", {"username": "Nora", "full_name": "Other Name", "role": "expert"})
    page = told(manager.get("/p/city/people/"))
    assert "Nora Lind" not in page and "Invited" in page and project.role_of(nora) is None
    client.force_login(nora)
    assert client.get("/p/city/").status_code == 404
    mine = client.get("/")
    assert "City requests" in told(mine) and "as expert" in told(mine)
    invitation = mine.context["invitations"][0]
    assert client.post(f"/invitations/{invitation.pk}/", {"action": "accept"})["Location"] == "/p/city/"
    assert project.role_of(nora) == "expert" and not Invitation.objects.exists()
    nora.refresh_from_db()
    assert nora.check_password("her-own-secret") and nora.get_full_name() == "Nora Lind"


@pytest.mark.parametrize("production", [True, False])
def test_the_answer_is_the_same_whether_a_name_exists_or_not(
    manager: Client, project: Any, nora: User, production: bool
) -> None:
    with override_settings(PRODUCTION=production):
        heard = {}
        for name in ("nora", "quentin"):
            for _ in ("first", "again"):
                answer = manager.post("/p/city/people/", {"username": name, "role": "annotator"}, follow=True)
            page = re.sub(r"\b\w{64}\b|/invitations/\d+/", "", told(answer))
            heard[name] = page.replace(name, "NAME")
            Invitation.objects.all().delete()
    assert heard["nora"] == heard["quentin"] and "An invitation waits for NAME" in heard["nora"]
    assert not User.objects.filter(username="quentin").exists()


@pytest.mark.parametrize("production", [True, False])
def test_a_new_person_gets_a_sign_in_name_that_tells_nothing(manager: Client, project: Any, production: bool) -> None:
    with override_settings(PRODUCTION=production):
        welcome = manager.post("/p/city/people/", {"full_name": "Nora Lind", "role": "expert"}).context["welcome"]
        assert manager.post("/p/city/people/", {"full_name": " ", "role": "expert"}).status_code == 422
    assert welcome.user.username.startswith("nora.lind.") and welcome.user.check_password(welcome.password)
    assert project.role_of(welcome.user) == "expert"


def test_who_declines_is_asked_again_only_where_a_manager_says_so(
    manager: Client, client: Client, project: Any, nora: User
) -> None:
    manager.post("/p/city/people/", {"username": "nora", "role": "annotator"})
    invitation = Invitation.objects.get()
    client.force_login(nora)
    client.post(f"/invitations/{invitation.pk}/", {"action": "decline"})
    assert not client.get("/").context["invitations"] and project.role_of(nora) is None
    assert client.post(f"/invitations/{invitation.pk}/", {"action": "accept"}).status_code == 404
    client.force_login(User.objects.get(username="max"))
    assert "declined on" in told(client.get("/p/city/people/"))
    again = client.post("/p/city/people/", {"username": "Nora", "role": "expert"})
    assert again.status_code == 422 and "nora declined on" in told(again) and "“Invite again”" in told(again)
    client.force_login(nora)
    assert not client.get("/").context["invitations"], "nobody is asked once more by a slip"
    client.force_login(User.objects.get(username="max"))
    client.post(f"/p/city/people/invitations/{invitation.pk}/again/")
    assert "declined on" not in told(client.get("/p/city/people/"))
    client.force_login(nora)
    client.post(f"/invitations/{client.get('/').context['invitations'][0].pk}/", {"action": "accept"})
    assert project.role_of(nora) == "annotator"


def test_a_manager_pauses_a_person_who_is_told_by_whom_and_lets_them_go_on(
    manager: Client, client: Client, asked: None, project: Any
) -> None:
    assert manager.post(f"{member('ann')}pause/", {"action": "pause"})["Location"] == "/p/city/people/"
    assert "paused</span>" in told(manager.get("/p/city/people/"))
    client.force_login(User.objects.get(username="ann"))
    page = told(client.get("/p/city/label/"))
    assert "Your queue is paused: max wants to look at it with you first." in page and "data-card" not in page
    assert client.post(f"{member('ann')}pause/", {"action": "resume"}).status_code == 403
    client.force_login(User.objects.get(username="max"))
    client.post(f"{member('ann')}pause/", {"action": "resume"})
    client.force_login(User.objects.get(username="ann"))
    assert "data-card" in told(client.get("/p/city/label/"))


def test_a_pause_by_hand_outlasts_an_alarm_and_stops_an_expert_in_both_queues(manager: Client, project: Any) -> None:
    manager.post(f"{member('eve')}pause/", {"action": "pause"})
    rows = Annotator.objects.filter(user__username="eve")
    assert {one.kind for one in rows if one.paused_at} == {"person", "expert"}
    Project.objects.update(when_alarmed="pause")
    alarms.raise_about(Project.objects.get(), "person", "eve", "eve is right on 40%.", 50.0, annotator=rows[0])
    alarms.clear(project.alarms.get())
    assert all(one.paused_at for one in rows.all())


def test_nobody_of_another_project_pauses(manager: Client, project: Any) -> None:
    other = Project.objects.create(name="Other", slug="other")
    Membership.objects.create(project=other, user=User.objects.get(username="max"), role="manager")
    address = member("ann").replace("/city/", "/other/")
    assert manager.post(f"{address}pause/", {"action": "pause"}).status_code == 404


def test_nobody_accepts_for_another_and_no_other_project_s_manager_withdraws(
    manager: Client, client: Client, project: Any, nora: User
) -> None:
    invitation = project.invitations.create(username="nora", role="manager")
    other = Project.objects.create(name="Other", slug="other")
    Membership.objects.create(project=other, user=User.objects.get(username="max"), role="manager")
    assert manager.post(f"/p/other/people/invitations/{invitation.pk}/").status_code == 404
    client.force_login(User.objects.get(username="ann"))
    assert client.post(f"/invitations/{invitation.pk}/", {"action": "accept"}).status_code == 404
    assert client.post(f"/p/city/people/invitations/{invitation.pk}/").status_code == 403
    assert Invitation.objects.filter(pk=invitation.pk).exists()


def test_nobody_joins_twice(manager: Client, project: Any) -> None:
    answer = manager.post("/p/city/people/", {"username": "ann", "role": "manager"})
    assert answer.status_code == 422 and "is in this project already" in told(answer)
    assert project.role_of(User.objects.get(username="ann")) == "annotator"


def test_roles_change_and_people_leave(manager: Client, project: Any) -> None:
    manager.post(member("ann"), {"role": "expert"})
    assert project.role_of(User.objects.get(username="ann")) == "expert"
    manager.post(member("ann"), {"role": "emperor"})
    assert project.role_of(User.objects.get(username="ann")) == "expert"
    question = manager.get(f"{member('ann')}remove/")
    assert "Remove" in question.content.decode() and project.role_of(User.objects.get(username="ann")) == "expert"
    manager.post(f"{member('ann')}remove/")
    assert project.role_of(User.objects.get(username="ann")) is None


@pytest.mark.parametrize(("way", "change"), [("remove/", {}), ("", {"role": "annotator"})])
def test_the_last_manager_stays(manager: Client, project: Any, way: str, change: dict[str, str]) -> None:
    answer = manager.post(member("max") + way, change, follow=True)
    assert "is the only manager" in told(answer)
    assert project.role_of(User.objects.get(username="max")) == "manager"


def test_a_manager_who_steps_down_leaves_the_page(manager: Client, project: Any) -> None:
    Membership.objects.filter(user__username="eve").update(role="manager")
    assert manager.post(member("max"), {"role": "annotator"})["Location"] == "/"


SETTINGS = {
    "name": "City",
    "question": "Who acts?",
    "guidelines": "Read.",
    "group_name": "District",
    "language": "en",
    "aggregator": "ibcc",
    "router": "entropy",
    "people_per_task": "2",
    "pay_seconds": "60",
    "lease_seconds": "300",
    "wage": "18.50",
    "accept": "92.5",
    "review": "30",
    "checked": "4",
    "check_by": "person",
}


def labels_form(project: Project, *names: str) -> dict[str, str]:
    labels = project.label_list()
    form = {"label-TOTAL_FORMS": str(len(labels)), "label-INITIAL_FORMS": str(len(labels))}
    for place, (label, name) in enumerate(zip(labels, names, strict=True)):
        form |= {f"label-{place}-id": str(label.pk), f"label-{place}-name": name, f"label-{place}-short": name[:5]}
    return form


def test_settings_are_saved_in_the_table_s_units(manager: Client, project: Any) -> None:
    answer = manager.post("/p/city/settings/", {**SETTINGS, **labels_form(project, "One", "Two", "Three")})
    assert answer.status_code == 302
    project.refresh_from_db()
    assert (project.wage_microdollars_per_hour, project.accept_confidence, project.review_share) == (
        18_500_000,
        0.925,
        0.3,
    )
    assert (project.aggregator, project.router, project.check_share, project.check_by) == (
        "ibcc",
        "entropy",
        0.04,
        "person",
    )
    assert [label.name for label in project.label_list()] == ["One", "Two", "Three"]


def test_what_a_label_is_worth_and_what_experts_earn_may_be_left_open(manager: Client, project: Any) -> None:
    form = {**SETTINGS, **labels_form(project, "One", "Two", "Three")}
    manager.post("/p/city/settings/", {**form, "worth": "0.25", "expert_wage": "60", "hide_personal_data": "on"})
    project.refresh_from_db()
    assert (project.worth_microdollars, project.expert_wage_microdollars_per_hour) == (250_000, 60_000_000)
    assert project.hide_personal_data
    manager.post("/p/city/settings/", form)
    project.refresh_from_db()
    assert (project.worth_microdollars, project.expert_wage_microdollars_per_hour) == (None, None)
    assert not project.hide_personal_data


@pytest.mark.parametrize(
    "wrong", [{"aggregator": "nonsense"}, {"accept": "101"}, {"people_per_task": "0"}, {"lease_seconds": "0"}]
)
def test_settings_that_cannot_be_are_refused(manager: Client, project: Any, wrong: dict[str, str]) -> None:
    form = {**SETTINGS, **labels_form(project, "One", "Two", "Three"), **wrong}
    assert manager.post("/p/city/settings/", form).status_code == 422
    project.refresh_from_db()
    assert project.name == "City requests"


def test_two_labels_do_not_share_a_name(manager: Client, project: Any) -> None:
    answer = manager.post("/p/city/settings/", {**SETTINGS, **labels_form(project, "One", "one", "Three")})
    assert answer.status_code == 422 and "One and one are too alike to tell apart" in told(answer)


def test_labels_of_another_project_stay_as_they_are(manager: Client, project: Any) -> None:
    other = Project.objects.create(name="Other", slug="other")
    theirs = other.first_question.labels.create(position=0, name="Theirs")
    form = {**SETTINGS, **labels_form(project, "One", "Two", "Three"), "label-0-id": str(theirs.pk)}
    manager.post("/p/city/settings/", form)
    theirs.refresh_from_db()
    assert theirs.name == "Theirs" and project.label_list()[0].name == "Roads and lights"


def test_who_manages_may_make_projects_and_others_may_not(manager: Client, project: Any, client: Client) -> None:
    form = {"name": "Moods", "question": "Which mood?", "group_name": "Group", "labels": "good\nbad"}
    assert manager.post("/new/", form)["Location"] == "/p/moods/import/"
    made = Project.objects.get(slug="moods")
    assert [label.name for label in made.label_list()] == ["good", "bad"]
    assert made.role_of(User.objects.get(username="max")) == "manager"
    assert manager.post("/new/", form)["Location"] == "/p/moods-2/import/"
    client.force_login(User.objects.get(username="ann"))
    assert client.get("/new/").status_code == 403 and client.post("/new/", form).status_code == 403


def test_one_label_makes_no_project(manager: Client, project: Any) -> None:
    form = {"name": "Moods", "question": "Which mood?", "group_name": "Group", "labels": "good"}
    answer = manager.post("/new/", form)
    assert "at least two labels" in told(answer) and not Project.objects.filter(slug="moods").exists()


def test_the_own_password_changes_and_the_session_stays(manager: Client, project: Any) -> None:
    form = {"old_password": "max-secret-1", "new_password1": "brand-new-42x", "new_password2": "brand-new-42x"}
    assert manager.post("/account/", form).status_code == 302
    assert User.objects.get(username="max").check_password("brand-new-42x")
    assert manager.get("/account/").status_code == 200


def test_projects_lists_only_one_s_own(client: Client, project: Any) -> None:
    client.force_login(User.objects.create_user("stranger"))
    assert "City requests" not in told(client.get("/"))
    client.force_login(User.objects.get(username="eve"))
    assert client.get("/")["Location"] == "/p/city/"
    assert "City requests" in told(client.get("/?all"))


def test_who_is_in_several_projects_opens_each_where_their_role_begins(client: Client, project: Any) -> None:
    ann, other = User.objects.get(username="ann"), Project.objects.create(name="Streets", slug="streets")
    other.memberships.create(user=ann, role="expert")
    client.force_login(ann)
    page = client.get("/")
    addresses = [one.home for one in page.context["memberships"]]
    assert addresses == ["/p/city/label/", "/p/streets/"]
    assert all(f'href="{one}"' in told(page) and client.get(one).status_code == 200 for one in addresses)
