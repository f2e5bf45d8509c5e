"""Fixtures for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from support.shared import shared_or_skip

# On a busy machine one example may be slow: that is no fault. The whole test has its own limit (pytest-timeout).
settings.register_profile("xuncheng", deadline=None)
settings.load_profile("xuncheng")


@pytest.fixture
def shared() -> Path:
    """The folder of the shared data; skips the test where it is missing."""
    return shared_or_skip()
