"""What the evidence promises: in a folder, in memory, on a server that speaks S3."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from support.builders import a_picture

from inference_server.adapters.evidence import EvidenceDamaged, FolderEvidence, ObjectEvidence
from inference_server.adapters.objects import ObjectPlace, Objects, ObjectsUnavailable, open_store
from inference_server.domain.errors import BadInput, NotFound
from inference_server.domain.frame import sha256_of
from inference_server.ports import Evidence

FOLDER, MEMORY, S3 = "folder", "memory", "s3"


@dataclass(frozen=True)
class Shelf:
    """Where evidence lies: opened again and again, looked into, and harmed."""

    open: Callable[[], Evidence]
    names: Callable[[], set[str]]
    harm: Callable[[str, bytes], None]


@pytest.fixture(params=[FOLDER, MEMORY, S3])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """An empty place for pictures."""
    if request.param == FOLDER:
        folder = tmp_path / "evidence"
        return Shelf(
            open=lambda: FolderEvidence(folder),
            names=lambda: {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()},
            harm=lambda name, content: (folder / name).write_bytes(content) and None,
        )
    store = MemoryStore()
    if request.param == S3:
        place: ObjectPlace = request.getfixturevalue("objects")
        store = open_store(replace(place, url=f"{place.url}/{uuid.uuid4().hex}"))
    objects = Objects(store, "evidence")
    return Shelf(
        open=lambda: ObjectEvidence(Objects(store, "evidence")),
        names=lambda: set(objects.ages_s()),
        harm=objects.put,
    )


@pytest.fixture
def evidence(shelf: Shelf) -> Evidence:
    """No pictures yet."""
    return shelf.open()


def test_a_picture_comes_back_by_its_hash(evidence: Evidence) -> None:
    sha256 = evidence.put(a_picture())
    assert sha256 == sha256_of(a_picture())
    assert evidence.get(sha256) == a_picture()


def test_the_same_picture_is_stored_once(evidence: Evidence, shelf: Shelf) -> None:
    assert evidence.put(a_picture(1)) == evidence.put(a_picture(1))
    evidence.put(a_picture(2))
    assert len(shelf.names()) == 2


def test_another_opening_finds_it(evidence: Evidence, shelf: Shelf) -> None:
    sha256 = evidence.put(a_picture())
    assert shelf.open().get(sha256) == a_picture()


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("0" * 64, id="unknown"),
        pytest.param("", id="empty"),
        pytest.param("../../../etc/passwd", id="a path"),
        pytest.param("A" * 64, id="capital letters"),
        pytest.param("0" * 63 + "\n", id="a line end"),
    ],
)
def test_what_is_not_there_is_not_found(evidence: Evidence, asked: str) -> None:
    with pytest.raises(NotFound):
        evidence.get(asked)


def test_a_stored_picture_that_was_changed_is_not_shown(evidence: Evidence, shelf: Shelf) -> None:
    sha256 = evidence.put(a_picture())
    (name,) = shelf.names()
    shelf.harm(name, a_picture(2))
    with pytest.raises(EvidenceDamaged):
        evidence.get(sha256)


@pytest.mark.parametrize("url", ["", "city", "s3://", "https://objects/city"])
def test_an_address_that_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="s3://bucket"):
        open_store(ObjectPlace(url=url))


def test_an_object_store_that_refuses_us_is_a_fault_of_the_outside(objects: ObjectPlace) -> None:
    evidence = ObjectEvidence(Objects(open_store(replace(objects, url="s3://no-such-bucket")), "evidence"))
    with pytest.raises(ObjectsUnavailable, match="object store"):
        evidence.put(a_picture())
    with pytest.raises(ObjectsUnavailable, match="object store"):
        evidence.get("0" * 64)


def test_keys_of_an_object_store_are_not_shown(objects: ObjectPlace) -> None:
    assert "test" not in repr(replace(objects, url="s3://city", endpoint=None))
