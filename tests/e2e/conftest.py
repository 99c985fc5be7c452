from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import looking


@pytest.fixture(scope="module")
def shots() -> Path:
    """Where the pictures of a run lie, to be looked at."""
    return looking.shots()
