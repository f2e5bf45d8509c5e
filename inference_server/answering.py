"""The loop that answers the questions which were accepted to be answered by a callback, and prepares for others."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from inference_server.domain.errors import InspectionError
from inference_server.domain.verification_record import VerificationFilter, VerificationRecord, VerificationState
from inference_server.ticking import Rounds
from inference_server.verification_ports import Turns, Verifications
from inference_server.verify import Verification

_PER_ROUND = 20
_IDLE_S = 0.5
_FAULT_PAUSE_S = 5.0
_LOOK_PAUSE_S = 20.0  # between two searches for photographs that nobody has described
_CALM_S = 10.0  # without a frame: nobody else wants the processor
_BUSY_PAUSE_S = 60.0  # between two photographs while frames come
_WAITING = VerificationFilter(states=(VerificationState.WAITING,), limit=_PER_ROUND)

_log = structlog.get_logger("answering")


@dataclass(frozen=True, slots=True)
class Answering:
    """What is asked and who answers. One process at a time has its turn."""

    verification: Verification
    verifications: Verifications
    turns: Turns

    def answer_waiting(self) -> int:
        """How many questions were answered, oldest first; none where another process is at it."""
        waiting = self.verifications.find(_WAITING)
        if not waiting or not self.turns.take():
            return 0
        for record in self.verifications.find(_WAITING):
            self._answer(record)
        return len(waiting)

    def describe_one(self) -> bool:
        """Whether a photograph before was described ahead of its verification; not where another process is at it."""
        return self.turns.take() and self.verification.describe_next()

    def _answer(self, record: VerificationRecord) -> None:
        try:
            done = self.verification.verify(record.request)
        except InspectionError as error:  # the case has moved on, or a photograph is gone: nobody can mend it now
            self.verification.fail(record, f"{error.code}: {error.message}")
            _log.info("verification_failed", verification=record.id, code=error.code)
        else:
            _log.info("verification_answered", verification=done.id)


class AnsweringThread(Rounds):
    """A thread that answers what waits, and else describes photographs of open cases ahead of their verification.

    A question in hand that is not done in time when it stops waits for the next start. While frames come (it `is_busy`
    elsewhere now, or was lately) one photograph a minute is described ahead: frames want the same cores and memory,
    there are days until a fix is reported, and a verification can look at a photograph itself.
    """

    def __init__(
        self,
        answering: Answering,
        *,
        idle_s: float = _IDLE_S,
        calm_s: float = _CALM_S,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__("answering", self._round)
        self._answering = answering
        self._idle_s, self._calm_s = idle_s, calm_s
        self._is_busy = is_busy
        self._next_look_s, self._busy_at_s = 0.0, float("-inf")
        self._described_at_s = time.monotonic()

    def _described(self) -> bool:
        """Whether a photograph was described; where none was, it is asked for again after a while only."""
        now_s = time.monotonic()
        if now_s < self._next_look_s:
            return False
        if self._is_busy():
            self._busy_at_s = now_s
        if now_s - self._busy_at_s < self._calm_s and now_s - self._described_at_s < _BUSY_PAUSE_S:
            return False
        done = self._answering.describe_one()
        self._described_at_s = time.monotonic()
        self._next_look_s = 0.0 if done else time.monotonic() + _LOOK_PAUSE_S
        return done

    def _round(self) -> float:
        try:
            return 0.0 if self._answering.answer_waiting() or self._described() else self._idle_s
        except Exception:  # a fault of ours, or a database that is away: nobody else would ever answer
            _log.exception("answering_fault")
            return _FAULT_PAUSE_S
