"""What may be deleted and what never is: on each database, with pictures in a folder and in an object store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore
from support.builders import (
    a_candidate,
    a_case,
    a_dropped_report,
    a_frame,
    a_picture,
    a_report,
    a_review,
    a_snapshot,
    a_track,
    an_answer,
    an_event,
    at,
)
from support.clocks import SetClock
from support.records import CELLS, POSTGRESQL, SQLITE_FILE, Place
from support.verdicts import photo_facts
from support.verdicts import record as a_verification

from inference_server.adapters.objects import ObjectPlace, open_store
from inference_server.adapters.opening import Adapters, OpeningOptions
from inference_server.domain.audit import AuditAction, check_chain
from inference_server.domain.candidate import CandidateId, TrackId
from inference_server.domain.case import CaseId
from inference_server.domain.closing import Closing
from inference_server.domain.errors import Conflict, Gone, NotFound
from inference_server.domain.frame import Frame, sha256_of
from inference_server.domain.hold import Held, HoldId
from inference_server.domain.policy import ClassRules, Policy
from inference_server.domain.retention import RetentionRules
from inference_server.domain.verification_record import VerificationState
from inference_server.retention import GRACE, Keeper, RetentionThread
from inference_server.retention_ports import PARTS

RULES = RetentionRules(frames_h=24, candidate_days=10, evidence_days=100, reviews_days=20, verifications_days=50)
POLICY = Policy(retention=RULES, classes={"pothole": ClassRules(group="road", evidence_days=300)}, hash="abc")
DAY_S = 86_400.0


@dataclass
class City:
    """A record, the test's clock, and the keeper of its pictures."""

    record: Adapters
    clock: SetClock
    keeper: Keeper

    def picture(self, number: int) -> str:
        """A picture is stored; its hash."""
        return self.record.evidence.put(a_picture(number))

    def analysed(self, number: int, **changes: Any) -> Frame:
        """A frame is done whose picture was kept."""
        frame = a_frame(number)
        self.picture(number)
        with self.record.store.work(()) as work:
            work.finish(frame, replace(a_report(frame), analysed_at=self.clock.now(), detections=(), **changes))
        return frame

    def pass_by(self, days: float = 0.0) -> dict[str, int]:
        """Time goes by, all parts are looked at, and what is due goes; what was deleted, by rule."""
        self.clock.advance(days * DAY_S)
        self.keeper.look()
        self.clock.advance(GRACE.total_seconds())
        return self.keeper.erase().deleted

    def lies(self, number: int) -> bool:
        """Whether a picture is there."""
        try:
            return self.record.evidence.get(sha256_of(a_picture(number))) == a_picture(number)
        except NotFound:
            return False


@pytest.fixture(params=["sqlite and a folder", "postgresql and a folder", "postgresql and s3", "sqlite and a store"])
def opened(request: pytest.FixtureRequest, make_place: Callable[[str], Place]) -> Callable[[], Any]:
    """What opens the same record again and again."""
    place = make_place(POSTGRESQL if "postgresql" in request.param else SQLITE_FILE)
    if "s3" in request.param:
        bucket: ObjectPlace = request.getfixturevalue("objects")
        name = f"retention-{os.getpid()}-{abs(hash(request.node.name))}"
        place = replace(place, objects=open_store(replace(bucket, url=f"{bucket.url}/{name}")))
    elif "a store" in request.param:
        place = replace(place, objects=MemoryStore())
    clock = SetClock(datetime.now(UTC))

    @contextmanager
    def again() -> Iterator[City]:
        with place.opened(OpeningOptions(clock=clock)) as record:
            yield City(record, clock, Keeper(shelf=record.shelf, record=record.retention, policy=POLICY, clock=clock))

    return again


@pytest.fixture
def city(opened: Callable[[], Any]) -> Iterator[City]:
    """An empty record."""
    with opened() as found:
        yield found


def file(city: City, number: int, **changes: Any) -> CaseId:
    """A case with one picture, the frame of which is done."""
    frame = city.analysed(number)
    case = a_case(f"case-{number}", f"candidate-{number}", **{"changed_at": city.clock.now(), **changes})
    with city.record.store.work(CELLS) as work:
        work.save_candidate(a_candidate(f"candidate-{number}", near=None, far=None, case_id=case.id))
        work.save_case(case)
        work.add_evidence(case.id, frame.id, frame.sha256, "near", (1.0, 2.0, 3.0, 4.0))
    return case.id


CLOSED = {"state": "closed"}


def test_a_frame_that_nothing_needs_goes_after_its_hours_and_not_before(city: City) -> None:
    frame = city.analysed(1)
    assert city.pass_by(0.9) == {}
    assert city.lies(1)
    assert city.pass_by(0.1) == {"frames_h=24": 1}
    assert not city.lies(1)
    report = city.record.store.report(frame.id)
    assert report is not None
    assert report.is_analysed
    with pytest.raises(Gone, match="its time was over"):
        city.record.evidence.get(frame.sha256)


def test_every_deletion_is_in_the_audit_log_once_with_its_rule(city: City) -> None:
    for number in range(5):
        city.analysed(number)
    file(city, 7, **CLOSED)
    assert city.pass_by(101) == {"frames_h=24": 5, "evidence_days=100": 1}
    assert city.pass_by(101) == {}
    entries = list(city.record.audit.entries())
    notes = [entry.note for entry in entries if entry.note.action is AuditAction.PICTURES_DELETED]
    told = [sha256 for note in notes for sha256 in note.details["pictures"]]  # type: ignore[union-attr]
    assert sorted(told) == sorted(sha256_of(a_picture(number)) for number in (0, 1, 2, 3, 4, 7))
    assert [note.details["rules"] for note in notes] == [["evidence_days=100: 1", "frames_h=24: 5"]]
    assert check_chain(entries).broken is None
    done = city.record.retention.deletions(told)
    assert {mark.rule for mark in done.values()} == {"frames_h=24", "evidence_days=100"}
    assert all(mark.deleted_at == city.clock.now() - timedelta(days=101) - GRACE for mark in done.values())


def test_a_picture_of_an_open_case_stays_and_one_of_a_closed_case_goes_in_its_time(city: City) -> None:
    file(city, 1)
    file(city, 2, **CLOSED)
    file(city, 3, **CLOSED, class_name="pothole")
    assert city.pass_by(99.9) == {}
    assert city.pass_by(0.1) == {"evidence_days=100": 1}
    assert city.pass_by(200) == {"evidence_days=300": 1}
    assert [city.lies(number) for number in (1, 2, 3)] == [True, False, False]
    assert city.pass_by(10_000) == {}


def test_a_picture_that_two_cases_share_stays_until_the_later_one_is_over(city: City) -> None:
    first = file(city, 1, **CLOSED)
    frame = a_frame(1)
    city.clock.advance(50 * DAY_S)
    with city.record.store.work(CELLS) as work:
        work.save_candidate(a_candidate("candidate-9", near=None, far=None, case_id="case-9"))
        work.save_case(a_case("case-9", "candidate-9", changed_at=city.clock.now(), **CLOSED))
        work.add_evidence(CaseId("case-9"), frame.id, frame.sha256, "near", (1.0, 2.0, 3.0, 4.0))
    assert city.pass_by(60) == {}
    assert city.record.store.evidence(first)
    assert city.lies(1)
    assert city.pass_by(40) == {"evidence_days=100": 1}


def test_a_case_that_is_opened_again_keeps_its_picture(city: City) -> None:
    case_id = file(city, 1, **CLOSED)
    city.clock.advance(100 * DAY_S)
    city.keeper.look()
    assert city.record.retention.marked() == 1
    with city.record.store.work(CELLS) as work:
        work.save_case(replace(city.record.store.case(case_id), state="filed", changed_at=city.clock.now()))
    city.clock.advance(3600)
    done = city.keeper.erase()
    assert (done.deleted, done.spared) == ({}, {"open_case": 1})
    assert city.lies(1)
    assert city.record.retention.marked() == 0


def test_nothing_that_waits_is_deleted(city: City) -> None:
    city.picture(1)
    city.record.queue.put(a_frame(1), a_picture(1))  # waits for analysis, and was evidence before
    asked = city.analysed(2)
    file(city, 3, **CLOSED)
    photo = replace(photo_facts()[0], sha256=city.picture(4))
    blind = replace(photo_facts()[0], sha256=city.picture(5))
    waiting = a_verification(4, photos=(photo,))
    with city.record.store.work(()) as work:
        work.add_review(a_review(frame_id=asked.id))
        work.add_event(an_event(subject="case-3"))
        request = replace(waiting.request, photos=(photo,))
        work.save_verification(replace(waiting, state=VerificationState.WAITING, verdict=None, request=request))
        work.save_verification(a_verification(5, photos=(blind,), decision=Closing.HUMAN))
    assert city.pass_by(5000) == {}
    assert all(city.lies(number) for number in range(1, 6))
    assert city.keeper.look(marks=False).kept == {"queued": 1, "question": 3, "event": 1}


def test_events_that_go_nowhere_keep_no_picture(city: City) -> None:
    file(city, 1, **CLOSED)
    with city.record.store.work(()) as work:
        work.add_event(an_event(subject="case-1"))
    assert city.pass_by(101) == {}
    city.keeper = replace(city.keeper, tells=False)
    assert city.pass_by() == {"evidence_days=100": 1}


def test_an_answered_review_keeps_its_picture_for_its_own_time(city: City) -> None:
    asked = city.analysed(1)
    with city.record.store.work(()) as work:
        work.add_review(a_review(frame_id=asked.id))
        work.add_answer(an_answer(at=city.clock.now()))
    assert city.pass_by(19.9) == {}
    assert city.pass_by(0.1) == {"reviews_days=20": 1}


def test_what_may_become_a_case_keeps_its_pictures(city: City) -> None:
    frame = city.analysed(1)
    seen = replace(a_report(a_frame(2)), analysed_at=city.clock.now())
    other = a_frame(2)
    city.picture(2)
    look = replace(a_snapshot(2), sha256=other.sha256)
    candidate = a_candidate("candidate-1", near=look, far=None, case_id=None, last_at=city.clock.now())
    with city.record.store.work(CELLS) as work:
        work.finish(other, seen)
        work.save_track(replace(a_track(), id=TrackId("track-1"), candidate_id=CandidateId("candidate-1")))
        work.save_candidate(candidate)
    assert city.pass_by(9.9) == {"frames_h=24": 1}
    assert (city.lies(1), city.lies(2)) == (False, True)
    assert frame.sha256 != other.sha256
    assert city.pass_by(0.1) == {"candidate_days=10": 1}


def test_photographs_of_a_verification_go_with_their_time_and_so_does_what_was_made_of_them(city: City) -> None:
    photo = replace(photo_facts()[0], sha256=city.picture(1))
    made = a_verification(1, photos=(photo,))
    done = replace(made, created_at=city.clock.now())
    assert done.verdict is not None
    verdict = replace(done.verdict, aligned=city.picture(2), overlay=city.picture(3))
    with city.record.store.work(()) as work:
        work.save_verification(replace(done, verdict=verdict))
    city.record.kept_looks.keep(photo.sha256, "v1", a_picture(4))
    assert city.pass_by(49.9) == {}
    assert city.pass_by(0.1) == {"verifications_days=50": 4}
    assert city.record.kept_looks.find(photo.sha256, "v1") is None


def test_what_nothing_names_goes_like_a_frame(city: City) -> None:
    city.picture(1)
    assert city.pass_by(0.9) == {}
    assert city.pass_by(0.2) == {"frames_h=24": 1}


def test_a_policy_without_rules_deletes_nothing(city: City) -> None:
    for number in range(3):
        city.analysed(number)
    city.keeper = replace(city.keeper, policy=Policy())
    assert not city.keeper.retention.deletes
    assert city.pass_by(10_000) == {}


def test_a_held_case_is_never_deleted_until_a_person_lifts_the_hold(city: City) -> None:
    case_id = file(city, 1, **CLOSED)
    holds = city.record.holds
    hold = holds.hold(Held(case_id=case_id), by="operator:judge", reason="dispute 12/2026")
    assert city.pass_by(5000) == {}
    assert city.lies(1)
    assert holds.holds(standing=True, case_id=case_id) == [hold]
    lifted = holds.lift(hold.id, by="operator:judge", reason="settled")
    assert (lifted.lifted.by, lifted.lifted.reason) == ("operator:judge", "settled")  # type: ignore[union-attr]
    assert holds.holds(standing=True) == []
    assert holds.holds(standing=False) == [lifted]
    with pytest.raises(Conflict, match="lifted before"):
        holds.lift(hold.id, by="operator:judge", reason="again")
    assert city.pass_by() == {"evidence_days=100": 1}
    actions = [(entry.note.action, entry.note.who, entry.note.object) for entry in city.record.audit.entries()]
    assert actions[:2] == [
        (AuditAction.HOLD_SET, "judge", f"case:{case_id}"),
        (AuditAction.HOLD_LIFTED, "judge", f"case:{case_id}"),
    ]


def test_a_hold_that_comes_after_the_mark_still_holds(city: City) -> None:
    case_id = file(city, 1, **CLOSED)
    city.clock.advance(100 * DAY_S)
    city.keeper.look()
    city.record.holds.hold(Held(case_id=case_id), by="operator:judge", reason="late")
    city.clock.advance(3600)
    assert city.keeper.erase().spared == {"held": 1}
    assert city.lies(1)


def test_frames_of_a_device_are_held_for_a_time(city: City) -> None:
    for number in (1, 5, 9):
        city.analysed(number)
    held = Held(device="car-1", since=at(4), until=at(6))
    city.record.holds.hold(held, by="operator:judge", reason="accident")
    assert city.pass_by(30) == {"frames_h=24": 2}
    assert [city.lies(number) for number in (1, 5, 9)] == [False, True, False]


def test_what_is_not_there_is_not_held(city: City) -> None:
    with pytest.raises(NotFound, match="no case"):
        city.record.holds.hold(Held(case_id=CaseId("nothing")), by="operator:judge", reason="x")
    with pytest.raises(NotFound, match="no hold"):
        city.record.holds.lift(HoldId("nothing"), by="operator:judge", reason="x")


def test_storing_a_picture_again_takes_its_mark_away(city: City) -> None:
    city.analysed(1)
    city.clock.advance(2 * DAY_S)
    city.keeper.look()
    assert city.record.retention.marked() == 1
    city.picture(1)
    assert city.record.retention.marked() == 0
    city.clock.advance(3600)
    assert city.keeper.erase().count == 0
    assert city.lies(1)


def test_a_deleted_picture_may_come_back_and_is_deleted_again(city: City) -> None:
    city.analysed(1)
    assert city.pass_by(2) == {"frames_h=24": 1}
    city.picture(1)
    assert city.lies(1)
    assert city.pass_by(2) == {"frames_h=24": 1}
    assert not city.lies(1)


def test_a_picture_that_is_stored_while_it_is_deleted_is_there_afterwards(city: City) -> None:
    """Many pictures are stored anew and deleted at the same time, by threads of their own: each ends as it must."""
    numbers = range(30)
    for number in numbers:
        city.analysed(number)
    city.clock.advance(2 * DAY_S)
    city.keeper.look()
    city.clock.advance(3600)
    stored = []

    def store() -> None:
        for number in reversed(numbers):
            stored.append(city.record.evidence.put(a_picture(number)))

    thread = threading.Thread(target=store)
    thread.start()
    while city.keeper.erase(most=3).count:
        pass
    thread.join()
    assert len(stored) == len(numbers)
    assert all(city.lies(number) for number in numbers)


def test_one_process_at_a_time_deletes(opened: Callable[[], Any]) -> None:
    with opened() as first:
        first.analysed(1)
        first.clock.advance(2 * DAY_S)
        assert first.record.retention_turns.take()
        with opened() as second:
            thread = RetentionThread(second.keeper, second.record.retention_turns, 0.001)
            for _ in range(2 * PARTS):
                thread.tick()
            assert second.record.retention.marked() == 0


def test_the_thread_looks_through_all_parts_and_counts_what_it_deleted(city: City) -> None:
    for number in range(20):
        city.analysed(number)
    city.clock.advance(2 * DAY_S)
    thread = RetentionThread(replace(city.keeper, grace=timedelta(0)), city.record.retention_turns, 10.0)
    for _ in range(PARTS):
        thread.tick()
    assert +thread.deleted == {"frames_h": 20}


def seen(city: City, number: int) -> Frame:
    """A frame is done with one detection of a case and one of none, a view of the ground and a thumbnail."""
    frame = a_frame(number)
    with city.record.store.work(()) as work:
        work.finish(frame, a_report(frame, analysed_at=city.clock.now()))
    return frame


def thinned(city: City, days: float, **rules: float) -> tuple[int, int, int]:
    """Time goes by, and details go: of how many frames, how many detections, of how many frames they stay."""
    policy = replace(POLICY, retention=replace(RULES, **{"details_days": 40.0, **rules}))
    city.clock.advance(days * DAY_S)
    done = replace(city.keeper, policy=policy).thin()
    return done.frames, done.detections, done.kept


def test_the_details_of_a_frame_go_after_their_days_and_what_belongs_to_a_case_stays(city: City) -> None:
    frame = seen(city, 1)
    before = city.record.store.report(frame.id)
    assert before is not None
    assert thinned(city, 39.9) == (0, 0, 0)
    assert city.record.store.report(frame.id) == before
    assert thinned(city, 0.1) == (1, 1, 0)
    after = city.record.store.report(frame.id)
    assert after is not None
    assert after == replace(
        before,
        detections=before.detections[:1],
        ground_view=(),
        quality=replace(before.quality, thumbnail=b"") if before.quality else None,
        details_deleted_at=city.clock.now(),
    )
    assert thinned(city, 100) == (0, 0, 0)


def test_without_a_rule_of_their_own_details_stay(city: City) -> None:
    frame = seen(city, 1)
    city.clock.advance(10_000 * DAY_S)
    assert city.keeper.thin().looked_at == 0
    report = city.record.store.report(frame.id)
    assert report is not None
    assert len(report.detections) == 2


def test_what_keeps_a_frames_picture_keeps_its_details_and_they_are_asked_about_again(city: City) -> None:
    asked, held, of_case, free = (seen(city, number) for number in (1, 2, 3, 4))
    with city.record.store.work(CELLS) as work:
        work.add_review(a_review(frame_id=asked.id))
        work.save_candidate(a_candidate("candidate-3", near=None, far=None, case_id="case-3"))
        work.save_case(a_case("case-3", "candidate-3", changed_at=city.clock.now(), **CLOSED))
        work.add_evidence(CaseId("case-3"), of_case.id, of_case.sha256, "near", (1.0, 2.0, 3.0, 4.0))
    whole = Held(device=held.device, since=held.taken_at, until=held.taken_at + timedelta(seconds=0.5))
    hold = city.record.holds.hold(whole, by="person:li", reason="a lawsuit")
    covered = [one for one in (asked, held, of_case, free) if whole.covers(one.device, one.taken_at)]
    assert covered == [held]
    assert thinned(city, 40) == (1, 1, 3)
    assert thinned(city, 39) == (0, 0, 0)
    city.record.holds.lift(hold.id, by="person:li", reason="it is over")
    assert thinned(city, 1) == (1, 1, 2)
    assert thinned(city, 40) == (1, 1, 1), "evidence of a case that was closed 100 days ago; nobody answers the review"
    kept = city.record.store.report(asked.id)
    assert kept is not None
    assert len(kept.detections) == 2


def test_frames_that_never_had_details_are_not_asked_about(city: City) -> None:
    frame = a_frame(1)
    with city.record.store.work(()) as work:
        work.finish(frame, a_dropped_report(frame))
    assert thinned(city, 1000) == (0, 0, 0)


def test_more_frames_than_fit_one_transaction_are_thinned_and_no_more_than_were_asked_for(city: City) -> None:
    with city.record.store.work(()) as work:
        for number in range(1_100):
            frame = a_frame(number)
            work.finish(frame, a_report(frame, analysed_at=city.clock.now()))
    city.clock.advance(50 * DAY_S)
    keeper = replace(city.keeper, policy=replace(POLICY, retention=replace(RULES, details_days=40.0)))
    thread = RetentionThread(keeper, city.record.retention_turns, 10.0)
    assert keeper.thin(most=1).frames == 500, "one transaction"
    thread.tick()
    assert thread.thinned == {"frames": 600, "detections": 600}


_KILLED = """
import os, signal, sys
from datetime import datetime, timedelta
from pathlib import Path
from inference_server.adapters.opening import open_adapters, OpeningOptions
from inference_server.domain.policy import Policy
from inference_server.domain.retention import RetentionRules
from inference_server.retention import Keeper
sys.path.insert(0, sys.argv[5])
from support.clocks import SetClock

clock = SetClock(datetime.fromisoformat(sys.argv[3]))
record = open_adapters(sys.argv[1] or None, Path(sys.argv[2]), OpeningOptions(clock=clock))

class Dying:
    left = int(sys.argv[4])
    has = record.shelf.has
    def remove(self, sha256):
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        record.shelf.remove(sha256)

policy = Policy(retention=RetentionRules(frames_h=24), hash="abc")
keeper = Keeper(shelf=Dying(), record=record.retention, policy=policy, clock=clock, grace=timedelta(0))
keeper.erase()
"""


@pytest.mark.parametrize("kind", [SQLITE_FILE, POSTGRESQL])
def test_a_kill_in_the_middle_loses_nothing_that_stays_and_forgets_no_deletion(
    kind: str, make_place: Callable[[str], Place]
) -> None:
    place, clock = make_place(kind), SetClock(datetime.now(UTC))
    numbers = range(12)
    with place.opened(OpeningOptions(clock=clock)) as record:
        city = City(record, clock, Keeper(shelf=record.shelf, record=record.retention, policy=POLICY, clock=clock))
        for number in numbers:
            city.analysed(number)
        file(city, 50)
        clock.advance(2 * DAY_S)
        city.keeper.look()
        clock.advance(3600)
    support = Path(__file__).parents[1]
    for survived in (3, 5):
        arguments = [place.url or "", str(place.folder), clock.moment.isoformat(), str(survived), str(support)]
        died = subprocess.run([sys.executable, "-c", _KILLED, *arguments], check=False, capture_output=True, text=True)
        assert died.returncode == -signal.SIGKILL, died.stderr
    with place.opened(OpeningOptions(clock=clock)) as record:
        city = City(record, clock, Keeper(shelf=record.shelf, record=record.retention, policy=POLICY, clock=clock))
        assert sum(city.lies(number) for number in numbers) == len(numbers) - 5
        lost = [number for number in numbers if not city.lies(number)]
        # A hold comes too late for what the killed run has deleted: that is written down, the rest is spared.
        held = Held(device="car-1", since=at(-10), until=at(100))
        record.holds.hold(held, by="operator:judge", reason="late")
        done = city.keeper.erase()
        assert (done.deleted, done.spared) == ({"frames_h=24": 5}, {"held": 7})
        assert set(record.retention.deletions(sha256_of(a_picture(n)) for n in numbers)) == {
            sha256_of(a_picture(number)) for number in lost
        }
        notes = [entry.note for entry in record.audit.entries()]
        told = [note.details for note in notes if note.action is AuditAction.PICTURES_DELETED]
        assert [about["count"] for about in told] == [5]
        assert city.lies(50)
        assert city.keeper.erase().count == 0


def test_dropped_frames_leave_no_picture(city: City) -> None:
    city.record.queue.put(a_frame(1), a_picture(1))
    claimed = city.record.queue.claim()
    assert claimed is not None
    with city.record.store.work(()) as work:
        work.finish(claimed.frame, a_dropped_report(claimed.frame))
    city.record.queue.release(claimed)
    assert city.record.spool.read(claimed.frame.id) is None
    assert city.record.spool.ages_s() == {}
    assert not city.lies(1)
