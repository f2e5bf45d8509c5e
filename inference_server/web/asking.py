"""From a posted form to a question, and the lane in which questions are answered."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import anyio.to_thread

from detector.image import probe
from detector.picture_info import Limits
from inference_server.domain.case import CaseId
from inference_server.domain.errors import BadInput, NotFound
from inference_server.domain.verdict import PhotoFacts, Side, VerificationRequest
from inference_server.ports import Evidence, Token
from inference_server.verification_ports import Verifications
from inference_server.verify import Verification
from inference_server.web.body import FormReader, Parts
from inference_server.web.json_part import read_json_part
from inference_server.web.refusals import Busy
from inference_server.web.verification_schema import MOST_PHOTOS, PhotoIn, VerificationIn

PARTS = tuple(f"{side}_{number}" for side in Side for number in range(1, MOST_PHOTOS + 1))
_BUSY_RETRY_S = 5.0
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class Lane:
    """Verifications are hours of arithmetic against the rest: few run at once, some wait, more are sent away."""

    running: int
    most_waiting: int
    _limiter: anyio.CapacityLimiter | None = field(default=None, init=False)

    async def run(self, work: Callable[[], _Answer]) -> _Answer:
        """The result of some work in a thread, in turn; raises Busy where too many wait."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self.running)
        if self._limiter.statistics().tasks_waiting >= self.most_waiting:
            raise Busy("too many verifications wait at this moment", retry_after_s=_BUSY_RETRY_S)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What the routes of verifications stand on. `check_callback` raises BadInput for an address that is not told."""

    verification: Verification
    verifications: Verifications
    reader: FormReader
    lane: Lane
    limits: Limits
    check_callback: Callable[[str], None]


def read_question(asking: Asking, evidence: Evidence, parts: Parts, token: Token) -> VerificationRequest:
    """The question of a form, its photographs stored; raises an InspectionError or a PictureError."""
    said = read_json_part(VerificationIn, parts.demand("request"), "request")
    if said.callback_url is not None:
        asking.check_callback(said.callback_url)
    asked = [(side, number, one) for side in Side for number, one in enumerate(_of_side(said, side))]
    photos = [
        _photo(one, f"{side}.{number}", side, parts, (asking.limits, evidence, token.districts is not None))
        for side, number, one in asked
    ]
    if parts.names:
        raise BadInput("the request names no photograph for this part", field=sorted(parts.names)[0])
    return VerificationRequest(
        key=said.key,
        caller=token.id,
        body_sha256=_digest(said, photos),
        case_id=None if said.case_id is None else CaseId(said.case_id),
        case=None if said.case is None else said.case.facts("request.case"),
        photos=tuple(photos),
        band=said.risk_band,
        callback_url=said.callback_url,
    )


def _of_side(said: VerificationIn, side: Side) -> Sequence[PhotoIn]:
    return said.before if side is Side.BEFORE else said.after


def _photo(one: PhotoIn, where: str, side: Side, parts: Parts, into: tuple[Limits, Evidence, bool]) -> PhotoFacts:
    limits, evidence, is_kept_in = into
    if one.part is None:
        assert one.sha256 is not None
        if is_kept_in:  # whose picture it is cannot be told from its hash
            raise NotFound(f"no picture {one.sha256}", field=f"request.{where}")
        evidence.put(evidence.get(one.sha256))  # stored anew: it must not be deleted before it is looked at
        return one.facts(side, one.sha256, f"request.{where}")
    data = parts.demand(one.part)
    probe(data, limits)
    return one.facts(side, evidence.put(data), f"request.{where}")


def _digest(said: VerificationIn, photos: Sequence[PhotoFacts]) -> str:
    """What the key stands for: the request's values, and the photographs by their contents."""
    told = {"said": said.model_dump(mode="json"), "photos": [photo.sha256 for photo in photos]}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
