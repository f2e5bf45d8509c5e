"""What the evidence promises. It has one adapter so far: a folder."""

from pathlib import Path

import pytest
from support.builders import a_picture

from inference_server.adapters.evidence import EvidenceDamaged, FolderEvidence
from inference_server.domain.errors import NotFound
from inference_server.domain.frame import sha256_of
from inference_server.ports import Evidence


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """No pictures yet."""
    return FolderEvidence(tmp_path / "evidence")


def test_a_picture_comes_back_by_its_hash(evidence: Evidence) -> None:
    sha256 = evidence.put(a_picture())
    assert sha256 == sha256_of(a_picture())
    assert evidence.get(sha256) == a_picture()


def test_the_same_picture_is_stored_once(evidence: Evidence, tmp_path: Path) -> None:
    assert evidence.put(a_picture(1)) == evidence.put(a_picture(1))
    evidence.put(a_picture(2))
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


def test_another_opening_of_the_folder_finds_it(evidence: Evidence, tmp_path: Path) -> None:
    sha256 = evidence.put(a_picture())
    assert FolderEvidence(tmp_path / "evidence").get(sha256) == a_picture()


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


def test_a_picture_that_was_changed_on_disk_is_not_shown(evidence: Evidence, tmp_path: Path) -> None:
    sha256 = evidence.put(a_picture())
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    path.write_bytes(a_picture(2))
    with pytest.raises(EvidenceDamaged):
        evidence.get(sha256)
