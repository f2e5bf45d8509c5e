"""One answer in two formats: JSON, and XML with the element names of GeoReport v2."""

import json
import re
from enum import StrEnum
from typing import Any, Final
from xml.etree import ElementTree

from fastapi import Response


class Format(StrEnum):
    """What the address ends in."""

    JSON = "json"
    XML = "xml"


MEDIA_TYPES: Final = {Format.JSON: "application/json", Format.XML: "text/xml"}
# A list has no name of its own in JSON; in XML it is an element that holds others of this name.
_ITEMS: Final = {
    "services": "service",
    "service_requests": "request",
    "errors": "error",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
}
_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2


def answer(root: str, value: Any, wanted: Format, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value of dictionaries, lists and plain values; `root` names the element that holds it in XML."""
    if wanted is Format.JSON:
        body = json.dumps(value, ensure_ascii=False).encode()
    else:
        body = ElementTree.tostring(_element(root, value), encoding="utf-8", xml_declaration=True)
    return Response(body, status, headers, media_type=f"{MEDIA_TYPES[wanted]}; charset=utf-8")


def _element(name: str, value: Any) -> ElementTree.Element:
    made = ElementTree.Element(name)
    if isinstance(value, dict):
        made.extend(_element(key, one) for key, one in value.items())
    elif isinstance(value, list):
        made.extend(_element(_ITEMS[name], one) for one in value)
    elif isinstance(value, bool):
        made.text = "true" if value else "false"
    elif value is not None:
        made.text = _NOT_IN_XML.sub("", str(value))
    return made
