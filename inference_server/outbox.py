"""The loop that tells the case system what has happened, in order per case, until it has heard."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from inference_server.ports import CaseGateway, Clock, GatewayRefused, GatewayUnavailable, Outbox, OutboxItem
from inference_server.ticking import Rounds

# Waits before the second, third ... attempt: the schedule that the Standard Webhooks specification suggests.
BACK_OFF_S = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
_PER_ROUND = 50
_IDLE_S = 0.5
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0

_log = structlog.get_logger("outbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did. `pause_s` is how long the case system wants to be left alone; None: it answers."""

    sent: int = 0
    refused: int = 0
    pause_s: float | None = None


def deliver_due(
    outbox: Outbox, gateway: CaseGateway, clock: Clock, limit: int = _PER_ROUND, *, callbacks_only: bool = False
) -> Round:
    """What became of the events that are due. The round ends with the first one that finds the case system away; a
    callback that finds nobody waits by itself."""
    sent = refused = 0
    for item in outbox.due(clock.now(), limit, callbacks_only=callbacks_only):
        try:
            gateway.send(item.event)
        except GatewayRefused as error:
            refused += 1
            outbox.mark_failed(item, str(error), None)
            _log.error("event_refused", event_id=item.event.id, type=item.event.type, error=str(error))
        except GatewayUnavailable as error:
            _postpone(outbox, item, error, clock)
            if item.event.target is not None:
                continue
            return Round(sent=sent, refused=refused, pause_s=error.retry_after_s or 0.0)
        else:
            sent += 1
            outbox.mark_sent(item, clock.now())
    return Round(sent=sent, refused=refused)


def _postpone(outbox: Outbox, item: OutboxItem, error: GatewayUnavailable, clock: Clock) -> None:
    """Another attempt at its time, or none after the last."""
    if item.attempts >= len(BACK_OFF_S):
        outbox.mark_failed(item, str(error), None)
        _log.error("event_dead", event_id=item.event.id, type=item.event.type, error=str(error))
        return
    wait_s = max(BACK_OFF_S[item.attempts], error.retry_after_s or 0.0)
    outbox.mark_failed(item, str(error), clock.now() + timedelta(seconds=wait_s))
    _log.warning("event_postponed", event_id=item.event.id, attempts=item.attempts + 1, wait_s=wait_s, error=str(error))


class Delivery(Rounds):
    """A thread that delivers what is due. While nobody answers it knocks less and less often, every 30 s at last.

    An event in hand that is not told in time when it stops will be told again, with the same id.
    """

    def __init__(
        self,
        outbox: Outbox,
        gateway: CaseGateway,
        clock: Clock,
        *,
        idle_s: float = _IDLE_S,
        callbacks_only: bool = False,
    ) -> None:
        super().__init__("outbox", self._round)
        self._outbox = outbox
        self._gateway = gateway
        self._clock = clock
        self._idle_s = idle_s
        self._callbacks_only = callbacks_only
        self._misses = 0

    def _round(self) -> float:
        try:
            done = deliver_due(self._outbox, self._gateway, self._clock, callbacks_only=self._callbacks_only)
        except Exception:  # the other broad handler: a fault here must not silence the city for ever
            _log.exception("outbox_fault")
            done = Round(pause_s=0.0)
        self._misses = 0 if done.pause_s is None else self._misses + 1
        if done.pause_s is None:
            return 0.0 if done.sent + done.refused else self._idle_s
        return min(max(done.pause_s, _FIRST_PAUSE_S * 2.0 ** (self._misses - 1)), _LONGEST_PAUSE_S)
