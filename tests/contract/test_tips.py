"""Tips on every database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.builders import NOON, PLACE, a_case
from support.clocks import SetClock
from support.records import CELLS, file_cases
from support.street import a_filing, shipped_policy

from inference_server.adapters.opening import Adapters
from inference_server.domain.audit import AuditAction
from inference_server.domain.case import CaseId
from inference_server.domain.errors import Conflict, NotFound
from inference_server.domain.hold import Held
from inference_server.domain.reach import Reach
from inference_server.domain.tip import Tip, TipId, Words
from inference_server.ports import CaseFilter
from inference_server.retention import Keeper
from inference_server.tipping import Caller, Tipping

WORDS = Words(class_name="garbage", position=PLACE, sigma_m=10.0, address="桥头", description="三袋\n旧衣服")


def a_tip(name: str = "tip-1", **changes: Any) -> Tip:
    words = changes.pop("words", WORDS)
    tip = Tip(id=TipId(name), caller="token-1", key=None, received_at=NOON, words=words, fingerprint=words.fingerprint)
    return replace(tip, **changes)


def save(record: Adapters, *tips: Tip) -> None:
    with record.store.work(CELLS) as work:
        for tip in tips:
            work.save_tip(tip)


def test_a_tip_comes_back_as_it_was_last_saved(record: Adapters) -> None:
    file_cases(record.store, "1")
    save(record, a_tip(key="7"), a_tip("tip-2", words=replace(WORDS, position=None, media_url="https://a.example/1")))
    assert record.tips.tip(TipId("tip-1")) == a_tip(key="7")
    assert record.tips.tip(TipId("tip-2")).words.position is None
    belongs = a_tip(key="7", case_id=CaseId("case-1"))
    save(record, belongs)
    assert record.tips.tip(belongs.id) == belongs
    with pytest.raises(NotFound):
        record.tips.tip(TipId("nobody"))


def test_tips_of_a_case_come_in_their_order_and_the_others_wait(record: Adapters) -> None:
    file_cases(record.store, "1", "2")
    late = NOON + timedelta(minutes=1)
    tips = [a_tip(case_id=CaseId("case-1"), received_at=late), a_tip("tip-2", case_id=CaseId("case-1"))]
    save(record, *tips, a_tip("tip-3", received_at=late), a_tip("tip-4"))
    assert [tip.id for tip in record.tips.of_case(CaseId("case-1"))] == ["tip-2", "tip-1"]
    assert [tip.id for tip in record.tips.unplaced(1)] == ["tip-4"]
    with record.store.work(CELLS) as work:
        work.move_tips(CaseId("case-1"), CaseId("case-2"))
    assert [len(record.tips.of_case(CaseId(name))) for name in ("case-1", "case-2")] == [0, 2]


def test_a_key_of_a_caller_is_there_once(record: Adapters) -> None:
    save(record, a_tip(key="7"), a_tip("tip-2"), a_tip("tip-3"), a_tip("tip-4", key="7", caller="token-2"))
    with pytest.raises(Conflict):
        save(record, a_tip("tip-5", key="7"))
    with pytest.raises(NotFound):
        record.tips.tip(TipId("tip-5"))


def test_a_like_tip_is_found_by_its_key_or_by_its_words_since_a_moment(record: Adapters) -> None:
    save(record, a_tip(key="7"), a_tip("tip-2"))
    with record.store.work(CELLS) as work:
        assert work.tip(TipId("tip-2")) == a_tip("tip-2")
        assert work.tip(TipId("tip-9")) is None
        since = NOON - timedelta(hours=1)
        found = [
            work.like_tip(a_tip("new", key="7"), NOON + timedelta(days=9)),
            work.like_tip(a_tip("new"), since),
            work.like_tip(a_tip("new"), NOON + timedelta(seconds=1)),
            work.like_tip(a_tip("new", caller="token-2"), since),
            work.like_tip(a_tip("new", fingerprint="other"), since),
        ]
    assert [None if tip is None else tip.id for tip in found] == ["tip-1", "tip-2", None, None, None]


@pytest.mark.parametrize("key", [None, "7"])
@pytest.mark.parametrize("placed", [True, False])
def test_of_many_sent_at_once_one_is_kept(record: Adapters, key: str | None, placed: bool) -> None:
    tipping = Tipping(store=record.store, tips=record.tips, filing=a_filing(shipped_policy(), []), clock=SetClock())
    words = WORDS if placed else replace(WORDS, position=None)
    caller = Caller("token-1", "the app", Reach(), key)
    with ThreadPoolExecutor(6) as pool:
        got = {tip.id for tip in pool.map(lambda _: tipping.take(words, caller), range(6))}
    assert len(got) == 1
    assert len(record.store.list_cases(CaseFilter()).cases) == int(placed)


def test_words_go_some_time_after_their_case_was_closed_unless_it_is_held(
    timed_record: Adapters, clock: SetClock
) -> None:
    record = timed_record
    file_cases(record.store, "1", "2", "3")
    with record.store.work(CELLS) as work:
        for name in ("1", "2"):
            closed = a_case(f"case-{name}", f"candidate-{name}", state="closed", changed_at=clock.now())
            work.save_case(closed)
    cases = {name: CaseId(f"case-{name}") for name in ("1", "2", "3")}
    save(record, *(a_tip(f"tip-{name}", case_id=case) for name, case in cases.items()), a_tip("tip-4", key="k"))
    hold = record.holds.hold(Held(case_id=cases["2"]), by="operator:wang", reason="disputed")
    policy = replace(shipped_policy(), tips=replace(shipped_policy().tips, words_days=30.0))
    keeper = Keeper(shelf=record.shelf, record=record.retention, policy=policy, clock=clock, words=record.tips)
    assert keeper.forget() == 0
    clock.advance(31 * 86_400.0)
    assert keeper.forget() == 2
    wordless = replace(WORDS, address=None, description=None)
    assert record.tips.tip(TipId("tip-1")) == a_tip(case_id=cases["1"], words=wordless, fingerprint=WORDS.fingerprint)
    assert record.tips.tip(TipId("tip-4")).words == wordless
    assert [record.tips.tip(TipId(f"tip-{name}")).words for name in ("2", "3")] == [WORDS, WORDS]
    assert record.tips.unplaced(10) == []
    record.holds.lift(hold.id, by="operator:wang", reason="settled")
    assert (keeper.forget(), keeper.forget()) == (1, 0)
    notes = [one.note for one in record.audit.entries() if one.note.action is AuditAction.TIPS_FORGOTTEN]
    assert [note.details["tips"] for note in notes] == [["tip-1", "tip-4"], ["tip-2"]]
    assert not replace(keeper, policy=replace(policy, tips=replace(policy.tips, words_days=float("inf")))).forgets
