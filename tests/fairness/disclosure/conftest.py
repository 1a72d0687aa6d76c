"""The eventful batch."""

from __future__ import annotations

from typing import Any

import pytest

from labeling.models import Batch
from tests.fairness.disclosure.scenery import eventful


@pytest.fixture
def batch(project: Any) -> Batch:
    return eventful(project)
