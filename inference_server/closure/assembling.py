"""From what the gates said to the verdict that is kept: everything in pixels of the full-size photographs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from inference_server.closure.judging import Judged, Pair
from inference_server.domain.closing import Decided
from inference_server.domain.photo_index import PhotoMatch
from inference_server.domain.plain import made, plain
from inference_server.domain.verdict import (
    CaseFacts,
    PairResult,
    PhotoFacts,
    Side,
    Verdict,
    VerificationId,
    VerificationRequest,
)
from inference_server.domain.verification import Gate, GateResult
from inference_server.ports import Evidence
from inference_server.scene.overlay import Corners, aligned, carried, overlay

# Of a verdict: what is not about how it was reached, and so no part of what its hash proves.
_BESIDE = frozenset({"evidence_hash", "has_acted", "created_at", "milliseconds", "id", "key", "is_spot_check"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with all that it stands on: the case, its photographs of both sides, earlier uses of those after."""

    id: VerificationId
    at: datetime
    request: VerificationRequest
    case: CaseFacts
    photos: tuple[PhotoFacts, ...]
    uses: Mapping[str, tuple[PhotoMatch, ...]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def of_side(self, side: Side) -> tuple[PhotoFacts, ...]:
        """The photographs of one side."""
        return tuple(photo for photo in self.photos if photo.side is side)


def assembled(asked: Asked, judged: Judged, decided: Decided, evidence: Evidence) -> Verdict:
    """The verdict, its pictures for people put into the evidence. How long it took is for the caller to fill in."""
    best = judged.best
    laid, mixed = (None, None) if best is None else _pictures(best, judged)
    verdict = Verdict(
        id=asked.id,
        key=asked.request.key,
        case_id=asked.request.case_id,
        case=asked.case,
        band=asked.request.band,
        decision=decided.decision,
        proposed=decided.proposed,
        probability=decided.probability,
        close_at=decided.close_at,
        sub_scores={gate: judged.gates[gate].score if gate in judged.gates else 0.0 for gate in Gate},
        gates=tuple(judged.gates[gate] for gate in Gate if gate in judged.gates),
        reasons=decided.reasons,
        photos=asked.photos,
        pairs=tuple(_pair_result(pair) for pair in judged.pairs),
        best=None if best is None else judged.pairs.index(best),
        boxes=judged.seen,
        aligned=None if laid is None else evidence.put(laid),
        overlay=None if mixed is None else evidence.put(mixed),
        uses=asked.uses,
        versions=asked.versions,
        is_spot_check=decided.is_spot_check,
        created_at=asked.at,
    )
    return replace(verdict, evidence_hash=evidence_hash(verdict))


def evidence_hash(verdict: Verdict) -> str:
    """SHA-256 over all that a verdict stands on and says, in canonical JSON."""
    kept: dict[str, Any] = plain(made(Verdict, plain(verdict)))  # as it will be read back: 1 and 1.0 are one number
    told = {name: value for name, value in kept.items() if name not in _BESIDE}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _pictures(best: Pair, judged: Judged) -> tuple[bytes | None, bytes | None]:
    before, after = best.before.photo, best.after.photo
    seen = [one.box.scaled(after.scale) for one in judged.seen if one.sha256 == after.sha256]
    laid = aligned(before, after, best.alignment)
    return laid, overlay(before, after, best.alignment, best.region, seen)


def _pair_result(pair: Pair) -> PairResult:
    gates: Sequence[GateResult] = [pair.scene] if pair.gone is None else [pair.scene, pair.gone]
    region = pair.region
    corners: Corners = ()
    if region is not None and pair.alignment.homography is not None:
        corners = carried(region, pair.alignment.homography)
    scale = pair.after.photo.scale
    return PairResult(
        before=pair.before.facts.sha256,
        after=pair.after.facts.sha256,
        gates=tuple(gates),
        region=None if region is None else region.scaled(1.0 / pair.before.photo.scale),
        region_after=tuple((x / scale, y / scale) for x, y in corners),
    )
