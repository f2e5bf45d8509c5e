"""A simulated drive as the vehicle sends it."""

from datetime import datetime

from patrol.frame import CapturedFrame, Position
from patrol.simulate.frames import SimFrame


def captured(drawn: SimFrame, picture: bytes) -> CapturedFrame:
    """The frame a vehicle would put into its buffer; the truth stays behind."""
    said = drawn.meta
    return CapturedFrame(
        device=said["device"],
        camera=said["camera"],
        seq=said["seq"],
        taken_at=datetime.fromisoformat(said["taken_at"]),
        picture=picture,
        position=None if said["position"] is None else Position(**said["position"]),
        heading_deg=said["heading_deg"],
        speed_kmh=said["speed_kmh"],
        campaign=said["campaign"],
        origin=drawn.key,
        notes=("drawn scene",),
    )
