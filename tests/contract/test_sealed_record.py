"""A record whose pictures are sealed: the same promises, another content on the disk."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from support.builders import NOON, a_frame, a_picture, a_report
from support.records import POSTGRESQL, SQLITE_FILE, Place

from inference_server.adapters.backup import SEALED, back_up, restore
from inference_server.adapters.evidence import EvidenceDamaged
from inference_server.adapters.objects import ObjectPlace, open_store
from inference_server.adapters.opening import Adapters, OpeningOptions, open_adapters
from inference_server.adapters.sealing import KeyMissing, Keyring, PictureKey, new_key
from inference_server.domain.audit import AuditAction
from inference_server.domain.errors import BadInput
from inference_server.domain.frame import sha256_of
from inference_server.retention_ports import PARTS

OLD, NEW = new_key("2026a"), new_key("2026b")


def under(*keys: PictureKey) -> OpeningOptions:
    """Options with these keys."""
    return OpeningOptions(keyring=Keyring(keys))


@dataclass(frozen=True)
class City:
    """A record that is opened again and again, with other keys."""

    place: Place

    def opened(self, *keys: PictureKey):  # type: ignore[no-untyped-def]
        """The record under these keys."""
        return self.place.opened(under(*keys))


@pytest.fixture(params=["sqlite and a folder", "postgresql and a folder", "postgresql and s3", "sqlite and a store"])
def city(request: pytest.FixtureRequest, make_place: Callable[[str], Place]) -> City:
    """An empty record."""
    place = make_place(POSTGRESQL if "postgresql" in request.param else SQLITE_FILE)
    if "s3" in request.param:
        bucket: ObjectPlace = request.getfixturevalue("objects")
        place = replace(place, objects=open_store(replace(bucket, url=f"{bucket.url}/{uuid.uuid4().hex}")))
    elif "a store" in request.param:
        place = replace(place, objects=MemoryStore())
    return City(place)


def picture_of_claim(record: Adapters) -> bytes:
    """The picture of the next frame."""
    claimed = record.queue.claim()
    assert claimed is not None
    return claimed.picture


def lie_readable(folder: Path, number: int) -> bool:
    """Whether a picture lies somewhere below a folder as it was taken."""
    return any(a_picture(number) in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_pictures_come_back_as_they_were_and_lie_sealed(city: City) -> None:
    with city.opened(OLD) as record:
        record.queue.put(a_frame(1), a_picture(1))
        assert record.evidence.put(a_picture(2)) == sha256_of(a_picture(2))
        assert record.evidence.put(a_picture(2)) == sha256_of(a_picture(2))
        assert sum(len(record.shelf.listed(part)) for part in range(PARTS)) == 1
        assert not any(lie_readable(city.place.folder, number) for number in (1, 2))
    with city.opened(OLD) as record:
        assert record.evidence.get(sha256_of(a_picture(2))) == a_picture(2)
        assert picture_of_claim(record) == a_picture(1)


def test_old_plain_and_new_sealed_pictures_are_read_side_by_side(city: City) -> None:
    with city.opened() as record:
        record.queue.put(a_frame(1), a_picture(1))
        record.evidence.put(a_picture(2))
    with city.opened(OLD) as record:
        record.evidence.put(a_picture(3))
        assert [record.evidence.get(sha256_of(a_picture(number))) for number in (2, 3)] == [a_picture(2), a_picture(3)]
        assert picture_of_claim(record) == a_picture(1)


@pytest.mark.parametrize(
    "keys", [(), (NEW,), (PictureKey(OLD.id, NEW.secret),)], ids=["none", "another", "a false one"]
)
def test_without_the_key_nothing_starts_and_nothing_is_lost(city: City, keys: tuple[PictureKey, ...]) -> None:
    with city.opened(OLD) as record:
        record.queue.put(a_frame(1), a_picture(1))
        record.evidence.put(a_picture(2))
    with pytest.raises(BadInput, match="2026a") as refused, city.opened(*keys):
        pass
    assert refused.value.field == "picture_keys"
    with city.opened(OLD) as record:
        assert picture_of_claim(record) == a_picture(1)
        assert record.evidence.get(sha256_of(a_picture(2))) == a_picture(2)


def test_a_process_that_lacks_a_newer_key_leaves_its_frames_waiting(city: City) -> None:
    with city.opened(OLD) as late:
        with city.opened(NEW, OLD) as record:
            record.queue.put(a_frame(1), a_picture(1))
            sha256 = record.evidence.put(a_picture(2))
        for _ in range(8):
            with pytest.raises(KeyMissing, match="2026b"):
                late.queue.claim()
        with pytest.raises(KeyMissing, match="2026b"):
            late.evidence.get(sha256)
    with city.opened(NEW, OLD) as record:
        claimed = record.queue.claim()
        assert claimed is not None
        assert (claimed.picture, claimed.attempts) == (a_picture(1), 0)


def test_rewrapping_lets_the_old_key_go(city: City) -> None:
    with city.opened() as record:
        record.evidence.put(a_picture(1))
    with city.opened(OLD) as record:
        record.evidence.put(a_picture(2))
        record.queue.put(a_frame(5), a_picture(5))
    with city.opened(NEW, OLD) as record:
        record.evidence.put(a_picture(3))
        shelf = [one.sha256 for part in range(PARTS) for one in record.shelf.listed(part)]
        assert sum(record.shelf.reseal(sha256) for sha256 in shelf) == 2
        assert not any(record.shelf.reseal(sha256) for sha256 in shelf)
        assert record.spool.reseal(a_frame(5).id)
        assert not record.spool.reseal(a_frame(5).id)
        assert record.keys.retire(record.keyring, "operator:wang") == ["2026a"]
        (note,) = [one.note for one in record.audit.entries() if one.note.action is AuditAction.KEYS_RETIRED]
        assert (note.who, note.details["retired"]) == ("wang", ["2026a"])
        assert not any(lie_readable(city.place.folder, number) for number in (1, 2, 3, 5))
    with city.opened(NEW) as record:
        for number in (1, 2, 3):
            assert record.evidence.get(sha256_of(a_picture(number))) == a_picture(number)
        assert picture_of_claim(record) == a_picture(5)
        assert OLD.line not in str(record.keys.known())


@pytest.mark.parametrize("what", ["swapped", "changed", "cut"])
def test_a_file_that_was_tampered_with_is_refused(make_place: Callable[[str], Place], what: str) -> None:
    city = City(make_place(SQLITE_FILE))
    with city.opened(OLD) as record:
        names = [record.evidence.put(a_picture(number)) for number in (1, 2)]
        record.queue.put(a_frame(3), a_picture(3))
        record.queue.put(a_frame(4, camera="back"), a_picture(4))
    evidence = [next(city.place.folder.glob(f"evidence/*/*/{name}")) for name in names]
    spooled = [city.place.folder / "spool" / a_frame(3).id, city.place.folder / "spool" / a_frame(4, camera="back").id]
    for one, other in (evidence, spooled):
        stored = one.read_bytes()
        one.write_bytes({"swapped": other.read_bytes(), "changed": stored[:-1] + b"x", "cut": stored[:40]}[what])
    with city.opened(OLD) as record:
        with pytest.raises(EvidenceDamaged):
            record.evidence.get(names[0])
        assert record.evidence.get(names[1]) == a_picture(2)
        assert picture_of_claim(record) == a_picture(4)
        assert record.store.counts() == {"frames.dropped.failed": 1, "frames.queued": 1}


def test_a_backup_of_a_sealed_record_is_proven_without_its_key(tmp_path: Path) -> None:
    record = open_adapters(None, tmp_path / "data", under(OLD))
    record.queue.put(a_frame(1), a_picture(1))
    record.queue.put(a_frame(2, camera="back"), a_picture(2))
    claimed = record.queue.claim()
    assert claimed is not None
    with record.store.work(()) as work:
        work.finish(claimed.frame, a_report(claimed.frame))
    record.queue.release(claimed)
    sha256 = record.evidence.put(a_picture(3))
    record.close()
    made = back_up(tmp_path / "data", tmp_path / "copy", NOON)
    assert (made.frames_waiting, made.pictures) == (1, 1)
    assert not any(lie_readable(tmp_path / "copy", number) for number in (1, 2, 3))
    assert restore(tmp_path / "copy", tmp_path / "again") == made
    record = open_adapters(None, tmp_path / "again", under(OLD))
    assert record.evidence.get(sha256) == a_picture(3)
    assert picture_of_claim(record) in (a_picture(1), a_picture(2))
    record.close()
    for harmed in ("evidence", "spool", "list"):
        path = tmp_path / "copy" / SEALED
        if harmed != "list":
            path = next(one for one in (tmp_path / "copy" / harmed).rglob("*") if one.is_file())
        kept = path.read_bytes()
        path.write_bytes(kept[:-1] + b"?")
        with pytest.raises(BadInput):
            restore(tmp_path / "copy", tmp_path / f"harmed-{harmed}")
        path.write_bytes(kept)
