"""What the record of stored looks promises, on every database."""

from dataclasses import replace

import pytest
from support.builders import a_case, a_frame, a_report
from support.records import CELLS, file_cases

from inference_server.adapters.opening import Adapters
from inference_server.domain.case import CaseId
from inference_server.ports import CaseStore
from inference_server.verification_ports import KeptLooks

NEAR, FAR = "a" * 64, "b" * 64


@pytest.fixture
def looks(record: Adapters) -> KeptLooks:
    """The port under test."""
    return record.kept_looks


def add_evidence(store: CaseStore) -> None:
    """A case with two pictures."""
    file_cases(store, "1")
    frame = a_frame()
    with store.work(CELLS) as work:
        work.finish(frame, a_report(frame))
        work.add_evidence(CaseId("case-1"), frame.id, NEAR, "near", (1.0, 2.0, 3.0, 4.0))
        work.add_evidence(CaseId("case-1"), frame.id, FAR, "far", (1.0, 2.0, 3.0, 4.0))


def test_a_kept_look_is_found_under_its_version_only(looks: KeptLooks) -> None:
    assert looks.find(NEAR, "1") is None
    looks.keep(NEAR, "1", b"first")
    looks.keep(NEAR, "1", b"second")
    assert looks.find(NEAR, "1") == b"second"
    assert looks.find(NEAR, "2") is None
    assert looks.find(FAR, "1") is None


def test_pictures_of_open_cases_are_missing_until_they_are_kept(looks: KeptLooks, record: Adapters) -> None:
    add_evidence(record.store)
    assert sorted(looks.missing("1", most=9)) == [NEAR, FAR]
    assert len(looks.missing("1", most=1)) == 1
    looks.keep(NEAR, "1", b"seen")
    assert looks.missing("1", most=9) == [FAR]
    assert sorted(looks.missing("2", most=9)) == [NEAR, FAR]


def test_a_picture_that_cannot_be_looked_at_is_not_asked_for_again(looks: KeptLooks, record: Adapters) -> None:
    add_evidence(record.store)
    looks.keep(FAR, "1", None)
    assert looks.missing("1", most=9) == [NEAR]
    assert looks.find(FAR, "1") is None


def test_pictures_of_closed_cases_are_not_missing(looks: KeptLooks, record: Adapters) -> None:
    add_evidence(record.store)
    with record.store.work(CELLS) as work:
        work.save_case(replace(a_case("case-1", "candidate-1"), state="closed"))
    assert looks.missing("1", most=9) == []
