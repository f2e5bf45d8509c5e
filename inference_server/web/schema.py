"""What devices send, and the types of all that comes in."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$"
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

EXAMPLE_META: dict[str, Any] = {
    "device": "zhe-A-1027",
    "camera": "front",
    "seq": 88121,
    "taken_at": "2026-11-22T02:03:04.250Z",
    "sent_at": "2026-11-22T02:03:05.100Z",
    "position": {"lat": 30.2741, "lon": 120.1551, "datum": "wgs84", "accuracy_m": 2.5},
    "heading_deg": 92.0,
    "speed_kmh": 31.5,
    "campaign": None,
}


def _in_utc(moment: datetime) -> datetime:
    """The moment in UTC; years that no clock shows are refused, for they overflow sooner or later."""
    if not _EARLIEST.replace(tzinfo=moment.tzinfo) <= moment <= _LATEST.replace(tzinfo=moment.tzinfo):
        raise ValueError("the time must lie between the years 2000 and 2200")
    return moment.astimezone(UTC)


def _as_text(moment: object) -> object:
    """What came, if it is text: numbers are no times here, though pydantic would take them for seconds."""
    if not isinstance(moment, str):
        raise ValueError("the time must be a text after RFC 3339")
    return moment


def _one_line(text: str) -> str:
    """The text; characters that are not printed are refused: no database, log or page is to meet them."""
    if not text.isprintable():
        raise ValueError("the text must be one line of printable characters")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[str, Field(pattern=NAME_PATTERN, description="1 to 64 letters, digits, dots, dashes, underscores")]
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_as_text), AfterValidator(_in_utc)]


class In(BaseModel):
    """What comes in: no guessing of types, no unknown members, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class PositionIn(In):
    """Where the antenna was. The datum is never guessed."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    datum: Line = Field(max_length=32, description="wgs84, cgcs2000, gcj02 or bd09")
    accuracy_m: float | None = Field(None, ge=0, le=1e6, description="radius that holds 68 % of the errors")

    @model_validator(mode="after")
    def _is_no_null_island(self) -> "PositionIn":
        """Receivers without a fix say 0, 0; a city's vehicle is never in the Gulf of Guinea."""
        if self.lat == 0.0 and self.lon == 0.0:
            raise ValueError("0, 0 is what a receiver says that has no fix: send null for the position")
        return self


class FrameMeta(In):
    """The part `meta` of a posted frame. `position` is null where the receiver had no fix."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_META]})

    device: Name
    camera: Name
    seq: int = Field(ge=0, lt=2**53)
    taken_at: Moment = Field(description="middle of the exposure by the device's clock, with a time zone")
    sent_at: Moment = Field(description="moment of sending by the same clock: tells how wrong that clock is")
    position: PositionIn | None
    heading_deg: float | None = Field(None, ge=0, le=360, description="where the vehicle points, clockwise from north")
    speed_kmh: float | None = Field(None, ge=0, le=500)
    campaign: Line | None = Field(None, min_length=1, max_length=64)
