"""Builders of captured frames: a test shows only what matters to it."""

from datetime import UTC, datetime, timedelta

from patrol.frame import CapturedFrame, Position

FIRST_AT = datetime(2026, 11, 22, 2, 3, 4, tzinfo=UTC)
TEN_METRES_DEG = 9e-5


def a_captured_frame(
    number: int = 0, *, device: str = "zhe-A-1027", camera: str = "front", picture: bytes | None = None
) -> CapturedFrame:
    """The frame `number` of a drive northwards, one a second; every picture is another one."""
    return CapturedFrame(
        device=device,
        camera=camera,
        seq=number,
        taken_at=FIRST_AT + timedelta(seconds=number),
        picture=picture if picture is not None else f"picture {device} {camera} {number}".encode(),
        position=Position(lat=30.2741 + number * TEN_METRES_DEG, lon=120.1551, accuracy_m=2.5),
        heading_deg=0.0,
        speed_kmh=36.0,
    )
