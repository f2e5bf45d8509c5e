"""Messages of the stream: length of the JSON (4 bytes, big-endian), the JSON, the picture; and their answers."""

import json
import struct
from typing import Any

from detector.picture_errors import PictureError
from inference_server.domain.errors import BadInput, InspectionError
from inference_server.ports import Accepted
from inference_server.web.body import MAX_META_BYTES
from inference_server.web.refusals import BodyTooLarge, Malformed

_LENGTH = struct.Struct(">I")


def split_message(data: bytes | None) -> tuple[bytes, bytes]:
    """Meta and picture of a binary message; raises Malformed, BodyTooLarge or BadInput.

    >>> split_message(bytes([0, 0, 0, 2]) + b"{}" + b"picture")
    (b'{}', b'picture')
    """
    if data is None:
        raise Malformed("a frame is a binary message: 4 bytes of length, the JSON, the picture")
    if len(data) < _LENGTH.size:
        raise Malformed("the message is shorter than the length of its JSON")
    (length,) = _LENGTH.unpack_from(data)
    if length > MAX_META_BYTES:
        raise BodyTooLarge(MAX_META_BYTES, field="meta")
    start, end = _LENGTH.size, _LENGTH.size + length
    if end > len(data):
        raise Malformed(f"the JSON is said to have {length} bytes, the message has {len(data) - start}")
    if end == len(data):
        raise BadInput("the message has no picture", field="image")
    return data[start:end], data[end:]


def seq_of(meta: bytes) -> int | None:
    """The number that the answer repeats, where the JSON is good enough to hold one."""
    try:
        seq = json.loads(meta)["seq"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else None


def accepted_answer(seq: int | None, accepted: Accepted) -> dict[str, Any]:
    """The answer to a frame that was taken."""
    status = "accepted" if accepted.is_new else "duplicate"
    return {"seq": seq, "frame": accepted.frame_id, "status": status, "code": None, "retry_after_s": None}


def refused_answer(data: bytes | None, error: InspectionError | PictureError) -> dict[str, Any]:
    """The answer to a message that was refused."""
    try:
        seq = seq_of(split_message(data)[0])
    except InspectionError:
        seq = None
    return {
        "seq": seq,
        "frame": None,
        "status": "refused",
        "code": error.code,
        "retry_after_s": getattr(error, "retry_after_s", None),
        "detail": error.message,
        "field": getattr(error, "field", None),
    }
