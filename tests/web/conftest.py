"""The app for tests of the HTTP side: a fresh one where a test changes the record, else one for the whole run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
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


@pytest.fixture
def own_settings(tmp_path: Path, card: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A record of this test's own for the command line, whatever the machine's environment says; the log is put back
    afterwards."""
    monkeypatch.setenv("XUNCHENG_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("XUNCHENG_WEIGHTS", str(card))
    monkeypatch.setenv("XUNCHENG_MIN_FREE_BYTES", "1000000")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
