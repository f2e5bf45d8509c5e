"""Verifications on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from inference_server.domain.catalogue import GB_2026
from inference_server.domain.closing import RiskBand
from inference_server.domain.datum import to_wgs84
from inference_server.domain.errors import UnknownDatum
from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Box
from inference_server.domain.verdict import CaseFacts, PhotoFacts, PhotoKind, Side
from inference_server.web.schema import In, Line, Moment, Name, PositionIn

MOST_PHOTOS = 4  # of one side
Part = Literal["before_1", "before_2", "before_3", "before_4", "after_1", "after_2", "after_3", "after_4"]
_MOST_REGIONS = 4
_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)

EXAMPLE_REQUEST: dict[str, Any] = {
    "key": "HZ-2026-0001-1",
    "case": {
        "number": "HZ-2026-0001",
        "code": "06010",
        "position": {"lat": 30.2741, "lon": 120.1551, "datum": "wgs84", "accuracy_m": 5.0},
        "dispatched_at": "2026-11-22T02:00:00Z",
        "reported_at": "2026-11-22T05:00:00Z",
    },
    "before": [
        {"part": "before_1", "kind": "near", "taken_at": "2026-11-22T01:30:00Z", "regions": [[40, 60, 200, 160]]}
    ],
    "after": [
        {
            "part": "after_1",
            "kind": "near",
            "taken_at": "2026-11-22T04:50:00Z",
            "position": {"lat": 30.2741, "lon": 120.1552, "datum": "wgs84", "accuracy_m": 8.0},
            "device": "phone-17",
        }
    ],
}


class PhotoIn(In):
    """One photograph: a part of the form with its bytes, or the hash of a picture that the record already has."""

    part: Part | None = Field(None, description="name of the part of the form that holds its bytes")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of a picture in the evidence, instead")
    kind: Literal["near", "far"] = Field("near", description="近景 or 远景")
    taken_at: Moment | None = None
    position: PositionIn | None = None
    device: Name | None = None
    regions: list[tuple[float, float, float, float]] = Field(
        default_factory=list,
        max_length=_MOST_REGIONS,
        description="x1 y1 x2 y2 of the problem in pixels of the upright photograph; none: the detector looks for it",
    )

    @model_validator(mode="after")
    def _is_one_photograph(self) -> "PhotoIn":
        if (self.part is None) == (self.sha256 is None):
            raise ValueError("a photograph is a part of the form or the sha256 of a stored one")
        for x1, y1, x2, y2 in self.regions:
            if not (0 <= x1 < x2 <= 65_535 and 0 <= y1 < y2 <= 65_535):
                raise ValueError("a region is x1 y1 x2 y2 with x1 < x2 and y1 < y2, in pixels")
        return self

    def facts(self, side: Side, sha256: str, where: str) -> PhotoFacts:
        """What is said of the photograph; raises UnknownDatum."""
        return PhotoFacts(
            sha256=sha256,
            side=side,
            kind=PhotoKind(self.kind),
            taken_at=self.taken_at,
            position=on_wgs84(self.position, f"{where}.position.datum"),
            accuracy_m=None if self.position is None else self.position.accuracy_m,
            device=self.device,
            regions=tuple(Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in self.regions),
        )


class CaseIn(In):
    """A case that the record does not have, as the case system tells it."""

    number: Line = Field(
        min_length=1, max_length=64, description="the case system's own: photographs are kept under it"
    )
    standard: Line = Field(GB_2026, max_length=32)
    kind: Literal["matter", "component"] = "matter"
    code: str = Field(pattern="^[0-9]{4,10}$")
    district: str | None = Field(None, pattern="^[0-9]{6}$", description="else found by the position and the grids")
    position: PositionIn | None = None
    dispatched_at: Moment | None = None
    reported_at: Moment | None = None

    def facts(self, where: str) -> CaseFacts:
        """The case as a verification needs it; raises UnknownDatum."""
        return CaseFacts(
            number=self.number,
            standard=self.standard,
            kind=self.kind,
            code=self.code,
            district=self.district,
            position=on_wgs84(self.position, f"{where}.position.datum"),
            accuracy_m=(self.position.accuracy_m or 0.0) if self.position else 0.0,
            dispatched_at=self.dispatched_at,
            reported_at=self.reported_at,
        )


class VerificationIn(In):
    """The part `request` of a posted verification."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_REQUEST]})

    key: Line = Field(min_length=1, max_length=128, description="the same key and contents give the stored answer")
    case_id: str | None = Field(None, pattern=r"^[A-Za-z0-9_\-]{1,64}$", description="a case of this record")
    case: CaseIn | None = Field(None, description="a whole case instead")
    before: list[PhotoIn] = Field(default_factory=list, max_length=MOST_PHOTOS)
    after: list[PhotoIn] = Field(default_factory=list, max_length=MOST_PHOTOS)
    band: Literal["standard", "strict", "human"] = Field("standard", description="how careful to be with this case")
    callback_url: str | None = Field(None, max_length=2000, description="202 at once, the answer by a signed callback")

    @model_validator(mode="after")
    def _is_one_question(self) -> "VerificationIn":
        if (self.case_id is None) == (self.case is None):
            raise ValueError("give a case_id or a whole case, one of the two")
        parts = [photo.part for photo in (*self.before, *self.after) if photo.part is not None]
        if len(parts) != len(set(parts)):
            raise ValueError("a part of the form is one photograph, not two")
        if self.callback_url is not None:
            try:
                _URL.validate_python(self.callback_url)
            except ValidationError:
                raise ValueError("callback_url is no http(s) address") from None
        return self

    @property
    def risk_band(self) -> RiskBand:
        """The band as the domain knows it."""
        return RiskBand(self.band)


class ClosureAnswerIn(In):
    """What a person sees in the photographs; null takes the answer back."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"says": "not_fixed", "reason": "half of it is still there"}]}
    )

    says: Literal["fixed", "not_fixed"] | None
    reason: Line | None = Field(None, max_length=500)


class ReasonOut(BaseModel):
    """Why, with the numbers."""

    code: str
    measures: dict[str, float]


class GateOut(BaseModel):
    """What one gate says: `pass` at a score of 0.5 and above."""

    gate: Literal["authentic", "same_scene", "problem_gone"]
    answer: Literal["pass", "fail", "cannot_tell"]
    score: float
    reasons: list[ReasonOut]
    measures: dict[str, float]


class PlaceOut(BaseModel):
    """A position on WGS84."""

    lat: float
    lon: float
    datum: Literal["wgs84"]


class PhotoOut(BaseModel):
    """A photograph that was looked at, by its hash."""

    sha256: str
    side: Literal["before", "after"]
    kind: Literal["near", "far"]
    taken_at: datetime | None
    position: PlaceOut | None
    accuracy_m: float | None
    device: str | None
    regions: list[list[float]]
    source: str = Field(description="`upload`, or the frame of the record that it comes from")


class PairOut(BaseModel):
    """One photograph before with one after. `region_after`: corners of the region as the geometry carries it over."""

    before: str
    after: str
    gates: list[GateOut]
    region: list[float] | None
    region_after: list[list[float]]


class SeenOut(BaseModel):
    """A detection of the classes in question."""

    side: Literal["before", "after"]
    sha256: str
    class_name: str
    score: float
    box: list[float]


class HumanOut(BaseModel):
    """A person's answer."""

    says: Literal["fixed", "not_fixed"]
    by: str
    at: datetime
    is_blind: bool
    reason: str | None


class SubScores(BaseModel):
    """The scores of the three gates, 0.5 the working point."""

    authentic: float
    same_scene: float
    problem_gone: float


class VerificationOut(BaseModel):
    """A verification. The members from `case` to `milliseconds` are null, and lists empty, while it is `waiting`."""

    verification: str
    key: str
    state: Literal["waiting", "done", "failed"]
    created_at: datetime
    fault: str | None
    case: str | None
    case_number: str | None
    standard: str | None
    code: str | None
    district: str | None
    decision: Literal["close", "rework", "human", "need_photo"] | None
    proposed: Literal["close", "rework", "human", "need_photo"] | None = Field(
        description="what the photographs lead to, before it is asked what the city allows"
    )
    probability: float | None
    close_at: float | None = Field(description="the lowest score of the three gates must reach it; null: never")
    sub_scores: SubScores | None
    gates: list[GateOut]
    reasons: list[ReasonOut]
    photos: list[PhotoOut]
    pairs: list[PairOut]
    best_pair: int | None
    boxes: list[SeenOut]
    aligned: str | None = Field(description="sha256 of the photograph before, laid over the one after")
    overlay: str | None
    versions: dict[str, str]
    evidence_hash: str | None
    spot_check: bool | None
    case_moved: bool | None
    milliseconds: float | None
    human: HumanOut | None


def on_wgs84(position: PositionIn | None, field: str) -> LatLon | None:
    """A position on WGS84; raises UnknownDatum that names the field."""
    if position is None:
        return None
    try:
        return to_wgs84(position.lat, position.lon, position.datum)
    except UnknownDatum as error:
        raise UnknownDatum(error.message, field=field) from None
