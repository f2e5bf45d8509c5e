"""Collection.inspect: one frame, from the picture to the city's record. Read this first."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

from inference_server.domain.camera import View
from inference_server.domain.frame import Frame, PastFrame, Quality
from inference_server.domain.gate import check_quality, check_stuck, repeats_fix
from inference_server.domain.geo import LatLon, cells_around
from inference_server.domain.observation import Detection, Drop, DropReason, Observation
from inference_server.domain.place import Placing, Pose, clear_ground, pose_of
from inference_server.domain.policy import Policy
from inference_server.domain.report import DetectionReport, Report
from inference_server.domain.review import ReviewItem, ReviewKind
from inference_server.domain.screen import (
    Thresholds,
    check_mask,
    hidden_by,
    is_beside_stronger,
    is_permitted,
    is_sampled,
    local_time,
    repeats_stronger,
    screen,
)
from inference_server.door import BlindGate, BlindLook
from inference_server.filing import Filing
from inference_server.gathering import Gathering
from inference_server.ports import (
    CaseStore,
    Clock,
    Detects,
    Evidence,
    Look,
    PictureUnreadable,
    Registry,
    Work,
)
from inference_server.sighted import LastLimits, Sighted
from inference_server.stages import Stage, Times, untimed

_LOCK_SLACK_M = 30.0  # a thing may be matched with one whose anchor lies a fix error beyond the view


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The use case behind every way in: HTTP, stream, replay."""

    store: CaseStore
    registry: Registry
    detects: Detects
    evidence: Evidence
    clock: Clock
    policy: Policy
    filing: Filing
    times: Times = untimed
    limits: LastLimits = field(default_factory=LastLimits)

    def inspect(self, frame: Frame, picture: bytes) -> Report:
        """What became of a frame. The same frame again gives the same report and changes nothing."""
        blind = self._blind_gate.look(frame)
        look, drop = self._gate(frame, picture, blind)
        if drop is not None or look is None:
            return self._dropped(frame, drop, None if look is None else look.quality)
        sighted = self._see(frame, blind.previous, look)
        with self.times(Stage.EVIDENCE):
            self._keep_evidence(sighted, picture)
        reach_m = self.policy.place.max_range_m + _LOCK_SLACK_M
        with ExitStack() as transaction:
            with self.times(Stage.LOCK):
                work = transaction.enter_context(self.store.work(cells_around(sighted.pose.position, reach_m)))
            done = work.report_of(frame.id)
            if done is not None:
                return done
            with self.times(Stage.MATCH):
                report = self._match(work, sighted)
            with self.times(Stage.COMMIT):
                work.finish(frame, report)
                transaction.close()
        return report

    def _match(self, work: Work, sighted: Sighted) -> Report:
        gathered = Gathering(self.policy, self.filing).gather(work, sighted)
        report = self._report(sighted, gathered.reports, gathered.absences, gathered.pass_id)
        for one in report.detections:
            if one.sampled_for_review:
                work.add_review(_review_item(sighted.frame, one))
        return report

    @property
    def _blind_gate(self) -> BlindGate:
        return BlindGate(self.store, self.filing.grids, self.policy.gate)

    def _gate(self, frame: Frame, picture: bytes, blind: BlindLook) -> tuple[Look | None, Drop | None]:
        if blind.drop is not None:
            return None, blind.drop
        try:
            with self.times(Stage.DECODE):
                look = self.detects.open(picture)
        except PictureUnreadable as error:
            return None, Drop(DropReason.PICTURE_UNREADABLE, {"why": str(error), "code": error.code})
        assert frame.fix is not None
        stuck = None
        if blind.previous is not None and repeats_fix(frame.fix, blind.previous):
            stuck = check_stuck(frame.fix, blind.previous, look.quality, self.policy.gate)
        return look, stuck or blind.standing or check_quality(look.quality, self.policy.gate)

    def _see(self, frame: Frame, previous: PastFrame | None, look: Look) -> Sighted:
        """Detections screened and placed: each one an observation or a drop."""
        assert frame.fix is not None
        camera = self.registry.camera(frame.camera)
        if previous is None:
            pose = pose_of(frame.fix, camera, None, self.policy.errors)
        else:
            seconds = (frame.taken_at - previous.taken_at).total_seconds()
            pose = pose_of(frame.fix, camera, previous.fix, self.policy.errors, seconds)
        quality = look.quality
        view = None
        if camera.mount is not None and camera.lens is not None and pose.heading_deg is not None:
            view = View.of(camera.mount, camera.lens).scaled(quality.width_px, quality.height_px)
        with self.times(Stage.DETECT):
            detections = look.detect()
        wide_px, high_px = look.model.network_px
        placing = Placing(
            pose=pose,
            view=view,
            width_px=quality.width_px,
            height_px=quality.height_px,
            network_scale=min(wide_px / quality.width_px, high_px / quality.height_px),
            rules=self.policy.place,
            errors=self.policy.errors,
        )
        sighted = Sighted(
            frame=frame,
            pose=pose,
            view=view,
            quality=quality,
            detections=tuple(detections),
            limits=self.limits.of(self.policy, look.model),
            model_version=look.model.model_version,
            network_scale=placing.network_scale,
            masks=camera.masks,
        )
        with self.times(Stage.PLACE):
            local, standing = local_time(frame.taken_at, self.policy), sighted.standing(self.policy)
            for detection in detections:
                masked = check_mask(detection, camera.masks, quality.width_px, quality.height_px)
                sighted.results[detection.index] = masked or self._place(detection, placing, sighted, local, standing)
            self._join_neighbours(sighted)
        return sighted

    def _join_neighbours(self, sighted: Sighted) -> None:
        """Like things side by side are one: the strongest stands for them."""
        within_m, seen = self.policy.place.one_thing_m, list(sighted.observations)
        for one in seen:
            if is_beside_stronger(one, seen, self.policy.groups, within_m):
                sighted.results[one.detection.index] = Drop(DropReason.REPEATED_BOX, {"within_m": within_m})

    def _place(
        self, detection: Detection, placing: Placing, sighted: Sighted, local: datetime, standing: list[Detection]
    ) -> Observation | Drop:
        rules = self.policy.classes.get(detection.class_name)
        limits = sighted.limits.get(detection.class_name)
        drop = screen(detection, rules, limits or Thresholds(1.0, 1.0, 1.0), local)
        if drop is not None:
            return drop
        assert rules is not None
        stronger = repeats_stronger(detection, sighted.detections, self.policy.groups)
        if stronger is not None:
            return Drop(DropReason.REPEATED_BOX, {"of": float(stronger.index)})
        before = hidden_by(detection, standing, rules.contact)
        observed = placing.observe(detection, rules.contact, is_hidden=before is not None)
        if isinstance(observed, Observation) and is_permitted(observed.position or placing.pose.position, rules):
            return Drop(DropReason.PERMITTED)
        return observed

    def _keep_evidence(self, sighted: Sighted, picture: bytes) -> None:
        """Before the commit: a picture without a case does no harm, a case or a question without its picture does."""
        good = (
            one.detection.certainty >= sighted.limits[one.detection.class_name].review_at
            for one in sighted.observations
        )
        drops = ((index, one) for index, one in sighted.results.items() if isinstance(one, Drop))
        if any(good) or any(self._is_sampled(sighted.frame, index, drop) for index, drop in drops):
            self.evidence.put(picture)

    def _dropped(self, frame: Frame, drop: Drop | None, quality: Quality | None) -> Report:
        report = Report(frame_id=frame.id, analysed_at=self.clock.now(), drop=drop, quality=quality)
        with self.store.work(()) as work:
            done = work.report_of(frame.id)
            if done is not None:
                return done
            work.finish(frame, report)
        return report

    def _report(
        self, sighted: Sighted, reports: Sequence[DetectionReport], absences: tuple[str, ...], pass_id: str
    ) -> Report:
        reports = sorted((self._sampled(sighted.frame, one) for one in reports), key=lambda r: r.detection.index)
        assert [r.detection.index for r in reports] == sorted(d.index for d in sighted.detections)
        return Report(
            frame_id=sighted.frame.id,
            analysed_at=self.clock.now(),
            detections=tuple(reports),
            absences=absences,
            quality=sighted.quality,
            ground_view=self._ground_view(sighted.view, sighted.pose),
            model_version=sighted.model_version,
            policy_hash=self.policy.hash,
            pass_id=pass_id,
        )

    def _ground_view(self, view: View | None, pose: Pose) -> tuple[LatLon, ...]:
        return () if view is None else clear_ground(view, pose, self.policy.absence.max_range_m)

    def _sampled(self, frame: Frame, one: DetectionReport) -> DetectionReport:
        """The report, marked if the seeded sample takes it: the only way to know what the score makes us miss."""
        is_taken = one.drop is not None and self._is_sampled(frame, one.detection.index, one.drop)
        return replace(one, sampled_for_review=True) if is_taken else one

    def _is_sampled(self, frame: Frame, index: int, drop: Drop) -> bool:
        return drop.reason is DropReason.LOW_SCORE and is_sampled(frame.id, index, self.policy.review)


def _review_item(frame: Frame, one: DetectionReport) -> ReviewItem:
    box = one.detection.box
    return ReviewItem(
        id=f"{frame.id}-{one.detection.index}",
        kind=ReviewKind.SAMPLED_DROP,
        created_at=frame.taken_at,
        frame_id=frame.id,
        class_name=one.detection.class_name,
        score=one.detection.score,
        probability=one.detection.probability,
        box=(box.x1, box.y1, box.x2, box.y2),
    )
