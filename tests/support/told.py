"""People who tell of a share of a drawn city's things before any vehicle has been there, as wrongly as phones are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from support.clocks import SetClock
from support.street import Street

from inference_server.domain.case import CaseId
from inference_server.domain.case_states import REVIEW
from inference_server.domain.geo import LatLon, LocalPlane, distance_m
from inference_server.domain.reach import Reach
from inference_server.domain.tip import Tip, Words
from inference_server.tipping import Caller, Tipping
from patrol.simulate.truth import TrueThing

ERROR_M = 8.0  # of one axis
_NEAR_M = 3.0


def tell(street: Street, things: Sequence[TrueThing], share: float, at: datetime, seed: int) -> dict[str, Tip]:
    """The tips, by the names of the things that they mean."""
    rng, filing = np.random.default_rng(seed), street.collection.filing
    tipping = Tipping(store=street.record.store, tips=street.record.tips, filing=filing, clock=SetClock(at))
    told = {}
    for thing in things:
        place = LocalPlane(LatLon(thing.lat, thing.lon)).latlon(rng.normal(scale=ERROR_M, size=2))
        if rng.random() < share and filing.policy.classes[thing.class_name].collected:
            words = Words(class_name=thing.class_name, position=place, sigma_m=filing.policy.tips.sigma_m)
            told[thing.name] = tipping.take(words, Caller(thing.name, "bench", Reach()))
    return told


def figures_of_tips(street: Street, told: dict[str, Tip], things: Sequence[TrueThing]) -> dict[str, Any]:
    """Of the tips whose thing was shown well enough: how many cases of theirs a vehicle has filed, and where."""
    shown = {thing.name: thing for thing in things if thing.counts and thing.name in told}
    store = street.record.store
    cases = {name: store.case(CaseId(str(street.record.tips.tip(told[name].id).case_id))) for name in shown}
    filed = [name for name, case in cases.items() if case.state != REVIEW]
    right = [n for n in filed if distance_m(cases[n].position, LatLon(shown[n].lat, shown[n].lon)) <= _NEAR_M]
    return {
        "tips": len(told),
        "tips_of_things_shown": len(shown),
        "tips_filed_by_a_vehicle": len(filed),
        "tips_within_3_m_of_their_thing": len(right),
    }
