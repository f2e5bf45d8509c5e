"""What can go wrong in the vehicle, with the exit code each ends in.

PatrolError
├── InputError          the pictures, the track or the buffer cannot be used (exit 3)
│   └── BufferFull      no room for another picture
└── OutsideError        the server or the network does not play along (exit 4)
    └── Halt            sending on would harm: nothing is lost, a person has to look
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How `xuncheng-patrol` ends."""

    FINE = 0
    CHECK_FAILED = 1
    USAGE = 2
    INPUT = 3
    OUTSIDE = 4


class PatrolError(Exception):
    """Something went wrong in the vehicle; the message says what to do."""

    exit_code = ExitCode.CHECK_FAILED


class InputError(PatrolError):
    """The input cannot be used."""

    exit_code = ExitCode.INPUT


class BufferFull(InputError):
    """The send buffer holds as many bytes as it may; the frame was not taken."""

    def __init__(self, *, held_bytes: int, frame_bytes: int, max_bytes: int) -> None:
        super().__init__(
            f"the send buffer is full: {held_bytes} bytes wait or are parked, the frame has {frame_bytes}, "
            f"the limit is {max_bytes}; let it upload, look at the parked frames, or raise the limit"
        )
        self.held_bytes = held_bytes
        self.frame_bytes = frame_bytes
        self.max_bytes = max_bytes


class OutsideError(PatrolError):
    """The server or the network does not answer as it should."""

    exit_code = ExitCode.OUTSIDE


class Halt(OutsideError):
    """Every frame of the lane would be refused for the same reason (a wrong token, a wrong address)."""
