"""Fixtures for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.shared import shared_or_skip


@pytest.fixture
def shared() -> Path:
    """The folder of the shared data; skips the test where it is missing."""
    return shared_or_skip()
