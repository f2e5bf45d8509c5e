"""What a file says of itself: written by an editor, or by a program that makes pictures.

Only the careless are found so, and every picture that was sent through a chat program has lost its marks; but who finds
one need look no further. The marks are searched as bytes: in compressed pixels they do not occur by chance.
"""

from enum import StrEnum
from typing import Final


class Mark(StrEnum):
    """How a file gives itself away."""

    GENERATED = "generated"
    EDITOR = "editor"


# IPTC digital source types of made pictures (https://cv.iptc.org/newscodes/digitalsourcetype/), in XMP or C2PA.
_GENERATED: Final = (b"trainedAlgorithmicMedia", b"compositeWithTrainedAlgorithmicMedia", b"compositeSynthetic")
# The names that editors write into the tag Software, or into XMP.
_EDITORS: Final = (
    b"Adobe Photoshop",
    b"GIMP 2.",
    b"GIMP 3.",
    b"Snapseed",
    b"PicsArt",
    b"Meitu",
    b"Pixelmator",
    b"Affinity Photo",
    b"TouchRetouch",
)


def declared_mark(data: bytes) -> Mark | None:
    """The mark that a picture file carries, the graver one first; None where it says nothing."""
    if any(mark in data for mark in _GENERATED):
        return Mark.GENERATED
    return Mark.EDITOR if any(mark in data for mark in _EDITORS) else None
