"""The simulated city's camera and the server's were written apart: they must say the same."""

import csv
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.domain.camera import Camera, Lens, Mount, View, to_vehicle
from inference_server.domain.frame import Fix
from inference_server.domain.geo import LatLon, LocalPlane, bearing_deg
from inference_server.domain.observation import Box, Contact, Detection, Observation
from inference_server.domain.place import Placing, pose_of
from inference_server.domain.policy import ErrorModel, PlaceRules
from patrol.simulate.camera import Lens as DrawnLens
from patrol.simulate.camera import Mount as DrawnMount
from patrol.simulate.camera import Pose as DrawnPose
from patrol.simulate.camera import view_from
from patrol.simulate.plane import LocalPlane as DrawnPlane

OPTICS = {"focal_px": 900.0, "width_px": 1280, "height_px": 720, "cx_px": 642.0, "cy_px": 355.0, "k1": -0.05}


@given(
    angles=st.tuples(st.floats(-5, 25), st.floats(-40, 40), st.floats(-8, 8)),
    heading=st.floats(0, 360),
    place=st.tuples(st.floats(-25, 25), st.floats(-25, 25), st.floats(0, 3)),
)
def test_a_point_of_the_world_falls_on_the_same_pixel(angles, heading, place):
    pitch, yaw, roll = angles
    hung = {"height_m": 1.9, "pitch_deg": pitch, "yaw_deg": yaw, "roll_deg": roll, "forward_m": 1.2, "right_m": -0.3}
    drawn = view_from(DrawnPose(x_m=3.0, y_m=-2.0, heading_deg=heading), DrawnMount(**hung), DrawnLens(**OPTICS))
    pixels, depths = drawn.project(np.array([place]))
    if depths[0] < 0.5 or not (-100 < pixels[0][0] < 1380 and -100 < pixels[0][1] < 820):
        return
    point = to_vehicle(np.array([place[0] - 3.0, place[1] + 2.0]), heading)
    served = View.of(Mount(**hung), Lens(**OPTICS)).pixel(float(point[0]), float(point[1]), place[2])
    assert served == pytest.approx(tuple(pixels[0]), abs=1e-6)


@given(east=st.floats(-800, 800), north=st.floats(-800, 800))
def test_a_position_is_the_same_on_both_planes_to_the_centimetre(east, north):
    lat, lon = DrawnPlane(30.27, 120.15).to_latlon(east, north)
    served = LocalPlane(LatLon(30.27, 120.15)).metres(LatLon(lat, lon))
    assert served == pytest.approx([east, north], abs=0.25)  # 0.2 mm per metre off the middle latitude
    here = LocalPlane(LatLon(lat, lon))
    near = LatLon(*DrawnPlane(30.27, 120.15).to_latlon(east + 20.0, north + 15.0))
    assert here.metres(near) == pytest.approx([20.0, 15.0], abs=0.01)  # what placing uses: a frame's surroundings


@dataclass(frozen=True)
class Moment:
    """One row of the accurate pose."""

    t_s: float
    position: LatLon
    speed_mps: float
    heading_deg: float


def table(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def accurate_drive(folder):
    rows = table(folder / "drives" / "comma_highway_pose_20hz.csv")
    places = [LatLon(float(r["lat_wgs84"]), float(r["lon_wgs84"])) for r in rows]
    headings = [bearing_deg(a, b) for a, b in zip(places, places[10:], strict=False)]
    return [
        Moment(float(r["t_s"]), p, float(r["speed_mps"]), h) for r, p, h in zip(rows, places, headings, strict=False)
    ]


HUNG = {"height_m": 1.4, "pitch_deg": 3.0, "yaw_deg": 4.0, "forward_m": 0.8, "right_m": 0.2}


def seen_from(moment, thing):
    """The server's detection of a flat disc of 1 m at a position, drawn from the pose by the other geometry."""
    plane = DrawnPlane(moment.position.lat, moment.position.lon)
    east, north = plane.to_enu(thing.lat, thing.lon)
    view = view_from(DrawnPose(x_m=0, y_m=0, heading_deg=moment.heading_deg), DrawnMount(**HUNG), DrawnLens(**OPTICS))
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    rim = np.stack([east + 0.5 * np.cos(angles), north + 0.5 * np.sin(angles), 0 * angles], axis=1)
    pixels, _ = view.project(rim)
    (x1, y1), (x2, y2) = pixels.min(axis=0), pixels.max(axis=0)
    return Detection(index=0, class_name="pothole", score=0.9, box=Box(x1=x1, y1=y1, x2=x2, y2=y2))


def placed(fix, camera, detection):
    pose = pose_of(fix, camera, None, ErrorModel())
    view = View.of(Mount(**HUNG), Lens(**OPTICS))
    placing = Placing(
        pose=pose, view=view, width_px=1280, height_px=720, network_scale=0.5, rules=PlaceRules(), errors=ErrorModel()
    )
    one = placing.observe(detection, Contact.FLAT)
    assert isinstance(one, Observation)
    assert one.position is not None
    return one.position


def things_beside(drive):
    """A thing 9 m ahead and 2 m right of every 40th moment of the drive."""
    for moment in drive[::40]:
        ahead = np.radians(moment.heading_deg)
        east = 9.0 * np.sin(ahead) + 2.0 * np.cos(ahead)
        north = 9.0 * np.cos(ahead) - 2.0 * np.sin(ahead)
        yield moment, LatLon(*DrawnPlane(moment.position.lat, moment.position.lon).to_latlon(east, north))


def gaps_m(pairs):
    return np.array([np.hypot(*LocalPlane(a).metres(b)) for a, b in pairs])


def test_ground_placing_follows_the_accurate_pose_of_a_real_drive(shared):
    drive = accurate_drive(shared)
    pairs = []
    for moment, thing in things_beside(drive):
        fix = Fix(position=moment.position, heading_deg=moment.heading_deg, speed_kmh=moment.speed_mps * 3.6)
        pairs.append((placed(fix, Camera(), seen_from(moment, thing)), thing))
    assert len(pairs) >= 25
    assert gaps_m(pairs).max() < 0.1


def test_the_receivers_own_fixes_place_things_no_worse_than_the_receiver_itself(shared):
    drive = accurate_drive(shared)
    rows = table(shared / "drives" / "comma_highway_ublox.csv")
    times = np.array([float(r["t_s"]) for r in rows])
    pairs, fixes = [], []
    for moment, thing in things_beside(drive):
        row = rows[int(np.abs(times - moment.t_s).argmin())]
        position = LatLon(float(row["lat_wgs84"]), float(row["lon_wgs84"]))
        speed_mps = float(row["speed_mps"])
        fix = Fix(position=position, heading_deg=float(row["bearing_deg"]), speed_kmh=speed_mps * 3.6)
        lag_s = moment.t_s - float(row["t_s"])  # the rows are not of the same instants
        pairs.append((placed(fix, Camera(lag_s=lag_s), seen_from(moment, thing)), thing))
        fixes.append((pose_of(fix, Camera(lag_s=lag_s), None, ErrorModel()).position, moment.position))
    assert np.median(gaps_m(pairs)) <= 1.2 * np.median(gaps_m(fixes)) + 0.5
