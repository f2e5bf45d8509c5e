"""A backup is whole, whatever the server does meanwhile, and a damaged one is not put back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.builders import NOON, a_frame, a_picture, a_report

from inference_server.adapters.backup import DATABASE, MANIFEST, back_up, restore
from inference_server.adapters.opening import Adapters, open_adapters
from inference_server.domain.errors import BadInput


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one case and its picture, one frame done and one that waits."""
    folder = tmp_path / "data"
    record = open_adapters(None, folder)
    record.queue.put(a_frame(1), a_picture(1))
    record.queue.put(a_frame(2), a_picture(2))
    finish_one(record)
    record.evidence.put(a_picture(1))
    record.close()
    return folder


def finish_one(record: Adapters) -> bool:
    claimed = record.queue.claim()
    if claimed is None:
        return False
    with record.store.work(()) as work:
        work.finish(claimed.frame, a_report(claimed.frame))
    record.queue.release(claimed)
    return True


def test_what_is_put_back_is_what_was_there(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "evidence" / "copy"  # a name that a data folder has too
    made = back_up(data, copy, NOON)
    assert (made.frames_waiting, made.pictures) == (1, 1)
    assert restore(copy, tmp_path / "again") == made
    record = open_adapters(None, tmp_path / "again")
    assert record.store.counts() == {"frames.analysed": 1, "frames.queued": 1}
    claimed = record.queue.claim()
    assert claimed is not None
    assert (claimed.frame.seq, claimed.picture) == (2, a_picture(2))
    record.close()


def test_a_backup_of_a_server_at_work_lacks_no_picture(data: Path, tmp_path: Path) -> None:
    record, stop = open_adapters(None, data), threading.Event()

    def work() -> None:
        number = 10
        while not stop.is_set():
            record.queue.put(a_frame(number), a_picture(number % 50))
            finish_one(record)
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(3):
            back_up(data, tmp_path / f"copy-{number}", NOON)
    finally:
        stop.set()
        thread.join()
        record.close()
    for number in range(3):
        restore(tmp_path / f"copy-{number}", tmp_path / f"again-{number}")
        restored = open_adapters(None, tmp_path / f"again-{number}")
        waiting = restored.queue.depth()
        assert sum(finish_one(restored) for _ in range(waiting)) == waiting
        restored.close()


@pytest.mark.parametrize("harm", ["database", "evidence", "spool", "picture", "unfinished"])
def test_a_backup_that_is_not_whole_is_refused(data: Path, tmp_path: Path, harm: str) -> None:
    copy = tmp_path / "copy"
    back_up(data, copy, NOON)
    evidence = next(path for path in (copy / "evidence").rglob("*") if path.is_file())
    waiting = next((copy / "spool").iterdir())
    match harm:
        case "database":
            (copy / DATABASE).write_bytes((copy / DATABASE).read_bytes()[:-4096])
        case "evidence":
            evidence.write_bytes(b"another picture")
        case "spool":
            waiting.unlink()
        case "picture":
            evidence.unlink()
        case "unfinished":
            (copy / MANIFEST).unlink()
    with pytest.raises(BadInput):
        restore(copy, tmp_path / "again")
    assert not (tmp_path / "again" / DATABASE).exists()


def test_nothing_is_ever_overwritten(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "copy", NOON)
    with pytest.raises(BadInput, match="not empty"):
        back_up(data, tmp_path / "copy", NOON)
    with pytest.raises(BadInput, match="not empty"):
        restore(tmp_path / "copy", data)
    with pytest.raises(BadInput, match="holds no"):
        back_up(tmp_path / "nowhere", tmp_path / "other", NOON)
