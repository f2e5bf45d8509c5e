"""The answers of GeoReport v2 for the OpenAPI document: their fields, and an example of each."""

from typing import Any, Final

from inference_server.web.open311.formats import MEDIA_TYPES, Format

Schema = dict[str, Any]
_TEXT: Final[Schema] = {"type": "string"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_YES_NO: Final[Schema] = {"type": "boolean"}


def _object(**fields: Schema) -> Schema:
    return {"type": "object", "required": list(fields), "properties": fields}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


_VALUE = _object(key=_TEXT, name=_TEXT)
_ATTRIBUTE = _object(
    variable=_YES_NO,
    code=_TEXT,
    datatype=_TEXT,
    required=_YES_NO,
    datatype_description=_MAYBE,
    order={"type": "integer"},
    description=_TEXT,
    values=_list(_VALUE),
)
_ENDPOINT = _object(specification=_TEXT, url=_TEXT, changeset=_TEXT, type=_TEXT, formats=_list(_TEXT))
_SERVICE = _object(
    service_code=_TEXT,
    service_name=_TEXT,
    description=_TEXT,
    metadata=_YES_NO,
    type=_TEXT,
    keywords=_TEXT,
    group=_TEXT,
)
_REQUEST = _object(
    service_request_id=_TEXT,
    status={"type": "string", "enum": ["open", "closed"]},
    status_notes=_TEXT,
    service_name=_TEXT,
    service_code=_TEXT,
    description=_TEXT,
    agency_responsible=_MAYBE,
    service_notice=_MAYBE,
    requested_datetime=_TEXT,
    updated_datetime=_TEXT,
    expected_datetime=_MAYBE,
    address=_MAYBE,
    address_id=_MAYBE,
    zipcode=_MAYBE,
    lat={"type": "number"},
    long={"type": "number"},
    media_url=_MAYBE,
)
_CREATED = {
    "type": "object",
    "required": ["service_notice", "account_id"],
    "properties": {"service_request_id": _TEXT, "token": _TEXT, "service_notice": _TEXT, "account_id": _MAYBE},
}

DISCOVERY: Final = _object(changeset=_TEXT, contact=_TEXT, key_service=_TEXT, endpoints=_list(_ENDPOINT))
SERVICES: Final = _list(_SERVICE)
DEFINITION: Final = _object(service_code=_TEXT, attributes=_list(_ATTRIBUTE))
REQUESTS: Final = _list(_REQUEST)
TOKENS: Final = _list(_object(service_request_id=_MAYBE, token=_TEXT))
CREATED: Final = _list(_CREATED)


def shown(schema: Schema) -> dict[int | str, dict[str, Any]]:
    """The answer of a route."""
    content: dict[str, Any] = {MEDIA_TYPES[Format.JSON]: {"schema": schema}, MEDIA_TYPES[Format.XML]: {}}
    return {200: {"description": "As GeoReport v2 has it", "content": content}}
