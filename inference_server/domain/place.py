"""From a box in a picture to a place on the ground."""

import math
from dataclasses import dataclass

import numpy as np

from inference_server.domain.camera import Camera, View, to_east_north, to_vehicle
from inference_server.domain.frame import Fix
from inference_server.domain.geo import LatLon, LocalPlane, Matrix, Vector, bearing_deg, distance_m, heading_vector
from inference_server.domain.observation import Box, Contact, Detection, Drop, DropReason, Observation
from inference_server.domain.policy import ErrorModel, PlaceRules

_TRACK_HEADING_MIN_M = 2.0
_TURN_WITHIN_S = 2.0
_LEAST_TURN_DEG_S, _MOST_TURN_DEG_S = 15.0, 60.0
_TURN_SIGMAS = 3.0  # so far must two headings differ beyond their own noise to be a turn
# The bottom of a box is the near edge of what stands there; its middle lies this share of its width behind.
_DEPTH_SHARE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where the antenna was at the exposure, and which way the vehicle faced."""

    position: LatLon
    heading_deg: float | None
    speed_mps: float
    fix_sigma_m: float  # of one axis
    turn_deg_s: float = 0.0  # how fast the vehicle turns: in a corner an unsure lag is an unsure heading


def pose_of(fix: Fix, camera: Camera, previous: Fix | None, errors: ErrorModel, seconds: float = 0.0) -> Pose:
    """The pose at the exposure: the fix carried `lag_s` further along the heading, and around the corner in a turn.

    `previous` is the fix `seconds` before. Without a heading of its own the direction from there serves, if the vehicle
    has moved at all.
    """
    heading, turn_deg_s = fix.heading_deg, 0.0
    if heading is None and previous is not None:
        heading = _track_heading(previous.position, fix.position)
    elif heading is not None and previous is not None and previous.heading_deg is not None:
        turn_deg_s = _turn_rate(heading, previous.heading_deg, seconds, errors)
        heading = (heading + turn_deg_s * camera.lag_s) % 360.0
    speed_mps = (fix.speed_kmh or 0.0) / 3.6
    position = fix.position
    if heading is not None and camera.lag_s:
        position = LocalPlane(position).latlon(heading_vector(heading) * speed_mps * camera.lag_s)
    accuracy_m = fix.accuracy_m if fix.accuracy_m is not None else errors.default_accuracy_m
    return Pose(
        position=position,
        heading_deg=heading,
        speed_mps=speed_mps,
        fix_sigma_m=max(accuracy_m * errors.accuracy_to_sigma, 0.05),
        turn_deg_s=turn_deg_s,
    )


def _turn_rate(heading_deg: float, before_deg: float, seconds: float, errors: ErrorModel) -> float:
    """Degrees a second in a turn; zero on a straight road, where the difference of two headings is only their noise.

    Carried along by the lag, that noise would make a wrong heading more wrong still.
    """
    if not 0.0 < seconds <= _TURN_WITHIN_S:
        return 0.0
    noise_deg = errors.heading_sigma_deg * math.sqrt(2 * (1 - errors.heading_common_share))
    least = max(_LEAST_TURN_DEG_S, _TURN_SIGMAS * noise_deg / seconds)
    rate = _turn_deg(heading_deg, before_deg) / seconds
    return rate if least <= abs(rate) <= _MOST_TURN_DEG_S else 0.0


def _track_heading(a: LatLon, b: LatLon) -> float | None:
    return bearing_deg(a, b) if distance_m(a, b) >= _TRACK_HEADING_MIN_M else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """All that placing one frame's detections needs."""

    pose: Pose
    view: View | None  # None: the camera has no mount or lens
    width_px: int
    height_px: int
    network_scale: float  # network pixels per picture pixel
    rules: PlaceRules
    errors: ErrorModel

    def observe(self, detection: Detection, contact: Contact, *, is_hidden: bool = False) -> Observation | Drop:
        """The observation of a detection, or why there is none.

        Of a thing on the ground that is half hidden or cut by the frame's edge the place is told, but vaguely: it says
        that the thing is still there. On a wall it says nothing.
        """
        size_px = min(detection.box.width_px, detection.box.height_px) * self.network_scale
        least_px = self.rules.min_flat_px if contact is Contact.FLAT else self.rules.min_size_px
        if size_px < least_px:
            return Drop(DropReason.TOO_SMALL, {"size_px": round(size_px, 1), "min_size_px": least_px})
        if self.view is None or self.pose.heading_deg is None:
            return self._unplaced(detection, contact, size_px)
        is_cut = self._is_cut(detection.box, contact)
        if contact in (Contact.GROUND, Contact.FLAT):
            vague_m = self.errors.cut_sigma_m * is_cut + self.errors.hidden_sigma_m * is_hidden
            return self._on_ground(detection, contact, size_px, vague_m)
        if is_cut:
            return Drop(DropReason.CUT_BY_FRAME, {"margin_px": self.rules.edge_margin_px})
        if is_hidden:
            return Drop(DropReason.PARTLY_HIDDEN)
        return self._towards(detection, contact, size_px)

    def _is_cut(self, box: Box, contact: Contact) -> bool:
        margin = self.rules.edge_margin_px
        sides = box.x1 <= margin or box.x2 >= self.width_px - margin
        bottom = box.y2 >= self.height_px - margin
        top = contact in (Contact.WALL, Contact.HANGING) and box.y1 <= margin
        return sides or bottom or top

    def _unplaced(self, detection: Detection, contact: Contact, size_px: float) -> Observation:
        return Observation(
            detection=detection,
            contact=contact,
            bearing_deg=None,
            elevation_deg=None,
            height_deg=0.0,
            inner_deg=None,
            range_m=None,
            position=None,
            relative_cov_m2=None,
            camera_position=self.pose.position,
            size_px=size_px,
        )

    def _angles(self, box: Box) -> tuple[float, float]:
        return self._direction((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)

    def _direction(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Bearing and elevation of a pixel in degrees."""
        assert self.view is not None
        assert self.pose.heading_deg is not None
        forward, left, up = self.view.ray(x_px, y_px)
        bearing = (self.pose.heading_deg - math.degrees(math.atan2(left, forward))) % 360.0
        return bearing, math.degrees(math.atan2(up, math.hypot(forward, left)))

    def _height_deg(self, box: Box) -> float:
        assert self.view is not None
        x = (box.x1 + box.x2) / 2
        top, bottom = self.view.ray(x, box.y1), self.view.ray(x, box.y2)
        return math.degrees(math.acos(min(1.0, float(top @ bottom))))

    def _camera_position(self) -> LatLon:
        assert self.view is not None
        assert self.pose.heading_deg is not None
        offset = to_east_north(self.view.place(), self.pose.heading_deg)
        return LocalPlane(self.pose.position).latlon(offset)

    def _towards(self, detection: Detection, contact: Contact, size_px: float) -> Observation:
        box = detection.box
        assert self.pose.heading_deg is not None
        middle_y = (box.y1 + box.y2) / 2
        sides = [self._direction(x, middle_y)[0] for x in (box.x1, box.x2)]
        outer, inner = sorted(sides, key=lambda b: -abs(_turn_deg(b, self.pose.heading_deg or 0.0)))
        return Observation(
            detection=detection,
            contact=contact,
            bearing_deg=outer,
            elevation_deg=self._angles(box)[1],
            height_deg=self._height_deg(box),
            inner_deg=inner,
            range_m=None,
            position=None,
            relative_cov_m2=None,
            camera_position=self._camera_position(),
            size_px=size_px,
        )

    def _on_ground(self, detection: Detection, contact: Contact, size_px: float, vague_m: float) -> Observation | Drop:
        assert self.view is not None
        assert self.pose.heading_deg is not None
        point = ground_point(self.view, detection.box, contact)
        if point is None:
            return Drop(DropReason.ABOVE_HORIZON, {"bottom_px": round(detection.box.y2, 1)})
        range_m = float(np.linalg.norm(point - self.view.place()))
        if range_m > self.rules.max_range_m:
            return Drop(DropReason.TOO_FAR, {"range_m": round(range_m, 1), "max_range_m": self.rules.max_range_m})
        covariance = self._covariance(detection.box, contact, point) + np.eye(2) * vague_m**2
        radius_m = 1.515 * math.sqrt(float(np.trace(covariance)) / 2)
        if radius_m > self.rules.max_radius_m:
            return Drop(DropReason.TOO_FAR, {"radius_m": round(radius_m, 1), "max_radius_m": self.rules.max_radius_m})
        bearing, elevation = self._angles(detection.box)
        metres = to_east_north(point, self.pose.heading_deg)
        return Observation(
            detection=detection,
            contact=contact,
            bearing_deg=bearing,
            elevation_deg=elevation,
            height_deg=self._height_deg(detection.box),
            inner_deg=None,
            range_m=range_m,
            position=LocalPlane(self.pose.position).latlon(metres),
            relative_cov_m2=covariance,
            camera_position=self._camera_position(),
            size_px=size_px,
        )

    def _covariance(self, box: Box, contact: Contact, point: Vector) -> Matrix:
        """`(2, 2)` east-north covariance from pixel, pitch and heading errors, by finite differences."""
        assert self.view is not None
        assert self.pose.heading_deg is not None
        foot_x, foot_y = (box.x1 + box.x2) / 2, box.y2 if contact is Contact.GROUND else (box.y1 + box.y2) / 2
        here = self.view.ground(foot_x, foot_y)
        assert here is not None
        sigma_x = math.hypot(self.errors.pixel_sigma_px, self.errors.box_sigma_share * box.width_px)
        sigma_y = math.hypot(self.errors.pixel_sigma_px, self.errors.box_sigma_share * box.height_px)
        tilt_px = math.radians(self.errors.pitch_sigma_deg) * self.view.lens.focal_px
        total = np.zeros((2, 2))
        for dx, dy in ((sigma_x, 0.0), (0.0, math.hypot(sigma_y, tilt_px))):
            # One-sided, towards the camera: the other side may lie above the horizon.
            moved = self.view.ground(foot_x + dx, foot_y + dy)
            assert moved is not None
            step = to_east_north(moved - here, self.pose.heading_deg)
            total += np.outer(step, step)
        swing = np.array([-point[1], point[0]]) * math.radians(swing_sigma_deg(self.pose, self.errors))
        step = to_east_north(swing, self.pose.heading_deg)
        width_m = box.width_px * float(np.linalg.norm(point - self.view.place())) / self.view.lens.focal_px
        vague_m = self.errors.middle_sigma_share * width_m
        return np.asarray(total + np.outer(step, step) + np.eye(2) * vague_m**2)


def swing_sigma_deg(pose: Pose, errors: ErrorModel) -> float:
    """The deviation of a frame's heading; in a corner the unsure lag adds to it."""
    return math.hypot(errors.heading_sigma_deg, errors.lag_sigma_s * pose.turn_deg_s)


def _turn_deg(a: float, b: float) -> float:
    """How far `a` is turned from `b`, in [-180, 180)."""
    return (a - b + 180.0) % 360.0 - 180.0


def ground_point(view: View, box: Box, contact: Contact) -> Vector | None:
    """`(2,)` forward, left of the middle of what a box shows; None when its foot is above the horizon.

    A flat thing lies between the rays of its near and far edge; a standing one is as deep as it is wide, roughly.
    """
    x = (box.x1 + box.x2) / 2
    near = view.ground(x, box.y2)
    if near is None:
        return None
    if contact is Contact.FLAT:
        far = view.ground(x, box.y1)
        return None if far is None else np.asarray((near + far) / 2)
    from_camera = near - view.place()
    range_m = float(np.linalg.norm(from_camera))
    slant_m = math.hypot(range_m, view.mount.height_m)
    width_m = box.width_px * slant_m / view.lens.focal_px
    return np.asarray(near + from_camera / max(range_m, 1e-6) * _DEPTH_SHARE * width_m)


def clear_ground(view: View, pose: Pose, max_range_m: float) -> tuple[LatLon, ...]:
    """Corners of the ground that the picture shows up to a range: near left, far left, far right, near right."""
    assert pose.heading_deg is not None
    wide, high = view.lens.width_px, view.lens.height_px
    plane = LocalPlane(pose.position)
    corners = []
    for x, column in ((0.0, "near"), (0.0, "far"), (float(wide), "far"), (float(wide), "near")):
        point = view.ground(x, high) if column == "near" else _at_range(view, x, max_range_m)
        if point is None:
            return ()
        corners.append(plane.latlon(to_east_north(point, pose.heading_deg)))
    return tuple(corners)


def _at_range(view: View, x_px: float, range_m: float) -> Vector:
    """Where the column of a pixel reaches a range on the ground (taken at the height of the principal point)."""
    forward, left, _ = view.ray(x_px, view.lens.cy_px)
    direction = np.array([forward, left])
    return np.asarray(view.place() + direction / np.linalg.norm(direction) * range_m)


def pixel_of(view: View, pose: Pose, position: LatLon, up_m: float = 0.0) -> tuple[float, float, float] | None:
    """`x`, `y` in pixels and the range in metres of a place; None behind the camera."""
    assert pose.heading_deg is not None
    point = to_vehicle(LocalPlane(pose.position).metres(position), pose.heading_deg)
    pixel = view.pixel(float(point[0]), float(point[1]), up_m)
    if pixel is None:
        return None
    return pixel[0], pixel[1], float(np.linalg.norm(point - view.place()))
