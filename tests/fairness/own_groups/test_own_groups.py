"""What people say of themselves: freely, taken back at will, and shown in sums of ten people or more alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from fairness.models import OwnGroup, PeopleAttribute
from fairness.own_groups import sums
from labeling.models import Annotator, Batch, Label, Membership, Project, Task, Vote
from labeling.people import members
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db


@pytest.fixture
def age(project: Project) -> PeopleAttribute:
    return PeopleAttribute.objects.create(project=project, name="Age", options=["under 30", "30 or more", "no age"])


def crowd(batch: Batch, attribute: PeopleAttribute, value: str, count: int, label: int) -> None:
    """So many new people who say `value` and give one label to every task of the batch, the other in Old Town."""
    labels = batch.project.label_list()
    for number in range(count):
        user = User.objects.create(username=f"{value}-{number}")
        member = Membership.objects.create(project=batch.project, user=user, role="annotator")
        OwnGroup.objects.create(attribute=attribute, membership=member, value=value)
        who = Annotator.of(batch.project, user, "person")
        for task in batch.tasks.all():
            said = label if task.groups["Group"] == "Harbour" else 0
            Vote.objects.create(task=task, annotator=who, label=labels[said])


def of(batch: Batch, attribute: PeopleAttribute) -> sums.Sum:
    return sums.of(attribute, batch.project.first_question, ("Group",), batch.project.label_list()[0].name)


def test_two_groups_of_ten_are_shown_with_how_they_differ(batch: Batch, age: PeopleAttribute) -> None:
    crowd(batch, age, "under 30", 10, 1)
    crowd(batch, age, "30 or more", 11, 0)
    found = of(batch, age)
    assert found.groups == (("under 30", 10), ("30 or more", 11))
    (one,) = found.contrasts
    assert abs(one.clustered.value) == 1.0 and one.people == (11, 10)


def test_nine_people_are_in_nothing_that_is_shown(batch: Batch, age: PeopleAttribute) -> None:
    crowd(batch, age, "under 30", 9, 1)
    crowd(batch, age, "30 or more", 12, 0)
    assert not of(batch, age).shown and of(batch, age).groups == () and of(batch, age).contrasts == ()
    crowd(batch, age, "no age", 10, 0)
    found = of(batch, age)
    assert found.groups == (("30 or more", 12), ("no age", 10))
    assert all("under 30" not in (one.side, one.rest) for one in found.contrasts)
    assert sum(found.contrasts[0].people) == 22


def test_a_member_says_changes_and_takes_back(client: Client, project: Project, age: PeopleAttribute) -> None:
    client.force_login(User.objects.get(username="ann"))
    address = reverse("about_me", args=["city"])
    assert "You need not answer any of this" in told(client.get(address))
    field = f"attribute-{age.pk}"
    client.post(address, {field: "under 30"})
    assert OwnGroup.objects.get().value == "under 30" and "selected>under 30" in told(client.get(address))
    client.post(address, {field: "ninety"})
    assert not OwnGroup.objects.exists(), "what is no option is no answer"
    client.post(address, {field: "under 30"})
    client.post(address, {field: ""})
    assert not OwnGroup.objects.exists()


def test_who_leaves_the_project_is_forgotten(project: Project, age: PeopleAttribute) -> None:
    member = Membership.objects.get(user__username="ann")
    OwnGroup.objects.create(attribute=age, membership=member, value="under 30")
    members.remove(member)
    assert not OwnGroup.objects.exists()


def test_no_page_of_the_manager_says_what_one_person_said(manager: Client, batch: Batch, age: PeopleAttribute) -> None:
    OwnGroup.objects.create(attribute=age, membership=Membership.objects.get(user__username="ann"), value="under 30")
    for name in ("people_groups", "people"):
        assert "under 30" not in told(manager.get(reverse(name, args=["city"])))
    assert "fewer than two groups have ten people" in told(manager.get(reverse("people_groups", args=["city"])))


def test_a_manager_asks_and_stops_asking(manager: Client, project: Project) -> None:
    address = reverse("people_groups", args=["city"])
    manager.post(address, {"name": "Age", "options": "under 30, 30 or more, under 30"})
    made = PeopleAttribute.objects.get()
    assert made.options == ["under 30", "30 or more"]
    answer = manager.post(address, {"name": "age", "options": "a, b"}, follow=True)
    assert "already" in told(answer) and PeopleAttribute.objects.count() == 1
    answer = manager.post(address, {"name": "Job", "options": "one"}, follow=True)
    assert "2 to 20 groups" in told(answer)
    manager.post(address, {"act": "remove", "attribute": made.pk})
    assert not PeopleAttribute.objects.exists()


def test_another_project_s_question_is_not_removed(manager: Client, batch: Batch) -> None:
    other = Project.objects.create(name="Other", slug="other")
    theirs = PeopleAttribute.objects.create(project=other, name="Age", options=["a", "b"])
    manager.post(reverse("people_groups", args=["city"]), {"act": "remove", "attribute": theirs.pk})
    assert PeopleAttribute.objects.filter(pk=theirs.pk).exists()
    assert Label.objects.exists() and Task.objects.exists()
