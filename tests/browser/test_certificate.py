"""The certificate's page in a browser: no barriers in both themes, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from labeling.checks import certificates, draws
from labeling.checks.certificates import Target
from labeling.models import Batch
from tests.browser.conftest import findings
from tests.labeling.checks.test_certificates import EASY, answer_all, settled

__all__ = ["settled"]
pytestmark = pytest.mark.django_db(transaction=True)
LOOKS = [(size, theme) for size in ("wide", "phone") for theme in ("light", "dark")]


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_the_certificate_page_has_no_barriers(
    settled: Batch, page_as: Callable[..., Page], size: str, theme: str
) -> None:
    draws.draw(settled, 60)
    answer_all(settled)
    refused = certificates.issue(settled, Target(0.01, 0.01))
    certificates.issue(settled, EASY)
    page = page_as("max", size, color_scheme=theme)
    for address in (f"/p/city/batches/{settled.pk}/certificate/", refused.get_absolute_url()):
        page.goto(address)
        expect(page.get_by_role("heading", name="Certificate of May")).to_be_visible()
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
