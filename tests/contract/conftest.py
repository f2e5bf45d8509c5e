"""Every test of this folder runs once per database; it sees ports only."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.clocks import SetClock
from support.nats_server import OwnNats, own_nats
from support.object_server import own_objects
from support.postgres import own_database
from support.records import KINDS, SQLITE_FILE, SQLITE_MEMORY, Place, empty

from inference_server.adapters.objects import ObjectPlace
from inference_server.adapters.opening import Adapters, OpeningOptions
from inference_server.ports import CaseStore


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database of this run on a real server."""
    with own_database() as url:
        yield url


@pytest.fixture(scope="session")
def nats_server() -> Iterator[OwnNats]:
    """A real NATS server of this run."""
    with own_nats() as server:
        yield server


@pytest.fixture(scope="session")
def objects() -> Iterator[ObjectPlace]:
    """A bucket on a server that speaks S3."""
    with own_objects() as place:
        yield place


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with all tables, to be copied: quicker than making them for each test."""
    folder = tmp_path_factory.mktemp("migrated")
    with Place(SQLITE_FILE, None, folder).opened():
        pass
    return folder / "xuncheng.sqlite"


@pytest.fixture
def make_place(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> Callable[[str], Place]:
    """An empty record of a kind that is not yet open."""

    def make(kind: str) -> Place:
        if kind == SQLITE_MEMORY:
            return Place(kind, "sqlite://", tmp_path / "data")
        if kind == SQLITE_FILE:
            (tmp_path / "data").mkdir()
            shutil.copy(migrated, tmp_path / "data")
            return Place(kind, None, tmp_path / "data")
        url = request.getfixturevalue("postgres_url")
        empty(url)
        return Place(kind, url, tmp_path / "data")

    return make


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, make_place: Callable[[str], Place]) -> Place:
    """An empty record that is not yet open."""
    return make_place(request.param)


@pytest.fixture
def lasting(place: Place) -> Place:
    """A record that outlives its opening."""
    if place.kind == SQLITE_MEMORY:
        pytest.skip("a database in memory ends with its process")
    return place


@pytest.fixture
def clock() -> SetClock:
    """Noon, until a test says otherwise."""
    return SetClock()


@pytest.fixture
def timed_record(place: Place, clock: SetClock) -> Iterator[Adapters]:
    """An empty record that lives by the test's clock."""
    with place.opened(OpeningOptions(clock=clock)) as adapters:
        yield adapters


@pytest.fixture
def record(place: Place) -> Iterator[Adapters]:
    """An empty record, open."""
    with place.opened() as adapters:
        yield adapters


@pytest.fixture
def store(record: Adapters) -> CaseStore:
    """The store of an empty record."""
    return record.store
