"""What the use cases need of the outside world. Adapters are chosen in bootstrap.py and nowhere else."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from inference_server.domain.audit import SYSTEM, AuditNote
from inference_server.domain.camera import Camera
from inference_server.domain.candidate import Candidate, CandidateId, CaseView, Pass, PassId, Track
from inference_server.domain.case import Case, CaseId, CaseMove
from inference_server.domain.frame import CameraId, Frame, FrameId, PastFrame, Quality
from inference_server.domain.geo import CellId, LatLon
from inference_server.domain.grid import Grid, GridId
from inference_server.domain.observation import Box, Detection
from inference_server.domain.photo_index import PhotoMatch, PhotoRecord
from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.report import Report
from inference_server.domain.review import ReviewAnswer, ReviewItem
from inference_server.domain.tip import Tip, TipId
from inference_server.domain.verification_record import CodeChecks, Switch, VerificationRecord


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class Look(Protocol):
    """One decoded picture, in the hands of the model that opened it."""

    @property
    def model(self) -> "Detects":
        """The model that looks. All that is decided about the picture goes by its words: another one may run by now."""
        ...

    @property
    def quality(self) -> Quality:
        """Sharpness, brightness, thumbnail and full size of the upright picture."""
        ...

    def detect(self, min_score: float | None = None) -> Sequence[Detection]:
        """The detections, boxes in pixels of the upright full-size picture; down to the model's own least score, or to
        another one."""
        ...


class Detects(Protocol):
    """The detector as the use cases see it. Between two calls another model may have taken over: see `Look.model`."""

    @property
    def model_version(self) -> str:
        """Name and version of the running model."""
        ...

    @property
    def network_px(self) -> tuple[int, int]:
        """Width and height of the network's picture: sizes in pixels are judged there."""
        ...

    def thresholds(self, class_name: str) -> tuple[float, float, float] | None:
        """`file_at` (infinite: no score is sure), `review_at`, `drop_below` of the card; None where it has none."""
        ...

    def probability(self, class_name: str, score: float) -> float:
        """The calibrated probability of a raw score; the score itself where the class has no calibration."""
        ...

    def open(self, picture: bytes) -> Look:
        """The decoded picture; raises PictureUnreadable."""
        ...


class FindsFaces(Protocol):
    """A detector of faces, beside the model of the city."""

    def faces(self, picture: bytes) -> Sequence[Box]:
        """The faces, in pixels of the upright full-size picture; raises PictureUnreadable."""
        ...


class PictureUnreadable(Exception):
    """The picture cannot be decoded; `code` and message come from the decoder."""

    def __init__(self, message: str, *, code: str = "picture_unreadable") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to an accepted frame: `is_new` is False for one that was accepted before."""

    frame_id: FrameId
    is_new: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A frame handed to one worker; no other frame of its camera is handed out meanwhile.

    `token` is the queue's own: by it the queue knows again what it handed out.
    """

    frame: Frame
    picture: bytes
    attempts: int
    token: object = field(default=None, compare=False, repr=False)


class FrameQueue(Protocol):
    """Frames that are accepted and not yet analysed; they survive kill -9 and a power cut."""

    def put(self, frame: Frame, picture: bytes) -> Accepted:
        """Store durably (file, folder, row are synced before this returns); raises QueueFull."""
        ...

    def turn_away(self, frame: Frame, report: Report, *, even_if_full: bool = False) -> Accepted | None:
        """Store the report of a frame whose picture nobody needs, durably; None, and nothing stored, where the disk is
        nearly full (`even_if_full`: its picture must not be kept at all). A frame that is known stays as it is."""
        ...

    def claim(self, wait_s: float = 0.0) -> Claimed | None:
        """The oldest waiting frame (by arrival) of a camera that nobody works on; waits for one, then None."""
        ...

    def release(self, claimed: Claimed) -> None:
        """Forget a frame whose report is committed: the spooled picture goes."""
        ...

    def give_back(self, claimed: Claimed) -> None:
        """Put a frame back after a failure: it is handed out again, with one attempt more."""
        ...

    def depth(self) -> int:
        """How many frames wait or are in work."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """A process that analyses frames; `busy_s` is for how long its slowest thread has been at one thing."""

    name: str
    host: str
    threads: int
    busy_s: float
    seen_at: datetime


class WorkerRoll(Protocol):
    """Which worker processes there are, wherever they run."""

    def report(self, process: WorkerProcess) -> None:
        """Write down that a process works."""
        ...

    def seen_since(self, moment: datetime) -> list[WorkerProcess]:
        """Those that have reported at or after a moment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One track's look at a known case, at its own time; `moved_case` is False for late uploads."""

    case_id: CaseId
    track_id: str
    frame_id: FrameId
    taken_at: datetime
    position: LatLon | None
    score: float
    moved_case: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something the case system must hear of; leaves by the outbox in the order of `sequence`.

    target: where it goes instead of the city's webhook: whoever asked a question named it.
    """

    id: str
    type: str  # such as "xuncheng.case.filed.v1"
    subject: str  # the case id
    occurred_at: datetime
    data: dict[str, Any]
    target: str | None = None


class Work(Protocol):
    """One transaction over some cells: all of it is committed on leaving, or nothing."""

    def report_of(self, frame_id: FrameId) -> Report | None:
        """The report of a frame that was finished before."""
        ...

    def pass_of(self, camera: CameraId, taken_at: datetime, max_gap_s: float) -> Pass | None:
        """The pass of a camera that covers a moment, give or take the gap."""
        ...

    def save_pass(self, drive: Pass) -> None:
        """Insert or update."""
        ...

    def tracks(self, pass_id: PassId, seen_since: datetime) -> list[Track]:
        """Tracks of a pass observed at or after a moment."""
        ...

    def save_track(self, track: Track) -> None:
        """Insert or update."""
        ...

    def candidates(self, cells: Iterable[CellId]) -> list[Candidate]:
        """Candidates whose anchor lies in the cells."""
        ...

    def save_candidate(self, candidate: Candidate) -> None:
        """Insert or update."""
        ...

    def cases(self, candidate_ids: Iterable[CandidateId]) -> dict[CandidateId, Case]:
        """The latest case of each candidate that has one."""
        ...

    def save_case(self, case: Case) -> None:
        """Insert or update; a second open case of one candidate violates a unique key."""
        ...

    def add_move(self, move: CaseMove) -> None:
        """One line of a case's history."""
        ...

    def add_sighting(self, sighting: Sighting) -> bool:
        """Insert, or update the one of the same case and track (one pass is one sighting); True if it is a new one."""
        ...

    def add_evidence(self, case_id: CaseId, frame_id: FrameId, sha256: str, kind: str, box: tuple[float, ...]) -> None:
        """Insert or replace the picture of a kind ("near", "far") of a case."""
        ...

    def views(self, pass_id: PassId, case_ids: Iterable[str]) -> dict[str, CaseView]:
        """What a pass saw of cases' places so far."""
        ...

    def save_view(self, view: CaseView) -> None:
        """Insert or update."""
        ...

    def add_event(self, event: Event) -> None:
        """Into the outbox."""
        ...

    def add_review(self, item: ReviewItem) -> None:
        """Into the review queue; the same id again is a better look, and is taken only while nobody has answered."""
        ...

    def add_answer(self, answer: ReviewAnswer) -> None:
        """One more answer (its `sequence` is given by the record); Conflict where this person's answer stands."""
        ...

    def undo_answer(self, answer: ReviewAnswer, at: datetime, by: str) -> bool:
        """Whether the answer stood until now. It stays in the record, marked as taken back."""
        ...

    def clear_passes(self, case_id: str, since: datetime) -> int:
        """How many passes saw a case's place clear and empty after a moment."""
        ...

    def closing_checks(self, code: str, district: str | None, latest: int) -> tuple[CodeChecks, ...]:
        """What people said of the latest proposed closings of a code, and of it in a district."""
        ...

    def closing_switches(self) -> list[Switch]:
        """The latest line of each scope."""
        ...

    def save_verification(self, record: VerificationRecord) -> None:
        """Insert or update."""
        ...

    def tip(self, tip_id: TipId) -> Tip | None:
        """A tip as it stands in this transaction."""
        ...

    def like_tip(self, tip: Tip, since: datetime) -> Tip | None:
        """What the same caller has said in the same words since a moment, or at any time under the same key."""
        ...

    def save_tip(self, tip: Tip) -> None:
        """Insert or update; Conflict where the caller has another tip under this key."""
        ...

    def move_tips(self, from_case: CaseId, to_case: CaseId) -> None:
        """The tips of a case that was found to be another one belong to that from now on."""
        ...

    def add_note(self, note: AuditNote) -> None:
        """Into the audit log, together with what it tells of."""
        ...

    def finish(self, frame: Frame, report: Report) -> None:
        """Store the report with its detections, ground view, quality and campaign; the frame is done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases to list; None means any. `cursor` continues after a page."""

    states: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    grid: str | None = None
    on_border: bool | None = None
    campaign: str | None = None
    filed_since: datetime | None = None
    filed_until: datetime | None = None
    within: tuple[float, float, float, float] | None = None  # west, south, east, north, wgs84
    cursor: str | None = None
    limit: int = 100
    offset: int = 0
    newest_first: bool = False
    reach: Reach = WHOLE_CITY


@dataclass(frozen=True, slots=True)
class CasePage:
    """Some cases in order of filing, or newest first, and the cursor of the next page (None on the last)."""

    cases: tuple[Case, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceItem:
    """One picture of a case."""

    case_id: CaseId
    frame_id: FrameId
    kind: str
    sha256: str
    box: tuple[float, ...]
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailPoint:
    """One analysed or dropped frame on the map."""

    frame_id: FrameId
    camera: CameraId
    taken_at: datetime
    position: LatLon
    is_analysed: bool


class CaseStore(Protocol):
    """The record: frames, candidates, cases."""

    def work(self, cells: Iterable[CellId]) -> AbstractContextManager[Work]:
        """A transaction that has locked the cells, in their order (SQLite: the whole database)."""
        ...

    def previous_frame(self, camera: CameraId, before: datetime, *, analysed: bool) -> PastFrame | None:
        """The latest frame with a fix that was taken before a moment (only analysed ones, if so asked)."""
        ...

    def waiting_frame(self, camera: CameraId, before: datetime) -> PastFrame | None:
        """The latest frame with a fix that was taken before a moment and waits or is in work."""
        ...

    def frame(self, frame_id: FrameId) -> Frame:
        """An accepted frame; raises NotFound."""
        ...

    def report(self, frame_id: FrameId) -> Report | None:
        """The report of a frame; None while it waits."""
        ...

    def case(self, case_id: CaseId) -> Case:
        """One case; raises NotFound."""
        ...

    def list_cases(self, wanted: CaseFilter) -> CasePage:
        """A page of cases."""
        ...

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """What a case stands on, as it is now, without a lock; raises NotFound."""
        ...

    def history(self, case_id: CaseId) -> list[CaseMove]:
        """All moves of a case, oldest first."""
        ...

    def sightings(self, case_id: CaseId) -> list[Sighting]:
        """All sightings of a case, oldest first."""
        ...

    def evidence(self, case_id: CaseId) -> list[EvidenceItem]:
        """The pictures of a case."""
        ...

    def near_pictures(self, case_ids: Sequence[CaseId]) -> dict[CaseId, str]:
        """The hash of the nearest picture of each case that has one."""
        ...

    def looks_at(self, case_id: CaseId) -> list[CaseView]:
        """What each pass saw of a case's place."""
        ...

    def grids_shown(self, frame_id: FrameId) -> list[GridId]:
        """The grids of the cases that a frame is evidence of, or found something of."""
        ...

    def trail(
        self, since: datetime, limit: int, within: tuple[float, float, float, float] | None = None
    ) -> list[TrailPoint]:
        """Where vehicles have been, oldest first, at most `limit` of the latest points (west, south, east, north)."""
        ...

    def counts(self, reach: Reach = WHOLE_CITY) -> dict[str, int]:
        """Frames by outcome and drop reason, cases by state, events by status: for metrics and the console.

        Of districts only cases are counted: frames and events belong to none.
        """
        ...

    def oldest_waiting(self) -> dict[str, datetime]:
        """Since when the first `frame` waits for a worker and the first `event` to be sent, where one does."""
        ...

    def grids(self) -> list[Grid]:
        """All unit grids."""
        ...

    def replace_grids(self, source: str, grids: Sequence[Grid]) -> None:
        """Exchange the grids of one source for others, in one transaction."""
        ...


class Evidence(Protocol):
    """Pictures by content."""

    def put(self, picture: bytes) -> str:
        """Store durably; returns the hex SHA-256. The same picture again costs nothing."""
        ...

    def get(self, sha256: str) -> bytes:
        """The picture; raises NotFound."""
        ...


class Photos(Protocol):
    """Photographs that were handed in for cases, found again by their bytes or by their look.

    Remember a photograph first and ask afterwards: of two cases that use it at the same moment one then sees the other.
    """

    def remember(self, photo: PhotoRecord) -> bool:
        """Store durably; False where the case had this photograph in this role before."""
        ...

    def used_elsewhere(self, sha256: str, hashes: Sequence[bytes], case_id: CaseId) -> list[PhotoMatch]:
        """Photographs of other cases with these bytes, or near to one of the hashes, the nearest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token as stored: only its hash is kept."""

    id: str
    name: str
    scopes: frozenset[str]  # "device", "cases:read", "cases:write", "verify", "admin", "originals", "open311"
    device: str | None
    created_at: datetime
    districts: tuple[str, ...] | None = None  # None: the whole city
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A vehicle's device and its cameras."""

    id: str
    name: str
    created_at: datetime
    cameras: dict[str, Camera] = field(default_factory=dict)


class Registry(Protocol):
    """Devices, cameras and tokens. Every change is noted in the audit log as done `by` somebody."""

    def save_device(self, device: str, name: str, *, by: str = SYSTEM) -> Device:
        """Insert or rename."""
        ...

    def devices(self) -> list[Device]:
        """All devices with their cameras."""
        ...

    def device(self, device: str) -> Device:
        """One device; raises NotFound."""
        ...

    def save_camera(self, device: str, camera: str, settings: Camera, *, by: str = SYSTEM) -> None:
        """Insert or update; raises NotFound without the device."""
        ...

    def camera(self, camera: CameraId) -> Camera:
        """Settings of a camera; an unknown camera has neither mount nor lens."""
        ...

    def issue_token(
        self,
        name: str,
        scopes: frozenset[str],
        device: str | None,
        expires_at: datetime | None,
        *,
        districts: tuple[str, ...] | None = None,
        by: str = SYSTEM,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is shown once."""
        ...

    def token(self, secret: str) -> Token | None:
        """The valid token of a secret; None if it is unknown, expired or revoked."""
        ...

    def revoke_token(self, token_id: str, *, by: str = SYSTEM) -> None:
        """Revoke; raises NotFound."""
        ...

    def tokens(self) -> list[Token]:
        """All tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """An event on its way, with how often it was tried."""

    sequence: int
    event: Event
    attempts: int
    next_attempt_at: datetime


class Outbox(Protocol):
    """Events committed together with the cases they tell of."""

    def due(self, now: datetime, limit: int, *, callbacks_only: bool = False) -> list[OutboxItem]:
        """Events whose time has come, oldest first; per case in order (a later one waits for an earlier one).

        `callbacks_only`: only those with an address of their own.
        """
        ...

    def mark_sent(self, item: OutboxItem, at: datetime) -> None:
        """Delivered."""
        ...

    def mark_failed(self, item: OutboxItem, error: str, next_attempt_at: datetime | None) -> None:
        """Not delivered: try again then, or (None) never: a dead letter."""
        ...

    def replay_dead(self) -> int:
        """Put all dead letters back; returns how many."""
        ...


class CaseGateway(Protocol):
    """The way to the case system."""

    def send(self, event: Event) -> None:
        """Deliver one event; raises GatewayRefused for good, GatewayUnavailable for now."""
        ...


class GatewayUnavailable(Exception):
    """The case system does not answer, or says later."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class GatewayRefused(Exception):
    """The case system will never take this event."""
