"""What o'clock it is where the viewer sits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from labeling.models import Batch, Project

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_page_tells_the_viewers_time_and_without_scripts_names_the_servers_zone(
    batch: Batch, page_as: Callable[..., Page]
) -> None:
    stopped = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    Project.objects.update(calls_stopped_at=stopped)
    page = page_as("max", timezone_id="Asia/Kolkata")
    page.goto("/p/city/")
    time = page.locator("#calls-stopped time")
    expect(time).to_have_text("2 Mar, 05:00")
    expect(time).to_have_attribute("title", "Asia/Calcutta")
    plain = page_as("max", timezone_id="Asia/Kolkata", java_script_enabled=False)
    plain.goto("/p/city/")
    expect(plain.locator("#calls-stopped time")).to_have_text("1 Mar, 23:30 UTC")
