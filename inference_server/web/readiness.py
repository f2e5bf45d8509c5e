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


class Readiness:
    """The phase, set by the application, and the named checks of /readyz."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)
        self.phase = Phase.STARTING

    def demand_serving(self) -> None:
        """Nothing; raises NotReady while the server starts or drains."""
        if self.phase is not Phase.SERVING:
            raise NotReady(f"the server is {self.phase}", retry_after_s=_RETRY_AFTER_S)

    def faults(self) -> dict[str, str | None]:
        """Each check by its name, with None or what is wrong."""
        phase = None if self.phase is Phase.SERVING else f"the server is {self.phase}"
        return {"phase": phase, **{name: check() for name, check in self._checks.items()}}
