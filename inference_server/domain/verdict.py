"""What is asked about photographs before and after, and the whole answer as it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from inference_server.domain.case import CaseId
from inference_server.domain.closing import RiskBand
from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Box
from inference_server.domain.photo_index import PhotoMatch
from inference_server.domain.verification import Closing, Gate, GateResult, Reason

VerificationId = NewType("VerificationId", str)


class Side(StrEnum):
    """Which of the two times a photograph shows."""

    BEFORE = "before"
    AFTER = "after"


class PhotoKind(StrEnum):
    """How a photograph was taken, as the trade has it: near 近景 or far 远景."""

    NEAR = "near"
    FAR = "far"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFacts:
    """A photograph without its pixels. Everything but its hash and side is what somebody said of it.

    regions: where the problem is, in pixels of the upright full-size photograph; of photographs before only. Empty:
    nobody said, the detector is asked. source: `upload`, or the id of the frame of the record that it comes from.
    """

    sha256: str
    side: Side
    kind: PhotoKind = PhotoKind.NEAR
    taken_at: datetime | None = None
    position: LatLon | None = None
    accuracy_m: float | None = None
    device: str | None = None
    regions: tuple[Box, ...] = ()
    source: str = "upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """The case as far as a verification needs it: from the record, or inline from whoever asks.

    number: the id of a case of the record, or what the case system calls it. Times: when somebody was sent, and when
    he said that it was done.
    """

    number: str
    standard: str
    kind: str
    code: str
    district: str | None = None
    position: LatLon | None = None
    accuracy_m: float = 0.0
    dispatched_at: datetime | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequest:
    """One question. `key` makes it repeatable: the same caller, key and `body_sha256` get the stored answer.

    case_id: a case of the record; then `case` and photographs before come from there. `case` or `case_id` is given.
    The photographs themselves lie in the evidence, by their hash.
    """

    key: str
    caller: str
    body_sha256: str
    case_id: CaseId | None = None
    case: CaseFacts | None = None
    photos: tuple[PhotoFacts, ...] = ()
    band: RiskBand = RiskBand.STANDARD
    callback_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """What the gates say of one photograph before and one after."""

    before: str  # sha256
    after: str
    gates: tuple[GateResult, ...]
    region: Box | None = None  # the worst one, in pixels of the photograph before
    region_after: tuple[tuple[float, float], ...] = ()  # its corners in pixels of the photograph after


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBox:
    """A detection that belongs to the question, for people to look at."""

    side: Side
    sha256: str
    class_name: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer with all that it stands on."""

    id: VerificationId
    key: str
    case_id: CaseId | None
    case: CaseFacts
    band: RiskBand
    decision: Closing
    proposed: Closing
    probability: float
    close_at: float | None
    sub_scores: Mapping[Gate, float]
    gates: tuple[GateResult, ...]
    reasons: tuple[Reason, ...]
    photos: tuple[PhotoFacts, ...]
    pairs: tuple[PairResult, ...]
    best: int | None  # of `pairs`
    boxes: tuple[SeenBox, ...] = ()
    aligned: str | None = None  # sha256 of the photograph before, laid over the one after
    overlay: str | None = None
    uses: Mapping[str, tuple[PhotoMatch, ...]] = field(default_factory=dict)  # of photographs after, by sha256
    versions: Mapping[str, str] = field(default_factory=dict)
    evidence_hash: str = ""
    is_spot_check: bool = False
    has_acted: bool = False  # the case was moved by this verdict
    created_at: datetime
    milliseconds: float = 0.0
