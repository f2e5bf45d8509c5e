"""Every test of this folder runs once per database; it sees ports only."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import own_database
from support.records import KINDS, POSTGRESQL, SQLITE_MEMORY, Place, empty

from inference_server.adapters.opening import Adapters
from inference_server.ports import CaseStore


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database of this run on a real server."""
    with own_database() as url:
        yield url


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty record that is not yet open."""
    if request.param != POSTGRESQL:
        return Place(request.param, "sqlite://" if request.param == SQLITE_MEMORY else None, tmp_path / "data")
    place = Place(request.param, request.getfixturevalue("postgres_url"), tmp_path / "data")
    with place.opened() as adapters:
        empty(adapters)
    return place


@pytest.fixture
def lasting(place: Place) -> Place:
    """A record that outlives its opening."""
    if place.kind == SQLITE_MEMORY:
        pytest.skip("a database in memory ends with its process")
    return place


@pytest.fixture
def record(place: Place) -> Iterator[Adapters]:
    """An empty record, open."""
    with place.opened() as adapters:
        yield adapters


@pytest.fixture
def store(record: Adapters) -> CaseStore:
    """The store of an empty record."""
    return record.store
