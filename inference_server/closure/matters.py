"""What a case is about: its code in the newest standard, the detector's classes for it, and whose district it is in."""

from dataclasses import dataclass, replace

import numpy as np

from inference_server.domain.case import Case
from inference_server.domain.case_states import DISPATCHED, REPORTED_FIXED
from inference_server.domain.catalogue import GB_2026, Catalogue, Entry, Mark
from inference_server.domain.closing import Matter, RiskBand
from inference_server.domain.errors import BadInput, NotFound
from inference_server.domain.grid import GridIndex
from inference_server.domain.policy import Policy
from inference_server.domain.verdict import CaseFacts
from inference_server.ports import Clock

_DISTRICT_DIGITS = 6  # a grid's id begins with the code of its district
_MATTER = "matter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matters:
    """The standards, the policy and the grids of a city."""

    policy: Policy
    catalogue: Catalogue
    grids: GridIndex
    clock: Clock

    def matter(self, case: CaseFacts, band: RiskBand) -> Matter:
        """What the case is about, as far as closing goes; BadInput for a code that its standard does not have."""
        newest = self._newest(case)
        classes = self._classes(newest)
        known = [self.catalogue.classes[name] for name in classes if name in self.catalogue.classes]
        return Matter(
            code=newest.code if newest is not None and newest.kind == _MATTER else None,
            is_safety=any(one.is_safety for one in known),
            district=case.district,
            band=band,
            classes=classes,
        )

    def located(self, case: CaseFacts) -> CaseFacts:
        """The case with its district, where that was not said and a grid covers the place."""
        if case.district is not None or case.position is None:
            return case
        found = self.grids.locate(case.position, np.zeros((2, 2)), self.clock.now())
        return case if found.grid is None else replace(case, district=found.grid[:_DISTRICT_DIGITS])

    def _newest(self, case: CaseFacts) -> Entry | None:
        try:
            entry = self.catalogue.entry(case.standard, case.kind, case.code)
        except NotFound as error:
            raise BadInput(error.message, field="request.case.code") from error
        crossings = self.catalogue.crosswalk(entry, GB_2026)
        sure = [crossing.entry for crossing in crossings if crossing.mark is Mark.CONFIRMED]
        return sure[0] if sure else None

    def _classes(self, newest: Entry | None) -> tuple[str, ...]:
        if newest is None:
            return ()
        rules = self.policy.classes.items()
        return tuple(name for name, one in rules if one.code == newest.code and one.kind == newest.kind)


def facts_of(case: Case) -> CaseFacts:
    """A case of the record as a verification needs it."""
    return CaseFacts(
        number=case.id,
        standard=case.standard,
        kind=case.kind,
        code=case.code,
        district=None if case.grid is None else case.grid[:_DISTRICT_DIGITS],
        position=case.position,
        accuracy_m=case.radius_m,
        dispatched_at=case.state_times.get(DISPATCHED),
        reported_at=case.state_times.get(REPORTED_FIXED),
    )
