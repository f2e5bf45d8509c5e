"""The caller's faults, as one tree.

InspectionError            every fault that a caller can mend
├── BadInput               a field is missing, malformed or outside its limit
│   ├── UnknownDatum       the datum is not one of the four that are known
│   └── BadPolicy          a policy or catalogue file says something impossible
├── NotFound               no such case, frame, device, camera or token
│   └── Gone               a picture that was deleted when its time was over
├── IllegalMove            the case may not go from its state to the one asked for
├── QueueFull              too many frames are waiting: try again later
└── Conflict               the thing exists already with other contents
"""


class InspectionError(Exception):
    """A fault of the caller: `code` is stable, the message says what to do, `field` names the culprit."""

    code = "inspection_error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class BadInput(InspectionError):
    """A field is missing, malformed or outside its limit."""

    code = "bad_input"


class UnknownDatum(BadInput):
    """The datum of a coordinate is not wgs84, cgcs2000, gcj02 or bd09."""

    code = "unknown_datum"


class BadPolicy(BadInput):
    """A policy or catalogue file says something impossible."""

    code = "bad_policy"


class NotFound(InspectionError):
    """There is no such case, frame, device, camera or token."""

    code = "not_found"


class Gone(NotFound):
    """The picture was here, and was deleted when its time was over."""

    code = "gone"


class IllegalMove(InspectionError):
    """The case may not go from its state to the one asked for."""

    code = "illegal_move"


class Conflict(InspectionError):
    """The thing exists already with other contents."""

    code = "conflict"


class QueueFull(InspectionError):
    """Too many frames are waiting; `retry_after_s` says when to come again."""

    code = "queue_full"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
