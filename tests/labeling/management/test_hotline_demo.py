"""The demo's third project: a real gap that the watch finds, and a line that stops for it."""

from __future__ import annotations

import pytest
from django.test import Client

from fairness import reports
from labeling.checks import holds
from labeling.management.demo import hotline, people
from labeling.management.demo.street_scenes import LAMP
from labeling.models import Alarm, Project, WatchLook
from labeling.rounds import story


def test_the_same_reports_come_each_time_and_lamps_are_misheard_by_telephone_alone() -> None:
    some, again = list(hotline.calls(80)), list(hotline.calls(80))
    assert some == again and len({one.text for one in some}) == 80
    spoilt = [any(wrong in one.text for wrong in hotline.MISHEARD.values()) for one in some]
    assert any(spoilt) and spoilt == [one.misheard for one in some]


@pytest.mark.slow
@pytest.mark.django_db
def test_the_watch_finds_the_gap_and_stops_the_line_for_one_label_by_telephone(client: Client) -> None:
    people.sign_ins(Project.objects.create(name="City", slug="city"))
    project, made = hotline.prepare()
    assert made and hotline.prepare() == (project, False)
    batch = project.batches.get()
    assert (batch.rows_new, batch.rows_bad) == (hotline.REPORTS, 0)
    while story.advance(batch.pk):
        pass
    alarm = Alarm.objects.standing().get()
    assert alarm.about == f"telephone, {LAMP}, true labels found" and alarm.paused
    assert len(holds.held_in(batch)) >= 40, "a good part of the line is still to come"
    assert WatchLook.objects.filter(part=LAMP).count() >= 3, "the evidence is seen to grow"
    fair = reports.report(batch).fair
    assert fair is not None and all(row.accuracy.estimable for row in fair.table.groups)
    client.force_login(people.User.objects.get(username="miriam"))
    for page in ("", f"batches/{batch.pk}/", f"batches/{batch.pk}/watch/", "tasks/", "crowd/"):
        assert client.get(f"/p/{project.slug}/{page}").status_code == 200, page
