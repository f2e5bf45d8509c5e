"""The form of POST requests. Names, telephone numbers and accounts are taken off here, and go no further."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from inference_server.domain.datum import to_wgs84
from inference_server.domain.errors import BadInput
from inference_server.domain.geo import LatLon
from inference_server.domain.policy import TipRules
from inference_server.domain.tip import Words
from inference_server.web.refusals import Malformed, MediaTypeRefused
from inference_server.web.service_list import ServiceList

FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 200
_MOST_CHARACTERS: Final = {"description": 4000, "address_string": 500, "media_url": 2000}
_LINE_BREAKS: Final = str.maketrans("", "", "\r\n\t")


@dataclass(frozen=True, slots=True)
class PostedForm:
    """What is needed of a form; everything else in it was dropped."""

    fields: Mapping[str, str]
    attributes: Mapping[str, str]

    @classmethod
    def read(cls, content_type: str, body: bytes) -> "PostedForm":
        """The form of a body; raises MediaTypeRefused, Malformed, or BadInput for a field that is there twice."""
        if content_type.partition(";")[0].strip().lower() != FORM:
            raise MediaTypeRefused(f"send the form as {FORM}")
        try:
            pairs = parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS, errors="strict")
        except ValueError:
            raise Malformed(f"the body is no form of at most {_MOST_FIELDS} fields in UTF-8") from None
        fields: dict[str, str] = {}
        attributes: dict[str, str] = {}
        for name, value in pairs:  # empty ones are the same as none, and are left out by the parser
            is_attribute = name.startswith("attribute[") and name.endswith("]")
            kept, key = (attributes, name[len("attribute[") : -1]) if is_attribute else (fields, name)
            if (is_attribute or name in _NEEDED) and kept.setdefault(key, value) != value:
                raise BadInput("given twice, with other values", field=name)
        return cls({name: value for name, value in fields.items() if name in _NEEDED}, attributes)

    def words(self, services: ServiceList, rules: TipRules, middle_of: Callable[[str], LatLon]) -> Words:
        """What is told; raises BadInput, or NotFound for a service."""
        code = self.fields.get("service_code")
        if code is None:
            raise BadInput("give the code of a service", field="service_code")
        class_name = services.service(code).class_of(self.attributes)
        position, sigma_m = self._place(rules, middle_of)
        address = self._text("address_string")
        if position is None and address is None:
            raise BadInput("give lat and long, an address_string or an address_id", field="lat")
        return Words(
            class_name=class_name,
            position=position,
            sigma_m=sigma_m,
            address=address,
            description=self._text("description"),
            media_url=self._link(),
        )

    def _place(self, rules: TipRules, middle_of: Callable[[str], LatLon]) -> tuple[LatLon | None, float]:
        lat, lon, grid = (self.fields.get(name) for name in ("lat", "long", "address_id"))
        if lat is None and lon is None:
            return (None if grid is None else middle_of(grid)), rules.address_sigma_m
        position = to_wgs84(_degrees(lat, "lat"), _degrees(lon, "long"), self.fields.get("datum", "wgs84"))
        if position.lat == 0.0 and position.lon == 0.0:
            raise BadInput("0, 0 is what a phone says that does not know where it is", field="lat")
        return position, rules.sigma_m

    def _text(self, name: str) -> str | None:
        text = self.fields.get(name)
        most = _MOST_CHARACTERS[name]
        if text is not None and (len(text) > most or not text.translate(_LINE_BREAKS).isprintable()):
            raise BadInput(f"at most {most} printable characters", field=name)
        return text

    def _link(self) -> str | None:
        link = self._text("media_url")
        if link is None:
            return None
        try:
            parts = urlsplit(link)
            is_link = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
        except ValueError:
            is_link = False
        if not is_link:
            raise BadInput("an address that begins with http:// or https://", field="media_url")
        return link


def _degrees(text: str | None, name: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput("degrees, and always both lat and long", field=name)
    return value


_NEEDED: Final = frozenset(
    {"api_key", "jurisdiction_id", "service_code", "lat", "long", "datum", "address_string", "address_id"}
    | {"description", "media_url"}
)
_DROPPED: Final = ("email", "device_id", "account_id", "first_name", "last_name", "phone")
_TEXTS: Final[dict[str, str]] = {
    "api_key": "secret of a token with the scope `open311`, unless it is in the header Authorization",
    "jurisdiction_id": "may be left out: one jurisdiction is served here",
    "service_code": "of GET services",
    "lat": "latitude in degrees",
    "long": "longitude in degrees",
    "datum": "of lat and long: wgs84 (as the specification has it, and the default), cgcs2000, gcj02 or bd09",
    "address_string": "where it is, in words: a person places it",
    "address_id": "id of a unit grid",
    "attribute[class_name]": "which class, where the service has several",
    "description": "what there is to see, up to 4,000 characters",
    "media_url": "a picture elsewhere, for the people who look at it; it is not fetched",
    **dict.fromkeys(_DROPPED, "taken, and not kept"),
}
EXAMPLE: Final = {
    "api_key": "the-secret-of-a-token",
    "service_code": "06010",
    "lat": "30.2741",
    "long": "120.1551",
    "description": "三袋垃圾在公交站旁边",
}
BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        FORM: {
            "schema": {
                "type": "object",
                "required": ["service_code"],
                "properties": {name: {"type": "string", "description": text} for name, text in _TEXTS.items()},
                "example": EXAMPLE,
            },
            "examples": {"garbage": {"value": EXAMPLE}},
        }
    },
}
