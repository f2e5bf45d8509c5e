"""The accept step: from the bytes a device sends to a frame that waits, durably, for its analysis."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from detector.image import probe
from detector.picture_info import Limits
from inference_server.domain.camera import Camera
from inference_server.domain.datum import to_wgs84
from inference_server.domain.errors import BadInput, UnknownDatum
from inference_server.domain.frame import CameraId, DeviceId, Fix, Frame, camera_id, frame_id, sha256_of
from inference_server.domain.geo import LatLon
from inference_server.door import Door
from inference_server.masking import blacked_out
from inference_server.ports import Accepted, FrameQueue, Token
from inference_server.web.json_part import read_json_part
from inference_server.web.readiness import Readiness
from inference_server.web.refusals import Busy, ClockAhead, NotAllowed
from inference_server.web.schema import FrameMeta, PositionIn

_MOST_AHEAD: Final = timedelta(hours=24)
_DISK_RETRY_S: Final = 30.0


@dataclass(slots=True)
class SkewKeeper:
    """How wrong each camera's clock is: seconds to add to its times.

    What is measured (arrival minus `sent_at`) holds the way through the network too, which varies by seconds on a weak
    one. So nothing under the tolerance is corrected, for a clock set by GNSS is better than that measurement; and a
    correction stays what it was while new measurements are within the tolerance of it, so that the frames of a drive
    keep their distances in time, from which speeds are judged.
    """

    tolerance_s: float = 5.0
    _kept: dict[CameraId, float] = field(default_factory=dict)

    def skew_s(self, camera: CameraId, sent_at: datetime, received_at: datetime) -> float:
        """Seconds to add to what the camera says."""
        measured_s = (received_at - sent_at).total_seconds()
        kept_s = self._kept.get(camera, 0.0)
        if abs(measured_s) <= self.tolerance_s:
            kept_s = 0.0
        elif abs(measured_s - kept_s) > self.tolerance_s:
            kept_s = round(measured_s, 3)
        self._kept[camera] = kept_s
        return kept_s


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Turns posted frames into waiting ones."""

    queue: FrameQueue
    door: Door
    readiness: Readiness
    limits: Limits
    camera_of: Callable[[CameraId], Camera]
    skews: SkewKeeper = field(default_factory=SkewKeeper)

    def accept(self, meta: bytes, picture: bytes, token: Token, received_at: datetime) -> Accepted:
        """The frame's id, after it is stored durably, or its report is.

        Raises an InspectionError or a PictureError. `received_at` is when the first byte came, so that a slow
        upload is not taken for a wrong clock.
        """
        self.readiness.demand_serving()
        said = read_json_part(FrameMeta, meta, "meta")
        check_device(said.device, token)
        fix = _fix(said)
        info = probe(picture, self.limits)
        frame = self._frame(said, fix, picture, f"image/{info.format}", received_at)
        try:
            return self.door.turn_away(frame) or self.queue.put(*self._masked(frame, picture))
        except OSError as error:
            raise Busy(f"the disk takes no more: {error.strerror or error}", retry_after_s=_DISK_RETRY_S) from error

    def _masked(self, frame: Frame, picture: bytes) -> tuple[Frame, bytes]:
        """Frame and picture with what its camera is never to show blacked out: so that lies nowhere. The id stays that
        of the picture as it came: sent again, it is the same frame."""
        masks = self.camera_of(frame.camera).masks
        if not masks:
            return frame, picture
        shown = blacked_out(picture, frame.content_type, masks, self.limits)
        return replace(frame, sha256=sha256_of(shown), size_bytes=len(shown)), shown

    def _frame(
        self, said: FrameMeta, fix: Fix | None, picture: bytes, content_type: str, received_at: datetime
    ) -> Frame:
        camera = camera_id(said.device, said.camera)
        skew_s = self.skews.skew_s(camera, said.sent_at, received_at)
        taken_at = said.taken_at + timedelta(seconds=skew_s)
        if taken_at - received_at > _MOST_AHEAD:
            message = f"taken_at is {(taken_at - received_at).total_seconds() / 3600:.1f} h ahead of sent_at"
            raise ClockAhead(message, field="meta.taken_at")
        sha256 = sha256_of(picture)
        return Frame(
            id=frame_id(said.device, said.camera, said.taken_at, sha256),
            device=DeviceId(said.device),
            camera=camera,
            seq=said.seq,
            taken_at=taken_at,
            claimed_at=said.taken_at,
            received_at=received_at,
            sha256=sha256,
            size_bytes=len(picture),
            content_type=content_type,
            clock_skew_s=skew_s,
            fix=fix,
            campaign=said.campaign,
        )


def check_device(device: str, token: Token) -> None:
    """Nothing; raises NotAllowed where a token speaks for another device."""
    if token.device != device:
        raise NotAllowed(f"this token speaks for {token.device or 'no device'}, not for {device}", field="meta.device")


def _fix(said: FrameMeta) -> Fix | None:
    if said.position is None:
        return None
    return Fix(
        position=_on_wgs84(said.position),
        accuracy_m=said.position.accuracy_m,
        heading_deg=None if said.heading_deg is None else said.heading_deg % 360.0,
        speed_kmh=said.speed_kmh,
    )


def _on_wgs84(position: PositionIn) -> LatLon:
    try:
        return to_wgs84(position.lat, position.lon, position.datum)
    except UnknownDatum as error:
        raise UnknownDatum(error.message, field="meta.position.datum") from None
    except BadInput as error:
        raise BadInput(error.message, field=f"meta.position.{error.field}") from None
