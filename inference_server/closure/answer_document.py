"""A verification as the world sees it: the same JSON in the answer, in the callback and on the command line."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from inference_server.domain.plain import plain
from inference_server.domain.verdict import PairResult, PhotoFacts, Verdict
from inference_server.domain.verification import GateResult, Reason
from inference_server.domain.verification_record import VerificationRecord
from inference_server.ports import Event

_NAMESPACE = uuid.UUID("0b1f6a52-7f0e-5c5b-9c55-3b1f0a6f2d41")
_DIGITS = 4


def answer_document(record: VerificationRecord) -> dict[str, Any]:
    """The whole answer; the members of the verdict are null while it is awaited."""
    verdict, answer = record.verdict, record.answer
    return {
        "verification": record.id,
        "key": record.request.key,
        "state": record.state.value,
        "created_at": record.created_at.isoformat(),
        "fault": record.fault,
        **(_NO_VERDICT if verdict is None else _verdict(verdict)),
        "human": None if answer is None else plain(answer),
    }


def callback_event(record: VerificationRecord, at: datetime) -> Sequence[Event]:
    """The event that carries the answer to whoever asked for a callback; none where nobody did."""
    target = record.request.callback_url
    if target is None:
        return ()
    kind = "xuncheng.verification.answered.v1"
    identity = str(uuid.uuid5(_NAMESPACE, record.id))
    data = answer_document(record)
    return (Event(id=identity, type=kind, subject=record.id, occurred_at=at, data=data, target=target),)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "case": verdict.case_id,
        "case_number": verdict.case.number,
        "standard": verdict.case.standard,
        "code": verdict.case.code,
        "district": verdict.case.district,
        "decision": verdict.decision.value,
        "proposed": verdict.proposed.value,
        "probability": round(verdict.probability, _DIGITS),
        "close_at": None if verdict.close_at is None else round(verdict.close_at, _DIGITS),
        "sub_scores": {gate.value: round(score, _DIGITS) for gate, score in verdict.sub_scores.items()},
        "gates": [gate_document(gate) for gate in verdict.gates],
        "reasons": reason_documents(verdict.reasons),
        "photos": [_photo(photo) for photo in verdict.photos],
        "pairs": [_pair(pair) for pair in verdict.pairs],
        "best_pair": verdict.best,
        "boxes": [{**plain(one), "box": _corners(plain(one.box))} for one in verdict.boxes],
        "aligned": verdict.aligned,
        "overlay": verdict.overlay,
        "versions": dict(verdict.versions),
        "evidence_hash": verdict.evidence_hash,
        "spot_check": verdict.is_spot_check,
        "case_moved": verdict.has_acted,
        "milliseconds": verdict.milliseconds,
    }


_NO_VERDICT: dict[str, Any] = dict.fromkeys(
    (
        "case",
        "case_number",
        "standard",
        "code",
        "district",
        "decision",
        "proposed",
        "probability",
        "close_at",
        "sub_scores",
        "best_pair",
        "aligned",
        "overlay",
        "evidence_hash",
        "spot_check",
        "case_moved",
        "milliseconds",
    )
) | {"gates": [], "reasons": [], "photos": [], "pairs": [], "boxes": [], "versions": {}}


def gate_document(result: GateResult) -> dict[str, Any]:
    """What one gate says."""
    return {
        "gate": result.gate.value,
        "answer": result.answer.value,
        "score": round(result.score, _DIGITS),
        "reasons": reason_documents(result.reasons),
        "measures": {name: round(value, _DIGITS) for name, value in result.measures.items()},
    }


def reason_documents(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """Reasons with their numbers, each once."""
    told = [
        {"code": one.code.value, "measures": {name: round(value, _DIGITS) for name, value in one.measures.items()}}
        for one in reasons
    ]
    return [one for number, one in enumerate(told) if one not in told[:number]]


def _photo(photo: PhotoFacts) -> dict[str, Any]:
    said = plain(photo)
    position = photo.position
    place = None if position is None else {"lat": position.lat, "lon": position.lon, "datum": "wgs84"}
    return {**said, "position": place, "regions": [_corners(box) for box in said["regions"]]}


def _pair(pair: PairResult) -> dict[str, Any]:
    return {
        "before": pair.before,
        "after": pair.after,
        "gates": [gate_document(gate) for gate in pair.gates],
        "region": None if pair.region is None else _corners(plain(pair.region)),
        "region_after": [list(corner) for corner in pair.region_after],
    }


def _corners(box: dict[str, float]) -> list[float]:
    return [round(box[side], 1) for side in ("x1", "y1", "x2", "y2")]
