"""What the routes of Open311 stand on, beside the services of the other routes."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from inference_server.domain.case_states import CaseStates
from inference_server.domain.policy import Policy
from inference_server.domain.throttle import Bucket
from inference_server.ports import Clock
from inference_server.tip_ports import TipStore
from inference_server.tipping import Tipping
from inference_server.web.refusals import TooMany
from inference_server.web.service_list import ServiceList

_MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class AddressThrottle:
    """How often an address without a token may ask this process. The addresses asked longest ago are forgotten."""

    bucket: Bucket
    clock: Clock
    _levels: OrderedDict[str, tuple[float, datetime]] = field(default_factory=OrderedDict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def fill(self, address: str) -> None:
        """One request more; raises TooMany where there is no room."""
        now = self.clock.now()
        with self._lock:
            level, since = self._levels.pop(address, (0.0, now))
            level = self.bucket.level(level, since, now)
            wait_s = self.bucket.wait_s(level)
            self._levels[address] = (level + (0.0 if wait_s else 1.0), now)
            if len(self._levels) > _MOST_ADDRESSES:
                self._levels.popitem(last=False)
        if wait_s:
            raise TooMany("too many requests from this address", retry_after_s=wait_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open311:
    """The use case, the city's services and its settings. Without a jurisdiction any that a client names is ignored."""

    tipping: Tipping
    tips: TipStore
    services: ServiceList
    policy: Policy
    states: CaseStates
    is_public: bool
    jurisdiction: str | None
    contact: str
    throttle: AddressThrottle
    now: Callable[[], datetime]
