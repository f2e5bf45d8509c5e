"""A part of a body that is JSON."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from inference_server.domain.errors import BadInput
from inference_server.web.errors import describe
from inference_server.web.refusals import Malformed

Said = TypeVar("Said", bound=BaseModel)


def read_json_part(schema: type[Said], part: bytes, name: str) -> Said:
    """What the part says, strictly; raises Malformed for what is no JSON, else BadInput that names part and field."""
    try:
        return schema.model_validate_json(part)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        if faults[0]["type"] == "json_invalid":
            raise Malformed(f"{name} is no JSON: {faults[0]['msg']}", field=name) from None
        field, detail = describe(faults)
        raise BadInput(detail, field=".".join(filter(None, (name, field)))) from None
