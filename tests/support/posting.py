"""What a device posts: meta, pictures, and a drive around one thing that ends as a case."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import cv2
import httpx
import numpy as np
from support.drive import LENS, MOUNT, PLANE, VIEW

DEVICE = "zhe-A-1027"
# the one box that the model of these tests finds: right ahead, on the ground, some 9 m away
BOX = (600.0, 420.0, 680.0, 470.0)
CAMERA_JSON: dict[str, Any] = {
    "mount": {"height_m": MOUNT.height_m, "pitch_deg": MOUNT.pitch_deg, "forward_m": MOUNT.forward_m},
    "lens": {
        "focal_px": LENS.focal_px,
        "width_px": LENS.width_px,
        "height_px": LENS.height_px,
        "cx_px": LENS.cx_px,
        "cy_px": LENS.cy_px,
    },
    "lag_s": 0.0,
}


@cache
def a_picture(seed: int = 0, width_px: int = 1280, height_px: int = 720) -> bytes:
    """A JPEG that is sharp and neither dark nor bright; another one for each seed."""
    rough = np.random.default_rng(seed).integers(0, 255, (height_px // 8, width_px // 8, 3), dtype=np.uint8)
    pixels = cv2.resize(rough, (width_px, height_px), interpolation=cv2.INTER_NEAREST)
    return bytes(cv2.imencode(".jpg", pixels)[1])


def a_meta(*, device: str = DEVICE, **changes: Any) -> dict[str, Any]:
    """The meta of a frame that was taken and sent just now."""
    now = datetime.now(UTC).isoformat()
    position = {"lat": 30.2741, "lon": 120.1551, "datum": "wgs84", "accuracy_m": 2.5}
    meta = {
        "device": device,
        "camera": "front",
        "seq": 88121,
        "taken_at": now,
        "sent_at": now,
        "position": position,
        "heading_deg": 92.0,
        "speed_kmh": 31.5,
        "campaign": None,
    }
    return meta | changes


def without(meta: dict[str, Any], path: str) -> dict[str, Any]:
    """The meta less one field, `position.datum` for instance."""
    head, _, tail = path.partition(".")
    if not tail:
        return {name: value for name, value in meta.items() if name != head}
    return {**meta, head: without(meta[head], tail)}


def form(meta: dict[str, Any] | str, picture: bytes) -> dict[str, Any]:
    """The multipart form of a frame, for the argument `files` of httpx."""
    text = meta if isinstance(meta, str) else json.dumps(meta)
    return {"meta": (None, text, "application/json"), "image": ("frame.jpg", picture, "image/jpeg")}


def message(meta: dict[str, Any] | str, picture: bytes) -> bytes:
    """The binary message of a frame for the stream."""
    text = (meta if isinstance(meta, str) else json.dumps(meta)).encode()
    return struct.pack(">I", len(text)) + text + picture


def post(client: httpx.Client, meta: dict[str, Any] | str, picture: bytes, *, wait: bool = False) -> httpx.Response:
    """The answer to a posted frame."""
    return client.post("/v1/frames", params={"wait": "1"} if wait else {}, files=form(meta, picture))


def around_a_thing(
    *,
    device: str = DEVICE,
    frames: int = 7,
    starts_at: datetime | None = None,
    camera: str = "front",
    north_m: float = 0.0,
) -> Iterator[dict[str, Any]]:
    """Metas of a vehicle that drives around one thing on the ground and looks at it all the time.

    The model of these tests finds the same box in any picture; like this it stands for the same place, too.
    """
    begun_at = starts_at or datetime.now(UTC) - timedelta(seconds=frames)
    ahead = VIEW.ground((BOX[0] + BOX[2]) / 2, BOX[3])
    assert ahead is not None
    reach_m = float(np.hypot(*ahead))
    off_deg = math.degrees(math.atan2(ahead[1], ahead[0]))  # how far left of straight ahead it lies
    for i in range(frames):
        bearing_deg = 20.0 * i
        east_m, off_m = (-reach_m * f(math.radians(bearing_deg)) for f in (math.sin, math.cos))
        here = PLANE.latlon(np.array([east_m, north_m + off_m]))
        moment = (begun_at + timedelta(seconds=0.5 * i)).isoformat()
        yield a_meta(
            device=device,
            camera=camera,
            seq=i,
            taken_at=moment,
            sent_at=datetime.now(UTC).isoformat(),
            position={"lat": here.lat, "lon": here.lon, "datum": "wgs84", "accuracy_m": 1.0},
            heading_deg=(bearing_deg + off_deg) % 360.0,
        )
