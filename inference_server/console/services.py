"""What the console is given by bootstrap.py."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from inference_server.casework import Casework
from inference_server.console.session import OneTimeToken
from inference_server.domain.case_states import CaseStates
from inference_server.ports import CaseStore, Clock, Evidence
from inference_server.retention_ports import Holds, RetentionRecord
from inference_server.reviewing import Reviewing
from inference_server.showing import Showing
from inference_server.sight import Sight
from inference_server.signing_in import SigningIn
from inference_server.tip_ports import TipStore
from inference_server.tipping import Tipping
from inference_server.verification_ports import Verifications
from inference_server.verify import Verification


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleServices:
    """Ports, rules and secrets of the console.

    `is_stopping` says that the server is asked to stop: streams then end, for it waits for them.
    `live_every_s` is how often the record is asked for changes while a page listens; a stream ends after `live_for_s`
    and the browser opens the next one.
    """

    store: CaseStore
    evidence: Evidence
    casework: Casework
    reviewing: Reviewing
    verification: Verification
    verifications: Verifications
    tips: TipStore
    tipping: Tipping
    states: CaseStates
    sight: Sight
    showing: Showing
    holds: Holds
    deletions: RetentionRecord
    clock: Clock
    signing_in: SigningIn
    one_time_token: OneTimeToken
    is_stopping: Callable[[], bool] = _never
    live_every_s: float = 1.0
    live_for_s: float = 600.0
    trail_window: timedelta = timedelta(hours=24)
    trail_points: int = 6000
    map_cases: int = 4000

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self.clock.now()
