"""What a reach lets through, on every database."""

from dataclasses import replace

import pytest
from support.builders import a_candidate, a_case, a_frame, a_report, a_review, at
from support.records import CELLS
from support.verdicts import case_facts, waiting
from support.verdicts import record as a_verification

from inference_server.adapters.opening import Adapters
from inference_server.domain.case import CaseId
from inference_server.domain.closing import Closing
from inference_server.domain.grid import GridId
from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.verification_record import VerificationFilter
from inference_server.learning_ports import ReviewFilter
from inference_server.ports import CaseFilter

WEST, EAST, BOTH = Reach(("330106",)), Reach(("330102",)), Reach(("330102", "330106"))
GRIDS = {"west-1": "330106001001001", "west-2": "330106009001001", "east": "330102001001001", "nowhere": None}
REACHES = [
    pytest.param(WHOLE_CITY, {"west-1", "west-2", "east", "nowhere"}, id="the whole city"),
    pytest.param(WEST, {"west-1", "west-2"}, id="one district"),
    pytest.param(BOTH, {"west-1", "west-2", "east"}, id="two districts"),
    pytest.param(Reach(("330109",)), set(), id="a district without cases"),
]


@pytest.fixture(autouse=True)
def cases(record: Adapters) -> None:
    """One case in review for each name of GRIDS, with a review item and a frame as its evidence."""
    with record.store.work(CELLS) as work:
        for number, (name, grid) in enumerate(GRIDS.items()):
            frame = a_frame(number)
            report = a_report(frame)
            work.finish(frame, replace(report, detections=()))
            work.save_candidate(a_candidate(f"candidate-{name}"))
            kept = None if grid is None else GridId(grid)
            work.save_case(a_case(name, f"candidate-{name}", grid=kept, state="review", filed_at=at(number)))
            work.add_evidence(CaseId(name), frame.id, frame.sha256, "near", (1.0, 2.0, 3.0, 4.0))
            work.add_review(
                a_review(id=f"review-{name}", frame_id=frame.id, case_id=CaseId(name), created_at=at(number))
            )
        drop = a_frame(9)
        work.finish(drop, replace(a_report(drop), detections=()))
        work.add_review(a_review(id="drop", frame_id=drop.id, case_id=None, created_at=at(9)))
        for number, (name, grid) in enumerate(GRIDS.items()):
            facts = case_facts(district=None if grid is None else grid[:6])
            inline = a_verification(number, decision=Closing.HUMAN, case=facts)
            work.save_verification(replace(inline, id=f"inline-{name}"))
            of_record = a_verification(10 + number, decision=Closing.HUMAN, case_id=CaseId(name))
            work.save_verification(replace(of_record, id=f"recorded-{name}"))


@pytest.mark.parametrize(("reach", "seen"), REACHES)
def test_cases_are_listed_and_counted_where_their_grid_lies(record: Adapters, reach: Reach, seen: set[str]) -> None:
    first = record.store.list_cases(CaseFilter(reach=reach, limit=1, newest_first=True))
    found = [case.id for case in first.cases]
    if first.cursor is not None:
        wanted = CaseFilter(reach=reach, cursor=first.cursor, newest_first=True)
        found += [case.id for case in record.store.list_cases(wanted).cases]
    assert (set(found), len(found)) == (seen, len(seen))
    counts = record.store.counts(reach)
    assert counts.get("cases.review", 0) == len(seen)
    assert any(name.startswith("frames.") for name in counts) == reach.is_whole


@pytest.mark.parametrize(("reach", "seen"), REACHES)
def test_reviews_lie_where_their_case_does_and_drops_are_for_the_whole_city(
    record: Adapters, reach: Reach, seen: set[str]
) -> None:
    found = {one.item.id for one in record.reviews.list_reviews(ReviewFilter(reach=reach)).reviews}
    assert found == {f"review-{name}" for name in seen} | ({"drop"} if reach.is_whole else set())
    assert sum(record.reviews.open_reviews(reach).values()) == len(found)


@pytest.mark.parametrize(("reach", "seen"), REACHES)
def test_verifications_lie_where_their_case_does(record: Adapters, reach: Reach, seen: set[str]) -> None:
    found = {one.id for one in record.verifications.find(VerificationFilter(awaits_person=True, reach=reach))}
    assert found == {f"{kind}-{name}" for name in seen for kind in ("inline", "recorded")}
    assert record.verifications.count_awaiting(reach) == len(found)


def test_a_question_without_a_verdict_is_seen_by_the_whole_city_only(record: Adapters) -> None:
    record.verifications.accept(waiting(99))
    wanted = VerificationFilter(reach=WEST, limit=1000)
    assert "verification-99" not in {one.id for one in record.verifications.find(wanted)}
    assert "verification-99" in {one.id for one in record.verifications.find(replace(wanted, reach=WHOLE_CITY))}


def test_a_frame_tells_the_grids_of_the_cases_that_it_shows(record: Adapters) -> None:
    assert record.store.grids_shown(a_frame(0).id) == ["330106001001001"]
    assert record.store.grids_shown(a_frame(3).id) == []
    frame = a_frame(20)
    shows = [replace(one, case_id=CaseId("east")) for one in a_report(frame).detections[:1]]
    with record.store.work(CELLS) as work:
        work.finish(frame, replace(a_report(frame), detections=tuple(shows)))
        work.add_evidence(CaseId("west-2"), frame.id, frame.sha256, "far", (1.0, 2.0, 3.0, 4.0))
    assert record.store.grids_shown(frame.id) == ["330102001001001", "330106009001001"]


def test_a_trail_keeps_to_a_box(record: Adapters) -> None:
    (point, *_) = record.store.trail(at(-100), 100)
    lon, lat = point.position.lon, point.position.lat
    assert record.store.trail(at(-100), 100, (lon - 1, lat - 1, lon + 1, lat + 1)) == record.store.trail(at(-100), 100)
    assert record.store.trail(at(-100), 100, (lon + 1, lat - 1, lon + 2, lat + 1)) == []


def test_the_districts_of_a_token_come_back(record: Adapters) -> None:
    scopes, registry = frozenset({"cases:read"}), record.registry
    token, secret = registry.issue_token("t", scopes, None, None, districts=("330102", "330106"))
    assert registry.token(secret) == token
    assert token.districts == ("330102", "330106")
    assert registry.issue_token("u", scopes, None, None)[0].districts is None
