"""Builders for what a vehicle sees; every argument has a default, so that a test shows only what matters to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from inference_server.domain.camera import Lens, Mount, View, to_east_north, to_vehicle
from inference_server.domain.frame import Fix, Frame, camera_id, frame_id
from inference_server.domain.geo import LatLon, LocalPlane, Vector
from inference_server.domain.observation import Box, Contact, Detection
from inference_server.domain.place import Placing, Pose
from inference_server.domain.policy import ErrorModel, PlaceRules

START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
ORIGIN = LatLon(30.27, 120.15)
PLANE = LocalPlane(ORIGIN)
MOUNT = Mount(height_m=2.0, pitch_deg=8.0, forward_m=1.0, right_m=0.3)
LENS = Lens(focal_px=900.0, width_px=1280, height_px=720, cx_px=640.0, cy_px=360.0)
VIEW = View.of(MOUNT, LENS)


def at(east_m: float, north_m: float) -> LatLon:
    """A position some metres from the origin."""
    return PLANE.latlon(np.array([east_m, north_m]))


def metres(position: LatLon) -> Vector:
    """`(2,)` metres of a position from the origin."""
    return PLANE.metres(position)


def a_pose(*, east_m: float = 0.0, north_m: float = 0.0, heading_deg: float = 0.0, fix_sigma_m: float = 2.0) -> Pose:
    """Where a vehicle is."""
    return Pose(position=at(east_m, north_m), heading_deg=heading_deg, speed_mps=8.0, fix_sigma_m=fix_sigma_m)


def a_frame(seconds: float = 0.0, *, camera: str = "front", device: str = "car-1", fix: Fix | None = None) -> Frame:
    """A frame taken some seconds after the start."""
    taken_at = START + timedelta(seconds=seconds)
    sha256 = f"{device}{camera}{seconds}".encode().hex().ljust(64, "0")[:64]
    return Frame(
        id=frame_id(device, camera, taken_at, sha256),
        device=device,  # type: ignore[arg-type]
        camera=camera_id(device, camera),
        seq=int(seconds * 10),
        taken_at=taken_at,
        claimed_at=taken_at,
        received_at=taken_at,
        sha256=sha256,
        size_bytes=1000,
        content_type="image/jpeg",
        fix=fix,
    )


def a_detection(box: Box, *, index: int = 0, class_name: str = "garbage", score: float = 0.9) -> Detection:
    """One box."""
    return Detection(index=index, class_name=class_name, score=score, box=box)


def a_placing(pose: Pose, *, view: View | None = VIEW, errors: ErrorModel | None = None) -> Placing:
    """A frame's placing with a picture of the lens's size."""
    return Placing(
        pose=pose,
        view=view,
        width_px=LENS.width_px,
        height_px=LENS.height_px,
        network_scale=0.5,
        rules=PlaceRules(),
        errors=errors or ErrorModel(),
    )


def box_of(pose: Pose, thing: Vector, *, radius_m: float = 0.5, height_m: float = 0.8, up_m: float = 0.0) -> Box | None:
    """The box of an upright cylinder (flat if `height_m` is 0) at `(2,)` metres east, north; None if out of sight."""
    assert pose.heading_deg is not None
    corners = []
    for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        rim = thing + radius_m * np.array([np.cos(angle), np.sin(angle)])
        point = to_vehicle(rim - metres(pose.position), pose.heading_deg)
        for up in (up_m, up_m + height_m):
            pixel = VIEW.pixel(float(point[0]), float(point[1]), up)
            if pixel is None:
                return None
            corners.append(pixel)
    xs, ys = zip(*corners, strict=True)
    box = Box(x1=min(xs), y1=min(ys), x2=max(xs), y2=max(ys))
    inside = box.x1 > 3 and box.y1 > 3 and box.x2 < LENS.width_px - 3 and box.y2 < LENS.height_px - 3
    return box if inside else None


def moved(pose: Pose, east_m: float, north_m: float) -> Pose:
    """The pose shifted: what a receiver with that error reports."""
    return replace(pose, position=PLANE.latlon(metres(pose.position) + np.array([east_m, north_m])))


def ahead(pose: Pose, forward_m: float, left_m: float) -> Vector:
    """`(2,)` metres east, north of a point before the vehicle."""
    assert pose.heading_deg is not None
    return metres(pose.position) + to_east_north(np.array([forward_m, left_m]), pose.heading_deg)


FLAT, GROUND, WALL = Contact.FLAT, Contact.GROUND, Contact.WALL
