"""A camera on a vehicle: from pixels to rays to the ground, and back.

Axes of the camera: x right, y down, z forward. The vehicle frame is forward, left, up with its origin on the ground
below the GNSS antenna. Pinhole model with two radial terms (Brown), as in any text on camera calibration.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from inference_server.domain.geo import Matrix, Vector

_UNDISTORT_STEPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Where the camera sits: metres from the antenna (forward, right, height over ground), degrees of its axes.

    `pitch_deg` is positive looking down, `yaw_deg` positive to the right, `roll_deg` positive clockwise as the camera
    sees it.
    """

    height_m: float
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0
    roll_deg: float = 0.0
    forward_m: float = 0.0
    right_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """Focal length and principal point in pixels of a picture `width_px` x `height_px`; `k1`, `k2` radial terms."""

    focal_px: float
    width_px: int
    height_px: int
    cx_px: float
    cy_px: float
    k1: float = 0.0
    k2: float = 0.0


Mask = tuple[tuple[float, float], ...]  # corners (x, y) in shares of the upright picture's width and height


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What is known of one camera. The fix of a frame is the antenna's position `lag_s` before the exposure.

    masks: parts of its picture that are blacked out before it is stored.
    """

    mount: Mount | None = None
    lens: Lens | None = None
    lag_s: float = 0.0
    masks: tuple[Mask, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A calibrated camera: rays of pixels in the vehicle frame, and pixels of points in it."""

    mount: Mount
    lens: Lens
    rotation: Matrix = field(repr=False)

    @classmethod
    def of(cls, mount: Mount, lens: Lens) -> "View":
        """The view of a camera with both mount and lens."""
        return cls(mount, lens, _camera_to_vehicle(mount))

    def scaled(self, width_px: int, height_px: int) -> "View":
        """The same camera for a picture of another size (a device may send a smaller one than it calibrated)."""
        if (width_px, height_px) == (self.lens.width_px, self.lens.height_px):
            return self
        wide, high = width_px / self.lens.width_px, height_px / self.lens.height_px
        lens = Lens(
            focal_px=self.lens.focal_px * wide,
            width_px=width_px,
            height_px=height_px,
            cx_px=self.lens.cx_px * wide,
            cy_px=self.lens.cy_px * high,
            k1=self.lens.k1,
            k2=self.lens.k2,
        )
        return View(self.mount, lens, self.rotation)

    def ray(self, x_px: float, y_px: float) -> Vector:
        """`(3,)` direction forward, left, up (unit length) of a pixel."""
        x, y = self._undistorted(
            (x_px - self.lens.cx_px) / self.lens.focal_px, (y_px - self.lens.cy_px) / self.lens.focal_px
        )
        direction = self.rotation @ np.array([x, y, 1.0])
        return np.asarray(direction / np.linalg.norm(direction))

    def ground(self, x_px: float, y_px: float) -> Vector | None:
        """`(2,)` metres forward, left of the antenna where the pixel's ray meets the ground; None above the horizon."""
        direction = self.ray(x_px, y_px)
        if direction[2] >= -1e-4:
            return None
        reach_m = self.mount.height_m / -direction[2]
        return np.asarray(self.place() + reach_m * direction[:2])

    def place(self) -> Vector:
        """`(2,)` metres forward, left of the camera from the antenna."""
        return np.array([self.mount.forward_m, -self.mount.right_m])

    def pixel(self, forward_m: float, left_m: float, up_m: float = 0.0) -> tuple[float, float] | None:
        """The pixel of a point of the vehicle frame; None behind the camera."""
        place = self.place()
        point = np.array([forward_m - place[0], left_m - place[1], up_m - self.mount.height_m])
        x, y, z = self.rotation.T @ point
        if z <= 0.1:
            return None
        x, y = x / z, y / z
        r2 = x * x + y * y
        bend = 1.0 + self.lens.k1 * r2 + self.lens.k2 * r2 * r2
        return float(self.lens.cx_px + self.lens.focal_px * x * bend), float(
            self.lens.cy_px + self.lens.focal_px * y * bend
        )

    def _undistorted(self, x: float, y: float) -> tuple[float, float]:
        """Fixed-point iteration for the inverse of the radial model (as OpenCV's undistortPoints does)."""
        ux, uy = x, y
        for _ in range(_UNDISTORT_STEPS):
            r2 = ux * ux + uy * uy
            bend = 1.0 + self.lens.k1 * r2 + self.lens.k2 * r2 * r2
            ux, uy = x / bend, y / bend
        return ux, uy


def _camera_to_vehicle(mount: Mount) -> Matrix:
    """`(3, 3)` rotation from camera axes (right, down, forward) to vehicle axes (forward, left, up)."""
    pitch, yaw, roll = (math.radians(a) for a in (mount.pitch_deg, mount.yaw_deg, mount.roll_deg))
    axes = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    rolled = np.array([[math.cos(roll), -math.sin(roll), 0.0], [math.sin(roll), math.cos(roll), 0.0], [0.0, 0.0, 1.0]])
    tilt = np.array(
        [[math.cos(pitch), 0.0, math.sin(pitch)], [0.0, 1.0, 0.0], [-math.sin(pitch), 0.0, math.cos(pitch)]]
    )
    turn = np.array([[math.cos(yaw), math.sin(yaw), 0.0], [-math.sin(yaw), math.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(turn @ tilt @ axes @ rolled)


def to_east_north(vehicle_m: Vector, heading_deg: float) -> Vector:
    """`(2,)` metres forward, left turned into east, north.

    >>> to_east_north(np.array([10.0, 0.0]), 90.0).round(6).tolist()
    [10.0, 0.0]
    """
    angle = math.radians(heading_deg)
    forward = np.array([math.sin(angle), math.cos(angle)])
    left = np.array([-math.cos(angle), math.sin(angle)])
    return np.asarray(vehicle_m[0] * forward + vehicle_m[1] * left)


def to_vehicle(east_north_m: Vector, heading_deg: float) -> Vector:
    """`(2,)` metres east, north turned into forward, left; undoes `to_east_north`."""
    angle = math.radians(heading_deg)
    forward = np.array([math.sin(angle), math.cos(angle)])
    left = np.array([-math.cos(angle), math.sin(angle)])
    return np.array([forward @ east_north_m, left @ east_north_m])
