"""What the record promises, on every database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.builders import (
    PLACE,
    a_candidate,
    a_case,
    a_dropped_report,
    a_frame,
    a_move,
    a_pass,
    a_picture,
    a_report,
    a_review,
    a_sighting,
    a_tie,
    a_track,
    a_view,
    an_event,
    at,
)
from support.records import CELLS, Place, file_cases

from inference_server.adapters.opening import Adapters
from inference_server.domain.candidate import PassId, TrackId
from inference_server.domain.case import CaseId
from inference_server.domain.errors import NotFound
from inference_server.domain.frame import FrameId
from inference_server.domain.geo import LatLon, cell_of, cells_around
from inference_server.domain.observation import DropReason
from inference_server.domain.report import Report
from inference_server.ports import CaseFilter, CaseStore, PastFrame, TrailPoint

# --- frames and reports -------------------------------------------------------


def test_a_frame_and_its_report_come_back_as_they_were(store: CaseStore) -> None:
    frame = a_frame()
    with store.work(()) as work:
        work.finish(frame, a_report(frame))
    assert store.frame(frame.id) == frame
    assert store.report(frame.id) == a_report(frame)


def test_a_frame_without_a_fix_comes_back_without_one(store: CaseStore) -> None:
    frame = a_frame(fix=None, campaign=None)
    with store.work(()) as work:
        work.finish(frame, a_dropped_report(frame, DropReason.NO_FIX))
    assert store.frame(frame.id) == frame
    assert store.report(frame.id) == a_dropped_report(frame, DropReason.NO_FIX)


def test_a_waiting_frame_has_no_report(record: Adapters) -> None:
    frame = a_frame()
    record.queue.put(frame, a_picture())
    assert record.store.frame(frame.id) == frame
    assert record.store.report(frame.id) is None


def test_an_unknown_frame_is_not_found_and_has_no_report(store: CaseStore) -> None:
    assert store.report(FrameId("nobody")) is None
    with pytest.raises(NotFound):
        store.frame(FrameId("nobody"))


def test_the_second_report_of_a_frame_changes_nothing(record: Adapters) -> None:
    frame = a_frame()
    record.queue.put(frame, a_picture())
    for report in (a_report(frame), a_dropped_report(frame), a_report(frame, model_version="another")):
        with record.store.work(()) as work:
            work.finish(frame, report)
    assert record.store.report(frame.id) == a_report(frame)


def test_a_work_knows_the_report_of_a_frame_that_was_finished_before(store: CaseStore) -> None:
    frame = a_frame()
    with store.work(()) as work:
        assert work.report_of(frame.id) is None
        work.finish(frame, a_report(frame))
        assert work.report_of(frame.id) == a_report(frame)


def test_the_previous_frame_is_the_latest_with_a_fix_before_a_moment(store: CaseStore) -> None:
    seen, parked, blind, other = a_frame(1), a_frame(2), a_frame(3, fix=None), a_frame(4, camera="rear")
    for frame in (seen, other):
        with store.work(()) as work:
            work.finish(frame, a_report(frame))
    for frame in (parked, blind):
        with store.work(()) as work:
            work.finish(frame, a_dropped_report(frame))
    assert seen.fix is not None
    assert parked.fix is not None
    thumbnail = bytes(range(256)) * 2
    before = PastFrame(id=seen.id, taken_at=at(1), fix=seen.fix, thumbnail=thumbnail, is_analysed=True)
    just_before = PastFrame(id=parked.id, taken_at=at(2), fix=parked.fix, thumbnail=None, is_analysed=False)
    assert store.previous_frame(seen.camera, at(9), analysed=True) == before
    assert store.previous_frame(seen.camera, at(9), analysed=False) == just_before
    assert store.previous_frame(seen.camera, at(1), analysed=False) is None


def test_the_waiting_frame_is_the_latest_with_a_fix_before_a_moment_until_it_is_done(record: Adapters) -> None:
    first, second, blind, other = a_frame(1), a_frame(2), a_frame(3, fix=None), a_frame(2, camera="rear")
    for number, frame in zip((1, 2, 3, 2), (first, second, blind, other), strict=True):
        record.queue.put(frame, a_picture(number))
    assert second.fix is not None
    waits = PastFrame(id=second.id, taken_at=at(2), fix=second.fix, thumbnail=None, is_analysed=False)
    assert record.store.waiting_frame(first.camera, at(9)) == waits
    found = record.store.waiting_frame(first.camera, at(2))
    assert found is not None
    assert found.id == first.id
    assert record.store.waiting_frame(first.camera, at(1)) is None
    for frame in (first, second):
        with record.store.work(()) as work:
            work.finish(frame, a_report(frame))
    assert record.store.waiting_frame(first.camera, at(9)) is None


def test_the_trail_holds_the_latest_points_oldest_first(record: Adapters) -> None:
    frames = [a_frame(number) for number in range(5)]
    for frame in frames[:4]:
        with record.store.work(()) as work:
            work.finish(frame, a_dropped_report(frame) if frame.seq == 2 else a_report(frame))
    record.queue.put(frames[4], a_picture(4))
    points = record.store.trail(at(1), limit=2)
    assert points == [
        TrailPoint(
            frame_id=frames[number].id, camera=frames[0].camera, taken_at=at(number), position=PLACE, is_analysed=seen
        )
        for number, seen in ((2, False), (3, True))
    ]


# --- what a pass leaves behind ------------------------------------------------


def test_a_pass_is_found_within_its_gap_and_updated_in_place(store: CaseStore) -> None:
    drive = a_pass()
    with store.work(()) as work:
        work.save_pass(drive)
        longer = replace(drive, last_at=at(90), ties=(a_tie(), a_tie(track_id=TrackId("track-2"))))
        work.save_pass(longer)
        assert work.pass_of(drive.camera, at(150), 60.0) == longer
        assert work.pass_of(drive.camera, at(-60), 60.0) == longer
        assert work.pass_of(drive.camera, at(150.001), 60.0) is None
        assert work.pass_of(a_frame(camera="rear").camera, at(30), 60.0) is None


def test_of_two_passes_in_reach_the_nearer_one_is_meant(store: CaseStore) -> None:
    early = a_pass(id=PassId("early"), started_at=at(0), last_at=at(10))
    late = a_pass(id=PassId("late"), started_at=at(50), last_at=at(60))
    with store.work(()) as work:
        work.save_pass(early)
        work.save_pass(late)
        assert work.pass_of(early.camera, at(20), 60.0) == early
        assert work.pass_of(early.camera, at(45), 60.0) == late


def test_tracks_come_back_as_they_were_last_saved(store: CaseStore) -> None:
    track, old, other = (
        a_track(),
        a_track(id=TrackId("track-0"), last_at=at(1)),
        a_track(id=TrackId("t"), pass_id=PassId("p")),
    )
    with store.work(()) as work:
        for one in (track, old, other):
            work.save_track(one)
        work.save_track(replace(track, observations=4))
        assert work.tracks(track.pass_id, at(2)) == [replace(track, observations=4)]
    with store.work(()) as work:
        assert work.tracks(track.pass_id, at(1)) == [old, replace(track, observations=4)]


def test_candidates_are_found_by_the_cell_of_their_anchor_even_after_it_moved(store: CaseStore) -> None:
    far = LatLon(PLACE.lat + 0.01, PLACE.lon)
    candidate = a_candidate(position=far)
    with store.work(CELLS) as work:
        work.save_candidate(candidate)
        assert work.candidates([cell_of(PLACE)]) == [candidate]
        assert work.candidates([cell_of(far)]) == []
    with store.work(CELLS) as work:
        work.save_candidate(replace(candidate, anchor=far))
        assert work.candidates([cell_of(PLACE)]) == []
        assert work.candidates([cell_of(far)]) == [replace(candidate, anchor=far)]
    assert store.candidate(candidate.id) == replace(candidate, anchor=far)


def test_views_of_a_pass_are_updated_in_place(store: CaseStore) -> None:
    file_cases(store, "1", "2")
    with store.work(()) as work:
        work.save_view(a_view(clear_frames=1, absence_at=None))
        work.save_view(a_view())
        work.save_view(a_view(pass_id=PassId("pass-2"), case_id="case-2"))
        assert work.views(PassId("pass-1"), ["case-1", "case-2"]) == {"case-1": a_view()}
        assert work.views(PassId("pass-1"), []) == {}


# --- one transaction ----------------------------------------------------------


class Boom(Exception):
    """Something goes wrong in the middle."""


def test_an_error_leaves_nothing_behind(record: Adapters) -> None:
    frame = a_frame()
    record.queue.put(frame, a_picture())
    before = record.store.counts()
    with pytest.raises(Boom), record.store.work(CELLS) as work:  # noqa: PT012  # the whole block is the story
        work.save_pass(a_pass())
        work.save_track(a_track())
        work.save_candidate(a_candidate())
        work.save_case(a_case())
        work.add_move(a_move())
        work.add_event(an_event())
        work.add_sighting(a_sighting())
        work.add_review(a_review())
        work.save_view(a_view())
        work.finish(frame, a_report(frame))
        raise Boom
    assert record.store.counts() == before == {"frames.queued": 1}
    assert record.store.history(CaseId("case-1")) == []
    assert record.store.sightings(CaseId("case-1")) == []
    with record.store.work(CELLS) as work:
        assert work.candidates(CELLS) == []
        assert work.tracks(PassId("pass-1"), at(-100)) == []
        assert work.pass_of(frame.camera, at(0), 60.0) is None


def test_eight_workers_that_see_one_thing_file_one_case(store: CaseStore) -> None:
    together = threading.Barrier(8)

    def see(number: int) -> None:
        frame = a_frame(number, device=f"car-{number}")
        together.wait()
        with store.work(CELLS) as work:
            if not work.candidates(CELLS):
                work.save_candidate(a_candidate(f"candidate-{number}"))
                work.save_case(a_case(f"case-{number}", f"candidate-{number}"))
            work.finish(frame, a_report(frame))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(see, range(8)))
    assert len(store.list_cases(CaseFilter()).cases) == 1
    assert store.counts() == {"frames.analysed": 8, "cases.filed": 1}


def test_eight_workers_with_overlapping_cells_never_wait_in_a_ring(store: CaseStore) -> None:
    def count(number: int) -> None:
        for step in range(6):
            place = LatLon(PLACE.lat + 0.0004 * ((number * 5 + step * 3) % 4), PLACE.lon)
            with store.work(cells_around(place, 60.0)) as work:
                for candidate in work.candidates(cells_around(place, 60.0)):
                    work.save_candidate(candidate)
                work.save_candidate(a_candidate(f"{number}-{step}", anchor=place))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    with store.work(cells_around(PLACE, 500.0)) as work:
        assert len(work.candidates(cells_around(PLACE, 500.0))) == 48


def test_two_workers_at_one_frame_leave_one_report(store: CaseStore) -> None:
    together = threading.Barrier(4)

    def finish(number: int) -> None:
        frame = a_frame()
        together.wait()
        with store.work(CELLS) as work:
            work.finish(frame, a_report(frame, model_version=f"model {number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(finish, range(4)))
    report = store.report(a_frame().id)
    assert isinstance(report, Report)
    assert len(report.detections) == 2
    assert store.counts() == {"frames.analysed": 1}


# --- figures ------------------------------------------------------------


def test_counts_tell_frames_cases_and_events(record: Adapters) -> None:
    store = record.store
    file_cases(store, "1", "2", "3")
    with store.work(CELLS) as work:
        work.save_case(a_case("case-2", "candidate-2", state="closed"))
    for number, reason in enumerate((DropReason.NOT_MOVED, DropReason.NOT_MOVED, DropReason.NO_FIX)):
        with store.work(()) as work:
            work.finish(a_frame(number), a_dropped_report(a_frame(number), reason))
    record.queue.put(a_frame(9), a_picture(9))
    with store.work(()) as work:
        work.finish(a_frame(3), a_report(a_frame(3)))
        work.add_event(an_event())
    assert store.counts() == {
        "frames.queued": 1,
        "frames.analysed": 1,
        "frames.dropped.not_moved": 2,
        "frames.dropped.no_fix": 1,
        "cases.filed": 2,
        "cases.closed": 1,
        "events.pending": 1,
    }


# --- it lasts -----------------------------------------------------------------


def test_what_is_committed_is_there_after_a_restart(lasting: Place) -> None:
    frame = a_frame()
    with lasting.opened() as record, record.store.work(CELLS) as work:
        work.save_candidate(a_candidate())
        work.save_case(a_case())
        work.finish(frame, a_report(frame))
    with lasting.opened() as record:
        assert record.store.case(CaseId("case-1")) == a_case()
        assert record.store.report(frame.id) == a_report(frame)
