"""Where a page of a list ended, as an opaque text: a moment and an id."""

import base64
import binascii
from datetime import datetime

from inference_server.domain.errors import BadInput


def cursor_after(moment: datetime, name: str) -> str:
    """The cursor of the page after this row."""
    return base64.urlsafe_b64encode(f"{moment.isoformat()}|{name}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """Moment and id of the last row before; raises BadInput for a text that is no cursor of ours."""
    try:
        text, _, name = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        moment = datetime.fromisoformat(text)
    except (ValueError, binascii.Error) as error:
        raise BadInput("this cursor is none of ours", field="cursor") from error
    if moment.tzinfo is None:
        raise BadInput("this cursor is none of ours", field="cursor")
    return moment, name
