"""Verifications in the record: every value comes back, keys are kept by the database, checks are counted."""

from dataclasses import replace

import pytest
from support.builders import at
from support.records import CELLS, file_cases
from support.verdicts import record as a_record
from support.verdicts import request, verdict, waiting

from inference_server.adapters.opening import Adapters
from inference_server.domain.case import CaseId
from inference_server.domain.errors import Conflict, NotFound
from inference_server.domain.verdict import VerificationId
from inference_server.domain.verification import Closing
from inference_server.domain.verification_record import (
    HumanSays,
    Switch,
    VerificationFilter,
    VerificationRecord,
    VerificationState,
)


def save(record: Adapters, *verifications: VerificationRecord) -> None:
    with record.store.work(()) as work:
        for one in verifications:
            work.save_verification(one)


def test_a_verification_comes_back_with_every_value(record: Adapters) -> None:
    kept = a_record(says=HumanSays.FIXED)
    save(record, kept)
    assert record.verifications.verification(kept.id) == kept


def test_a_verification_that_nobody_made_is_not_found(record: Adapters) -> None:
    with pytest.raises(NotFound, match="no verification x"):
        record.verifications.verification(VerificationId("x"))


def test_the_same_key_and_body_give_what_is_stored(record: Adapters) -> None:
    assert record.verifications.known(request("key-1")) is None
    first = record.verifications.accept(waiting(1))
    again = replace(waiting(1), id=VerificationId("another"))
    assert record.verifications.accept(again) == first
    assert record.verifications.known(first.request) == first


def test_the_same_key_with_another_body_is_a_conflict(record: Adapters) -> None:
    save(record, a_record(1))
    with pytest.raises(Conflict, match="another question"):
        record.verifications.known(request("key-1", body_sha256="other"))


def test_another_caller_has_keys_of_his_own(record: Adapters) -> None:
    save(record, a_record(1))
    assert record.verifications.known(request("key-1", caller="somebody else", body_sha256="other")) is None


def test_a_second_answer_under_one_key_is_a_conflict_and_leaves_nothing_behind(record: Adapters) -> None:
    save(record, a_record(1))
    twin = replace(a_record(1), id=VerificationId("twin"))
    with pytest.raises(Conflict) as refused, record.store.work(()) as work:
        work.save_verification(twin)
    assert refused.value.field == "key"
    with pytest.raises(NotFound):
        record.verifications.verification(twin.id)


def test_the_question_of_a_verification_never_changes(record: Adapters) -> None:
    record.verifications.accept(waiting(1))
    done = replace(waiting(1), state=VerificationState.DONE, verdict=verdict(1))
    save(record, done)
    assert record.verifications.verification(done.id) == done
    assert record.verifications.known(done.request) == done


def test_the_queue_has_what_waits_for_a_person_and_blind_checks(record: Adapters) -> None:
    closed, checked = a_record(1), a_record(2, is_spot_check=True)
    human, answered = a_record(3, decision=Closing.HUMAN), a_record(4, decision=Closing.HUMAN, says=HumanSays.FIXED)
    save(record, closed, checked, human, answered)
    queue = record.verifications.find(VerificationFilter(awaits_person=True))
    assert [one.id for one in queue] == [checked.id, human.id]
    assert record.verifications.count_awaiting() == 2
    rest = record.verifications.find(VerificationFilter(awaits_person=True, after=checked.id))
    assert [one.id for one in rest] == [human.id]


def test_verifications_of_a_case_and_waiting_ones_are_found(record: Adapters) -> None:
    file_cases(record.store, "1")
    of_case = a_record(1, case_id=CaseId("case-1"))
    save(record, of_case, a_record(2))
    record.verifications.accept(waiting(3))
    found = record.verifications.find(VerificationFilter(case_id=CaseId("case-1")))
    assert [one.id for one in found] == [of_case.id]
    found = record.verifications.find(VerificationFilter(states=(VerificationState.WAITING,)))
    assert [one.id for one in found] == [VerificationId("verification-3")]
    assert [one.id for one in record.verifications.all()] == [of_case.id, VerificationId("verification-2")]


def test_checks_count_what_people_said_of_proposed_closings_by_code_and_district(record: Adapters) -> None:
    fixed, wrong = HumanSays.FIXED, HumanSays.NOT_FIXED
    elsewhere = replace(verdict().case, district="330102")
    save(
        record,
        a_record(1, says=fixed),
        a_record(2, says=wrong, case=elsewhere),
        a_record(3, says=wrong, proposed=Closing.HUMAN, decision=Closing.HUMAN),
        a_record(4),
    )
    everywhere, here = record.verifications.checks("06010", "330106", 1000)
    assert (everywhere.checks.answered, everywhere.checks.wrong) == (2, 1)
    assert (here.checks.answered, here.checks.wrong) == (1, 0)
    (latest,) = record.verifications.checks("06010", None, 1)
    assert (latest.checks.answered, latest.checks.wrong) == (1, 1)


def test_the_latest_line_of_a_switch_holds(record: Adapters) -> None:
    off = Switch(scope="06010@330106", is_off=True, why="complaints", by="operator:wang", at=at(0))
    on = replace(off, is_off=False, why="looked into", at=at(10))
    all_off = replace(off, scope="*", at=at(20))
    for line in (off, on, all_off):
        record.verifications.throw(line)
    assert record.verifications.switches() == [all_off, on]


def test_a_verification_and_the_move_of_its_case_are_stored_together_or_not_at_all(record: Adapters) -> None:
    kept = a_record(1)
    another = replace(kept, id=VerificationId("another"))
    with pytest.raises(Conflict), record.store.work(CELLS) as work:  # noqa: PT012 - the second one fails
        work.save_verification(kept)
        work.save_verification(another)
    assert record.verifications.known(kept.request) is None
