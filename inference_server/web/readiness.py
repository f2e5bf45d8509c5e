"""Whether the server takes work: its phase, and what it needs of its surroundings."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from inference_server.web.refusals import NotReady

Check = Callable[[], str | None]  # None: fine; else what is wrong
_RETRY_AFTER_S = 5.0


class Phase(StrEnum):
    """Where a server is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


class Status(StrEnum):
    """Whether frames are accepted; degraded: they are, and something that they wait for is not well."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not ready"


class Readiness:
    """The phase, set by the application, and the named checks of /readyz.

    Faults of the `mild` ones are told, but frames are accepted all the same: they wait, durably.
    """

    def __init__(self, checks: Mapping[str, Check], mild: frozenset[str] = frozenset()) -> None:
        self._checks = dict(checks)
        self._mild = mild
        self.phase = Phase.STARTING

    def demand_serving(self) -> None:
        """Nothing; raises NotReady while the server starts or drains."""
        if self.phase is not Phase.SERVING:
            raise NotReady(f"the server is {self.phase}", retry_after_s=_RETRY_AFTER_S)

    def faults(self) -> dict[str, str | None]:
        """Each check by its name, with None or what is wrong."""
        phase = None if self.phase is Phase.SERVING else f"the server is {self.phase}"
        return {"phase": phase, **{name: check() for name, check in self._checks.items()}}

    def status(self, faults: Mapping[str, str | None]) -> Status:
        """What faults mean for a server as a whole."""
        named = {name for name, fault in faults.items() if fault}
        if named - self._mild:
            return Status.NOT_READY
        return Status.DEGRADED if named else Status.READY
