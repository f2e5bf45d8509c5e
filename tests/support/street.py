"""A short street with things and vehicles that pass: real use case, real SQLite, boxes that are known."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import shapely
from support.drive import LENS, MOUNT, START, a_pose, at, box_of, metres
from support.truth import TruthDetects, truth_picture

import inference_server
from inference_server.adapters.clock import SystemClock
from inference_server.adapters.opening import Adapters, OpeningOptions, open_adapters
from inference_server.collect import Collection
from inference_server.domain.camera import Camera
from inference_server.domain.case import Case
from inference_server.domain.case_states import CaseStates
from inference_server.domain.catalogue import Catalogue
from inference_server.domain.deadline_table import DeadlineTable
from inference_server.domain.frame import Fix, Frame, camera_id, frame_id, sha256_of
from inference_server.domain.geo import Vector
from inference_server.domain.grid import Grid, GridIndex, grid_id
from inference_server.domain.policy import Policy, load_policy
from inference_server.domain.report import Report
from inference_server.domain.workdays import load_calendar
from inference_server.filing import Filing
from inference_server.ports import CaseFilter

_PACKAGE = Path(inference_server.__file__).parent
CAMERA = Camera(mount=MOUNT, lens=LENS, lag_s=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One thing on the street, `(2,)` metres east, north; `since` and `until` in seconds after the start."""

    place: tuple[float, float]
    class_name: str = "garbage"
    score: float = 0.9
    since: float = -1e9
    until: float = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """One vehicle going by once, north along x = 0 (south if `southwards`), from `starts_s` on."""

    starts_s: float = 0.0
    device: str = "car-1"
    camera: str = "front"
    error_m: tuple[float, float] = (0.0, 0.0)
    southwards: bool = False
    metres: range = range(0, 60, 3)
    step_s: float = 0.4


def frames_of(going: Going, things: Sequence[Standing]) -> Iterator[tuple[Frame, bytes]]:
    """The frames of a going-by with their "pictures"."""
    for step, north in enumerate(going.metres):
        seconds = going.starts_s + step * going.step_s
        heading = 180.0 if going.southwards else 0.0
        y = going.metres.stop - north if going.southwards else north
        true = a_pose(north_m=float(y), heading_deg=heading)
        boxes = []
        for thing in things:
            box = box_of(true, np.array(thing.place)) if thing.since <= seconds < thing.until else None
            if box is not None:
                boxes.append((thing.class_name, thing.score, (box.x1, box.y1, box.x2, box.y2)))
        picture = truth_picture(boxes, mark=f"{going.device}{going.camera}{seconds}")
        yield _frame(going, seconds, metres(true.position) + np.array(going.error_m), heading, picture), picture


def _frame(going: Going, seconds: float, place: Vector, heading_deg: float, picture: bytes) -> Frame:
    taken_at = START + timedelta(seconds=seconds)
    sha256 = sha256_of(picture)
    fix = Fix(position=at(float(place[0]), float(place[1])), accuracy_m=3.0, heading_deg=heading_deg, speed_kmh=27.0)
    return Frame(
        id=frame_id(going.device, going.camera, taken_at, sha256),
        device=going.device,  # type: ignore[arg-type]
        camera=camera_id(going.device, going.camera),
        seq=int(seconds * 10),
        taken_at=taken_at,
        claimed_at=taken_at,
        received_at=taken_at,
        sha256=sha256,
        size_bytes=len(picture),
        content_type="image/jpeg",
        fix=fix,
    )


def shipped_policy() -> Policy:
    """The policy as shipped."""
    return load_policy(_PACKAGE / "policy" / "hangzhou.toml")


def a_filing(policy: Policy, grids: Sequence[Grid]) -> Filing:
    """The filing with all shipped tables."""
    return Filing(
        policy=policy,
        states=CaseStates.load(_PACKAGE / "policy" / "case_states.toml"),
        grids=GridIndex(grids),
        catalogue=Catalogue.load(_PACKAGE / "catalogue"),
        limits=DeadlineTable.load(_PACKAGE / "policy" / "deadlines.csv"),
        calendar=load_calendar(_PACKAGE / "policy" / "holidays.csv"),
    )


def two_grids() -> list[Grid]:
    """The street's west side and its east side."""
    halves = []
    for number, (west, east) in enumerate(((-200.0, 0.0), (0.0, 200.0)), start=1):
        low, high = at(west, -200.0), at(east, 300.0)
        polygon = shapely.box(low.lon, low.lat, high.lon, high.lat)
        halves.append(Grid(id=grid_id(f"33010200100100{number}"), polygon=polygon, valid_from=date(2020, 1, 1)))
    return halves


@dataclass
class Street:
    """A record and the use case on top of it."""

    record: Adapters
    collection: Collection
    things: list[Standing] = field(default_factory=list)

    def goes(self, going: Going) -> list[Report]:
        """Send one going-by through, frame by frame, as queue and worker would."""
        return [self.inspect(frame, picture) for frame, picture in frames_of(going, self.things)]

    def inspect(self, frame: Frame, picture: bytes) -> Report:
        """Accept and analyse one frame."""
        self.record.queue.put(frame, picture)
        return self.collection.inspect(frame, picture)

    def cases(self) -> list[Case]:
        """All cases, oldest first."""
        return list(self.record.store.list_cases(CaseFilter(limit=500)).cases)

    def all_cases(self) -> list[Case]:
        """All cases, however many pages they fill."""
        found, cursor = [], None
        while True:
            page = self.record.store.list_cases(CaseFilter(limit=500, cursor=cursor))
            found += page.cases
            cursor = page.cursor
            if cursor is None:
                return found

    def case(self) -> Case:
        """The only case."""
        (only,) = self.cases()
        return only

    def moves(self, to: str, seconds: float, reason: str = "by hand") -> None:
        """Somebody moves the only case, some seconds after the start."""
        from inference_server.domain.case import moved

        case = self.case()
        when = START + timedelta(seconds=seconds)
        after, move = moved(case, to, when, "operator:test", reason, self.collection.filing.states)
        with self.record.store.work(()) as work:
            work.save_case(after)
            work.add_move(move)

    def places(self) -> list[Vector]:
        """Where the cases are, in metres."""
        return [metres(case.position) for case in self.cases()]


@contextmanager
def a_street(
    folder: Path, things: Sequence[Standing] = (), *, policy: Policy | None = None, cameras: Sequence[str] = ("car-1",)
) -> Iterator[Street]:
    """A street over a fresh SQLite record; every device has one calibrated camera, `front`."""
    policy = policy or shipped_policy()
    record = open_adapters(None, folder, OpeningOptions(fast_unsafe=True))
    for device in cameras:
        record.registry.save_device(device, device)
        record.registry.save_camera(device, "front", CAMERA)
    collection = Collection(
        store=record.store,
        registry=record.registry,
        detects=TruthDetects(),
        evidence=record.evidence,
        clock=SystemClock(),
        policy=policy,
        filing=a_filing(policy, two_grids()),
    )
    yield Street(record, collection, list(things))
    record.close()


def later(seconds: float) -> datetime:
    """A moment after the start."""
    return START + timedelta(seconds=seconds)
