"""Deletes stored pictures whose time is over. The shelf is looked through part by part, and each picture is asked who
still needs it: so nothing that lies there is ever forgotten, and nothing goes that any rule keeps. The details of a
frame (what was seen in it that belongs to no case) go likewise, by a rule of their own.

A picture is first marked, then left alone for some minutes, then asked again and deleted: what was being stored or
referred to at the moment of marking is in the record by then. Storing a marked picture again takes its mark away.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from inference_server.domain.policy import Policy
from inference_server.domain.retention import Expired, Kept, Need, Retention, RetentionRules
from inference_server.ports import Clock
from inference_server.retention_ports import (
    PARTS,
    Erased,
    Mark,
    PersonsWords,
    PictureShelf,
    RetentionRecord,
    Stored,
    Thinned,
)
from inference_server.ticking import Ticking
from inference_server.verification_ports import Turns

GRACE: Final = timedelta(minutes=10)  # longer than anything takes from storing a picture to naming it in the record
_ASKED_AT_ONCE: Final = 200
_ERASED_AT_ONCE: Final = 50
_THINNED_AT_ONCE: Final = 500
_THINNED_A_TICK: Final = 8 * _THINNED_AT_ONCE  # every ten seconds as shipped: 400 frames a second

_log = structlog.get_logger("retention")


@dataclass(slots=True)
class Looked:
    """What a look through the shelf found: pictures kept, by reason, and those whose time is over, by rule."""

    kept: Counter[str] = field(default_factory=Counter)
    due: Counter[str] = field(default_factory=Counter)
    due_bytes: int = 0
    newly_marked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """The use case behind the thread and the command."""

    shelf: PictureShelf
    record: RetentionRecord
    policy: Policy
    clock: Clock
    tells: bool = True
    grace: timedelta = GRACE
    words: PersonsWords | None = None

    @property
    def forgets(self) -> bool:
        """Whether what people wrote ever goes."""
        return self.words is not None and math.isfinite(self.policy.tips.words_days)

    def forget(self, most: int = 1000) -> int:
        """Of how many tips the words went, because their time is over."""
        if self.words is None or not self.forgets:
            return 0
        return self.words.forget(self.clock.now() - timedelta(days=self.policy.tips.words_days), most)

    def look(self, parts: Sequence[int] = range(PARTS), *, marks: bool = True) -> Looked:
        """Ask of each picture who needs it; those that nobody needs are marked, unless `marks` is False."""
        found = Looked()
        for part in parts:
            if marks:
                self.shelf.remove_leftovers(part)
            stored = self.shelf.listed(part)
            for first in range(0, len(stored), _ASKED_AT_ONCE):
                self._look(stored[first : first + _ASKED_AT_ONCE], found, marks=marks)
        return found

    def erase(self, most: int | None = None) -> Erased:
        """Delete what was marked long enough ago and is still not needed, in small transactions; at most so many."""
        total, before = Erased(), self.clock.now() - self.grace
        while most is None or total.count < most:
            once = _ERASED_AT_ONCE if most is None else min(_ERASED_AT_ONCE, most - total.count)
            judge = partial(_judge, self.retention, self.clock.now())
            done = self.record.erase(before, once, judge, self.shelf)
            total.add(done)
            if done.count < once:
                break
        return total

    def thin(self, most: int | None = None) -> Thinned:
        """Delete the details of frames whose time is over, in small transactions; asks about so many frames at most."""
        total, days, rules = Thinned(), self.policy.retention.details_days, self.retention.of_details
        if rules is None or days is None:
            return total
        now = self.clock.now()
        while most is None or total.looked_at < most:
            done = self.record.thin(now - timedelta(days=days), _THINNED_AT_ONCE, partial(_judge, rules, now))
            total.add(done)
            if done.looked_at < _THINNED_AT_ONCE:
                break
        return total

    @property
    def retention(self) -> Retention:
        """The rules of the policy."""
        own = {name: one.evidence_days for name, one in self.policy.classes.items() if one.evidence_days is not None}
        return Retention(rules=self.policy.retention, evidence_days=own, tells=self.tells)

    def _look(self, stored: Sequence[Stored], found: Looked, *, marks: bool) -> None:
        now, retention = self.clock.now(), self.retention
        needs = self.record.needs([one.sha256 for one in stored])
        due = []
        for one in stored:
            became = retention.judge(needs.get(one.sha256, ()), now, one.stored_at)
            if isinstance(became, Kept):
                found.kept[became.why.value] += 1
                continue
            found.due[became.rule] += 1
            found.due_bytes += one.size_bytes
            due.append(
                Mark(
                    sha256=one.sha256,
                    rule=became.rule,
                    policy_hash=self.policy.hash,
                    size_bytes=one.size_bytes,
                    stored_at=one.stored_at,
                    marked_at=now,
                )
            )
        if marks and due:
            found.newly_marked += self.record.mark(due)


def _judge(retention: Retention, now: datetime, needs: Sequence[Need], stored_at: datetime) -> Kept | Expired:
    return retention.judge(needs, now, stored_at)


class RetentionThread(Ticking):
    """Looks through one part of the shelf every so often and deletes what is due; one process at a time does it."""

    def __init__(self, keeper: Keeper, turns: Turns, every_s: float, most: int = 4 * _ERASED_AT_ONCE) -> None:
        super().__init__("retention", every_s, self.tick)
        self._keeper, self._turns, self._most = keeper, turns, most
        self._part = int(keeper.clock.now().timestamp() / every_s) % PARTS  # not always the first after a start
        self.deleted = Counter({one.name: 0 for one in fields(RetentionRules) if one.name != "details_days"})
        self.thinned = Counter({"frames": 0, "detections": 0})

    def tick(self) -> None:
        """One part, if it is our turn; what goes wrong is logged."""
        try:
            if not self._turns.take():
                return
            self._part = (self._part + 1) % PARTS
            looked = self._keeper.look([self._part])
            done = self._keeper.erase(self._most)
            forgotten = self._keeper.forget(self._most)
            self._thin()
        except Exception:  # a record or a shelf that is away must not end the thread: what is due stays due
            _log.exception("retention_fault")
            return
        for rule, count in done.deleted.items():
            self.deleted[rule.partition("=")[0]] += count
        if forgotten:
            _log.info("tips_forgotten", count=forgotten)
        if looked.newly_marked or done.count:
            spared = {f"spared_{why}": count for why, count in done.spared.items()}
            _log.info("pictures_retained", marked=looked.newly_marked, **done.deleted, **spared)

    def _thin(self) -> None:
        done = self._keeper.thin(_THINNED_A_TICK)
        self.thinned.update(frames=done.frames, detections=done.detections)
        if done.frames:
            _log.info("details_deleted", frames=done.frames, detections=done.detections, kept=done.kept)
