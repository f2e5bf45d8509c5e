"""A person tells of a thing on the street: it becomes a tip of the open case that it means, or a case of its own."""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from ulid import ULID

from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.candidate import Candidate, CandidateId
from inference_server.domain.case import Case
from inference_server.domain.errors import BadInput, Conflict
from inference_server.domain.gate import is_masked
from inference_server.domain.geo import CellId, LatLon, LocalPlane, cells_around, distance_m
from inference_server.domain.grid import GridId
from inference_server.domain.reach import Reach
from inference_server.domain.tip import SAME_WITHIN, Tip, TipId, Words, candidate_of
from inference_server.domain.track import matrix
from inference_server.filing import Filing
from inference_server.ports import CaseStore, Clock, Work
from inference_server.tip_ports import TipStore

_CALLER: Final = "open311"  # what a token that hands in tips acts as, in the audit log


@dataclass(frozen=True, slots=True)
class Caller:
    """The token that hands in a tip, how far it reaches, and its own name for the tip, if it has one."""

    id: str
    name: str
    reach: Reach
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tipping:
    """The use case behind `POST requests` of Open311."""

    store: CaseStore
    tips: TipStore
    filing: Filing
    clock: Clock

    def take(self, words: Words, caller: Caller) -> Tip:
        """The tip, on record. The same caller with the same words within an hour, or with the same key at any time,
        gets the tip that there is.

        Raises BadInput for a place that this city does not serve, Conflict for other words under a key.
        """
        self._demand_served(words.position, caller.reach)
        tip = Tip(
            id=TipId(str(ULID())),
            caller=caller.id,
            key=caller.key,
            received_at=self.clock.now(),
            words=words,
            fingerprint=words.fingerprint,
        )
        with self.store.work(self._locked(words.position, f"{caller.id} {caller.key or words.fingerprint}")) as work:
            known = work.like_tip(tip, tip.received_at - SAME_WITHIN)
            if known is not None:
                return _demand_same(known, tip)
            if words.position is None:
                work.save_tip(tip)
            else:
                tip = self._placed(work, tip, words.position)
            work.add_note(_note(caller, AuditAction.TIP_TAKEN, tip))
            return tip

    def place(self, tip_id: TipId, position: LatLon, by: str) -> Tip:
        """The tip with a place that a person has found out. Raises NotFound, BadInput, or Conflict where it has one."""
        self._demand_served(position, Reach())
        found = self.tips.tip(tip_id)
        with self.store.work(self._locked(position, tip_id)) as work:
            tip = work.tip(tip_id) or found
            if tip.case_id is not None:
                raise Conflict(f"tip {tip_id} has a place: it belongs to case {tip.case_id}", field="tip")
            # The clock of its case begins now: nobody could look at it before.
            words = replace(tip.words, position=position, sigma_m=self.filing.policy.tips.sigma_m)
            placed = self._placed(work, replace(tip, words=words, received_at=self.clock.now()), position)
            kept = replace(placed, received_at=tip.received_at)
            work.save_tip(kept)
            work.add_note(AuditNote.by(by, AuditAction.TIP_PLACED, f"tip:{tip_id}", case=kept.case_id))
            return kept

    def middle_of(self, grid: GridId) -> LatLon:
        """A point of a unit grid that is its own; raises BadInput where there is no such grid today."""
        found = self.filing.grids.middle(grid, self.clock.now())
        if found is None:
            raise BadInput(f"no unit grid {grid}", field="address_id")
        return found

    @property
    def _reach_m(self) -> float:
        return self.filing.policy.tips.within_m + self.filing.policy.place.max_range_m

    def _locked(self, position: LatLon | None, what: str) -> list[CellId]:
        """The cells around a place, and one of no place that stands for what is told: who sends it twice waits."""
        turn = CellId(-1 - int(hashlib.sha256(what.encode()).hexdigest()[:12], 16))
        return [turn, *(() if position is None else cells_around(position, self._reach_m))]

    def _demand_served(self, position: LatLon | None, reach: Reach) -> None:
        """A place inside the grids, where the city says so, outside its masked zones, and in the caller's districts."""
        if position is None:
            return
        gate = self.filing.policy.gate
        grid = self.filing.grids.locate(position, np.zeros((2, 2)), self.clock.now()).grid
        if gate.only_inside_grids and grid is None:
            raise BadInput("the place lies in no unit grid of this city", field="lat")
        if is_masked(position, gate):
            raise BadInput("nothing is taken from this zone", field="lat")
        if not reach.covers(grid):
            raise BadInput("the place lies in none of the districts of this key", field="lat")

    def _placed(self, work: Work, tip: Tip, position: LatLon) -> Tip:
        """The tip with its case, both written."""
        near = self._meant(work, tip, position)
        case = None if near is None else near[1]
        if near is None:
            case = self.filing.told(work, candidate_of(tip, position, self.filing.policy), tip)
        elif case is None:
            case = self.filing.told(work, near[0], tip)
        else:
            self.filing.told_again(work, case, tip)
        tip = replace(tip, case_id=case.id)
        work.save_tip(tip)
        return tip

    def _meant(self, work: Work, tip: Tip, position: LatLon) -> tuple[Candidate, Case | None] | None:
        """The nearest thing of the same code in statistical distance, with its open case."""
        known = {c.id: c for c in work.candidates(cells_around(position, self._reach_m)) if c.merged_into is None}
        cases = work.cases(known)
        opened = {key: case for key, case in cases.items() if self.filing.states.is_open(case.state)}
        found: list[tuple[float, CandidateId]] = []
        for key, candidate in known.items():
            if key in cases and key not in opened and not candidate.is_seen:
                continue  # a place that nobody has measured, and whose case is past
            apart = self._apart(tip, position, candidate)
            if self._code(candidate, opened.get(key)) == self._code_of(tip.words.class_name) and apart is not None:
                found.append((apart, key))
        if not found:
            return None
        nearest = known[min(found)[1]]
        return nearest, opened.get(nearest.id)

    def _apart(self, tip: Tip, position: LatLon, candidate: Candidate) -> float | None:
        """Squared statistical distance of a tip to a known thing; None where it is too far."""
        rules = self.filing.policy.tips
        if distance_m(position, candidate.position) > rules.within_m:
            return None
        gap = LocalPlane(position).metres(candidate.position)
        covariance = matrix(candidate.cov_m2) + np.eye(2) * tip.words.sigma_m**2
        apart = float(gap @ np.linalg.solve(covariance, gap))
        return apart if apart <= rules.gate_sigmas**2 else None

    def _code(self, candidate: Candidate, case: Case | None) -> tuple[str, str | None]:
        return self._code_of(candidate.class_name) if case is None else (case.kind, case.code)

    def _code_of(self, class_name: str) -> tuple[str, str | None]:
        rules = self.filing.policy.classes[class_name]
        return rules.kind, rules.code


def _demand_same(known: Tip, tip: Tip) -> Tip:
    if tip.key is not None and known.fingerprint != tip.fingerprint:
        raise Conflict("another tip was handed in under this key", field="Idempotency-Key")
    return known


def _note(caller: Caller, action: AuditAction, tip: Tip) -> AuditNote:
    return AuditNote(
        who=caller.name, role=_CALLER, action=action, object=f"tip:{tip.id}", details={"case": tip.case_id}
    )
