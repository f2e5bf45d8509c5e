"""The simulated camera: where it hangs, how its lens draws, and what pixel a point of the world falls on.

Written from the textbook pinhole model and on purpose without a look at the server's ground placing: each is the
other's check.

World: metres, x to the east (or any first axis), y to the north, z up; the ground is z = 0.
Camera: x to the right of the picture, y down, z along the view.
Pixels: continuous, (0, 0) is the outer corner of the first pixel, so the middle of that pixel is (0.5, 0.5).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

NEAR_M = 0.25
"""Depth in metres below which nothing is drawn: nearer points have no useful projection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """How a camera hangs on its vehicle.

    pitch_deg is positive when the camera looks down, yaw_deg when it looks to the right of the way it drives, roll_deg
    when its right side hangs lower (clockwise seen from behind). forward_m and right_m lead from the GNSS antenna to
    the camera; height_m is above the road.
    """

    height_m: float = 1.6
    pitch_deg: float = 4.0
    yaw_deg: float = 0.0
    roll_deg: float = 0.0
    forward_m: float = 0.0
    right_m: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Lens:
    """A pinhole with two terms of radial distortion (Brown 1966): r' = r (1 + k1 r^2 + k2 r^4)."""

    focal_px: float = 900.0
    width_px: int = 1280
    height_px: int = 720
    cx_px: float = 640.0
    cy_px: float = 360.0
    k1: float = 0.0
    k2: float = 0.0

    @property
    def is_distorted(self) -> bool:
        """Whether straight lines come out bent."""
        return self.k1 != 0.0 or self.k2 != 0.0

    @cached_property
    def _turning_r2(self) -> float:
        """The squared radius where the distortion stops growing; infinite where it never does.

        The derivative 1 + 3 k1 u + 5 k2 u^2 (u = r^2) is zero there. Beyond it the polynomial folds back and would put
        things from behind the picture's edge into it.
        """
        inner = 9 * self.k1**2 - 20 * self.k2
        if inner < 0:
            return float("inf")
        bottoms = [-3 * self.k1 + sign * inner**0.5 for sign in (1, -1)]
        return min((2 / bottom for bottom in bottoms if bottom > 1e-9), default=float("inf"))

    def distort(self, ideal: Points) -> Points:
        """Pixels `(n, 2)` where points of an ideal pinhole's pixels `(n, 2)` really fall.

        Past the radius where the polynomial would fold back, points go on straight outwards: off the picture.
        """
        centre = np.array([self.cx_px, self.cy_px])
        flat = (ideal - centre) / self.focal_px
        r2 = np.sum(flat * flat, axis=1, keepdims=True)
        inner = np.minimum(r2, self._turning_r2)
        scale = (1 + self.k1 * inner + self.k2 * inner * inner) * np.sqrt(inner / np.maximum(r2, 1e-18))
        beyond = 1 - np.sqrt(inner / np.maximum(r2, 1e-18))
        return np.asarray(
            centre + self.focal_px * flat * np.where(r2 > inner, scale + beyond, 1 + self.k1 * r2 + self.k2 * r2 * r2)
        )

    def undistort(self, real: Points, rounds: int = 12) -> Points:
        """Ideal pixels `(n, 2)` of real pixels `(n, 2)`, by fixed-point rounds; good to 1e-6 px for |k1| <= 0.3."""
        centre = np.array([self.cx_px, self.cy_px])
        goal = (real - centre) / self.focal_px
        flat = goal.copy()
        for _ in range(rounds):
            r2 = np.sum(flat * flat, axis=1, keepdims=True)
            flat = goal / (1 + self.k1 * r2 + self.k2 * r2 * r2)
        return np.asarray(centre + self.focal_px * flat)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where the antenna is (metres on the ground plane) and where the vehicle points (degrees, clockwise from +y)."""

    x_m: float
    y_m: float
    heading_deg: float


@dataclass(frozen=True)
class View:
    """A camera at one place and moment: turns points of the world into pixels."""

    lens: Lens
    centre: Points
    rotation: Points

    def in_camera(self, world: Points) -> Points:
        """Points `(n, 3)` of the world in camera axes `(n, 3)`; the last column is the depth in metres."""
        return np.asarray((world - self.centre) @ self.rotation.T)

    def ideal_pixels(self, in_camera: Points) -> Points:
        """Pixels `(n, 2)` of points in camera axes `(n, 3)` before distortion; their depth must be positive."""
        scale = self.lens.focal_px / in_camera[:, 2:3]
        return np.asarray(in_camera[:, :2] * scale + (self.lens.cx_px, self.lens.cy_px))

    def project(self, world: Points) -> tuple[Points, Points]:
        """Pixels `(n, 2)` and depths `(n,)` of points of the world `(n, 3)`; a pixel behind the camera is nan."""
        local = self.in_camera(world)
        depth = local[:, 2]
        local = local.copy()
        local[depth < NEAR_M] = np.nan
        pixels = self.ideal_pixels(local)
        if self.lens.is_distorted:
            pixels = self.lens.distort(pixels)
        return pixels, depth

    def plane_matrix(self, origin: Points, along: Points, across: Points) -> Points:
        """The 3x3 matrix that takes `(s, t, 1)` on the plane origin + s along + t across to ideal pixels."""
        columns = np.stack([along, across, origin - self.centre], axis=1)
        return np.asarray(self.intrinsic @ self.rotation @ columns)

    @cached_property
    def intrinsic(self) -> Points:
        """The 3x3 matrix of the ideal lens."""
        lens = self.lens
        return np.array([[lens.focal_px, 0, lens.cx_px], [0, lens.focal_px, lens.cy_px], [0, 0, 1.0]])


def horizontal_axes(heading_deg: float) -> tuple[Points, Points]:
    """Forward and right unit vectors `(3,)` of something that points to heading_deg."""
    angle = np.radians(heading_deg)
    sine, cosine = float(np.sin(angle)), float(np.cos(angle))
    return np.array([sine, cosine, 0.0]), np.array([cosine, -sine, 0.0])


def turn_of(heading_deg: float, mount: Mount) -> Points:
    """The rotation `(3, 3)` whose rows are the camera's right, down and forward axes in the world."""
    level, right = horizontal_axes(heading_deg + mount.yaw_deg)
    pitch, roll = np.radians(mount.pitch_deg), np.radians(mount.roll_deg)
    forward = np.cos(pitch) * level - np.sin(pitch) * np.array([0.0, 0.0, 1.0])
    down = np.cross(forward, right)
    rolled_right = np.cos(roll) * right + np.sin(roll) * down
    rolled_down = np.cos(roll) * down - np.sin(roll) * right
    return np.stack([rolled_right, rolled_down, forward])


def view_from(pose: Pose, mount: Mount, lens: Lens) -> View:
    """The view of a camera on a vehicle whose antenna is at the pose."""
    forward, right = horizontal_axes(pose.heading_deg)
    antenna = np.array([pose.x_m, pose.y_m, 0.0])
    centre = antenna + mount.forward_m * forward + mount.right_m * right + np.array([0.0, 0.0, mount.height_m])
    return View(lens=lens, centre=centre, rotation=turn_of(pose.heading_deg, mount))


def mount_record(mount: Mount, lens: Lens, lag_s: float) -> dict[str, Any]:
    """The body that tells a server about this camera: mount, lens and the declared lag of its fixes."""
    names = ("height_m", "pitch_deg", "yaw_deg", "roll_deg", "forward_m", "right_m")
    optics = ("focal_px", "width_px", "height_px", "cx_px", "cy_px", "k1", "k2")
    return {
        "mount": {name: getattr(mount, name) for name in names},
        "lens": {name: getattr(lens, name) for name in optics},
        "lag_s": lag_s,
    }
