"""The app for tests of the HTTP side: a fresh one where a test changes the record, else one for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.app import OpenApp, open_app, write_model


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of the tiny model."""
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def fresh_app(tmp_path: Path, card: Path) -> Iterator[OpenApp]:
    """An app with an empty record."""
    with open_app(tmp_path / "data", card) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[OpenApp]:
    """An app whose record many tests write to: only for what does not depend on what others left."""
    with open_app(tmp_path_factory.mktemp("shared") / "data", card) as opened:
        yield opened
