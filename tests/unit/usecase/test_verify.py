"""What a verification does to a case of the record: real gates, real SQLite, photographs of a drawn place."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.reported import (
    Reported,
    a_verification,
    before,
    cleared,
    question,
    remaining,
    report_fixed,
    write_blind_model,
)

from inference_server.adapters.opening import Adapters, OpeningOptions, open_adapters
from inference_server.answering import Answering
from inference_server.domain.case_states import CLOSED, DISPATCHED, FILED, REPORTED_FIXED
from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.errors import Conflict
from inference_server.domain.verdict import PhotoFacts, Side
from inference_server.domain.verification import Closing, ReasonCode
from inference_server.domain.verification_record import HumanAnswer, HumanSays, Switch, VerificationState
from inference_server.reproduce import Reproduction
from inference_server.scene.same_scene import compare

RULES = ClosingRules(codes=("06010",), spot_share=0.0)
WANG = "operator:wang"


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a model that finds nothing."""
    return write_blind_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Adapters]:
    """An empty record."""
    opened = open_adapters(None, tmp_path, OpeningOptions(fast_unsafe=True))
    yield opened
    opened.close()


@pytest.fixture
def reported(record: Adapters) -> Reported:
    """A case that is said to be fixed."""
    return report_fixed(record)


def said(what: HumanSays, *, is_blind: bool = True) -> HumanAnswer:
    return HumanAnswer(says=what, by=WANG, at=datetime.now(UTC), is_blind=is_blind)


def test_a_cleared_heap_closes_its_case_with_history_and_event(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, RULES)
    done = verification.verify(question(reported, cleared()))
    assert done.verdict is not None
    assert (done.verdict.decision, done.verdict.has_acted, reported.state) == (Closing.CLOSE, True, CLOSED)
    line = reported.record.store.history(reported.case.id)[-1]
    assert (line.from_state, line.to_state, line.by) == (REPORTED_FIXED, CLOSED, "system:verification")
    (event,) = reported.events()
    assert event.type == "xuncheng.case.closed.v1"
    assert event.data["verification"] == done.id
    assert event.data["evidence_hash"] == done.verdict.evidence_hash
    assert reported.record.verifications.verification(done.id) == done


def test_a_heap_that_is_still_there_sends_the_case_back_with_its_reasons(reported: Reported, card: Path) -> None:
    a_verification(reported.record, card, RULES).verify(question(reported, remaining()))
    assert reported.state == DISPATCHED
    reason = reported.record.store.history(reported.case.id)[-1].reason
    assert reason is not None
    assert "PROBLEM_REMAINS" in reason


def test_what_a_person_must_decide_stays_until_he_does(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, ClosingRules())
    done = verification.verify(question(reported, cleared()))
    assert (reported.state, done.awaits_person) == (REPORTED_FIXED, True)
    assert reported.record.verifications.count_awaiting() == 1
    answered = verification.answer(done.id, said(HumanSays.FIXED), WANG)
    assert (reported.state, answered.awaits_person) == (CLOSED, False)
    assert reported.record.store.history(reported.case.id)[-1].by == WANG


def test_an_answer_is_taken_back_and_the_case_with_it(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, ClosingRules())
    done = verification.verify(question(reported, cleared()))
    for says, state in ((HumanSays.FIXED, CLOSED), (HumanSays.NOT_FIXED, DISPATCHED)):
        verification.answer(done.id, said(says), WANG)
        assert reported.state == state
        back = verification.answer(done.id, None, WANG)
        assert (reported.state, back.answer, back.awaits_person) == (REPORTED_FIXED, None, True)
    with pytest.raises(Conflict, match="no answer to take back"):
        verification.answer(done.id, None, WANG)
    noted = [(str(entry.note.action), entry.note.who) for entry in reported.record.audit.entries()]
    name = WANG.partition(":")[2]
    once = [("case.moved", name), ("verification.answered", name), ("case.moved", name), ("verification.undone", name)]
    assert noted == once * 2


def test_a_second_person_does_not_overrule_the_first(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, ClosingRules())
    done = verification.verify(question(reported, cleared()))
    first = verification.answer(done.id, said(HumanSays.FIXED), WANG)
    assert verification.answer(done.id, said(HumanSays.FIXED), WANG) == first
    with pytest.raises(Conflict, match="somebody has answered"):
        verification.answer(done.id, said(HumanSays.NOT_FIXED), WANG)


def test_a_case_that_is_not_reported_fixed_is_a_conflict(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, RULES)
    verification.verify(question(reported, cleared()))
    with pytest.raises(Conflict, match="is closed"):
        verification.verify(question(reported, cleared(0, 10), "key-2"))


def test_a_case_that_moves_on_while_we_look_is_a_conflict_and_nothing_is_stored(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, RULES)

    def looking_takes_long() -> object:
        with reported.record.store.work(()) as work:
            work.save_case(replace(reported.case, state=DISPATCHED, changed_at=datetime.now(UTC)))
        return verification.judge_now()

    slow = replace(verification, judge_now=_after_asking(verification, looking_takes_long))
    asked = question(reported, cleared())
    with pytest.raises(Conflict, match="moved on"):
        slow.verify(asked)
    assert reported.record.verifications.known(asked) is None
    assert reported.state == DISPATCHED


def _after_asking(verification, change):  # type: ignore[no-untyped-def]
    """A judge whose first photograph takes so long that the case moves on meanwhile."""
    judge = verification.judge_now()

    class Slow:
        def detect(self, data: bytes, min_score: float = 0.05):  # type: ignore[no-untyped-def]
            if not moved:
                moved.append(True)
                change()
            return judge.detector.detect(data, min_score)

    moved: list[bool] = []
    return lambda: replace(judge, detector=Slow()) if not moved else judge


def test_a_blind_check_that_finds_the_heap_reopens_the_case_and_switches_closing_off(
    reported: Reported, card: Path
) -> None:
    verification = a_verification(reported.record, card, replace(RULES, spot_share=1.0))
    done = verification.verify(question(reported, cleared()))
    assert done.verdict is not None
    assert (reported.state, done.verdict.is_spot_check, done.awaits_person) == (CLOSED, True, True)
    verification.answer(done.id, said(HumanSays.NOT_FIXED), WANG)
    after = reported.record.store.case(reported.case.id)
    assert (after.state, after.reopened, after.deadline_at is None) == (FILED, 1, False)
    other = report_fixed(reported.record, 1)
    stopped = verification.verify(question(other, cleared(1), "key-2")).verdict
    assert stopped is not None
    assert (stopped.proposed, stopped.decision) == (Closing.CLOSE, Closing.HUMAN)
    why = next(reason for reason in stopped.reasons if reason.code is ReasonCode.CLOSING_SWITCHED_OFF)
    assert (why.measures["wrong"], why.measures["checked"]) == (1.0, 1.0)


def test_a_thrown_switch_holds_at_once(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, RULES)
    off = Switch(scope="06010@330106", is_off=True, why="complaints", by=WANG, at=datetime.now(UTC))
    reported.record.verifications.throw(off)
    done = verification.verify(question(reported, cleared())).verdict
    assert done is not None
    assert done.decision is Closing.HUMAN
    reported.record.verifications.throw(replace(off, is_off=False))
    assert verification.verify(question(reported, cleared(), "key-2")).verdict.decision is Closing.CLOSE  # type: ignore[union-attr]


def test_a_safety_case_waits_for_a_person_even_when_the_cover_is_back(record: Adapters, card: Path) -> None:
    reported = report_fixed(record, 2, class_name="open_manhole", kind="matter")
    done = a_verification(record, card, RULES).verify(question(reported, cleared(2))).verdict
    assert done is not None
    assert done.decision is Closing.HUMAN
    assert ReasonCode.HIGH_RISK_CLASS in [reason.code for reason in done.reasons]


def test_a_verdict_is_made_again_from_its_record(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, RULES)
    done = verification.verify(question(reported, cleared()))
    assert Reproduction(verification).reproduce(done.id).differences == {}
    assert done.verdict is not None
    forged = replace(done, verdict=replace(done.verdict, probability=0.1))
    with reported.record.store.work(()) as work:
        work.save_verification(forged)
    assert set(Reproduction(verification).reproduce(done.id).differences) == {"evidence_hash", "probability"}


def test_a_question_with_a_callback_is_answered_later_and_told(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, RULES)
    asked = question(reported, cleared(), callback_url="https://example.org/answers")
    waiting = verification.accept(asked)
    assert waiting.state is VerificationState.WAITING
    assert verification.accept(asked) == waiting
    answering = Answering(verification, reported.record.verifications, reported.record.turns)
    assert answering.answer_waiting() == 1
    assert answering.answer_waiting() == 0
    done = reported.record.verifications.verification(waiting.id)
    assert (done.state, reported.state) == (VerificationState.DONE, CLOSED)
    told = next(event for event in reported.events() if event.target is not None)
    assert (told.target, told.data["decision"]) == ("https://example.org/answers", "close")


def test_a_waiting_question_whose_case_moves_on_ends_with_its_fault(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, RULES)
    waiting = verification.accept(question(reported, cleared(), callback_url="https://example.org/answers"))
    with reported.record.store.work(()) as work:
        work.save_case(replace(reported.case, state=CLOSED, changed_at=datetime.now(UTC)))
    Answering(verification, reported.record.verifications, reported.record.turns).answer_waiting()
    failed = reported.record.verifications.verification(waiting.id)
    assert failed.state is VerificationState.FAILED
    assert failed.fault is not None
    assert failed.fault.startswith("conflict")
    (told,) = reported.events()
    assert told.data["state"] == "failed"


def test_photographs_of_a_sighting_are_looked_at_too(reported: Reported, card: Path) -> None:
    done = a_verification(reported.record, card, RULES).verify(question(reported, before()))
    assert done.verdict is not None
    assert [photo.source != "upload" for photo in done.verdict.photos] == [True, False]


def test_photographs_of_open_cases_are_described_ahead_and_once(reported: Reported, card: Path) -> None:
    verification = a_verification(reported.record, card, RULES)
    assert verification.describe_next()
    assert not verification.describe_next()
    version = verification.judge_now().look_version
    assert reported.record.kept_looks.find(reported.case_photo, version)


def test_what_was_described_ahead_is_used_and_the_verdict_is_the_same(record: Adapters, card: Path) -> None:
    verification = a_verification(record, card, RULES)
    fresh = verification.verify(question(report_fixed(record, 3), cleared(3), key="fresh"))
    ahead = report_fixed(record, 4)
    kept = record.kept_looks
    version = verification.judge_now().look_version
    kept.keep(ahead.case_photo, version, verification.judge_now().describe(before(3)))  # of another place
    misled = verification.verify(question(ahead, cleared(4), key="misled"))
    assert fresh.verdict is not None
    assert misled.verdict is not None
    assert fresh.verdict.decision is Closing.CLOSE
    assert misled.verdict.decision is Closing.HUMAN
    assert Reproduction(verification).reproduce(fresh.id).is_same


def test_a_stored_look_gives_the_very_numbers_of_a_fresh_one(card: Path, record: Adapters) -> None:
    judge = a_verification(record, card, RULES).judge_now()
    facts = PhotoFacts(sha256="0" * 64, side=Side.BEFORE)
    fresh, stored = judge.open(facts, before()), judge.open(facts, before(), judge.describe(before()))
    after = judge.open(replace(facts, side=Side.AFTER), cleared())
    assert compare(fresh.look, after.look).result == compare(stored.look, after.look).result
