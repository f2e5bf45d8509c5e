"""Within one transaction: observations join tracks, tracks find candidates, candidates become cases."""

import math
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np

from inference_server.domain.absence import Looking, Spot, height_of, looked
from inference_server.domain.candidate import Candidate, CandidateId, Pass, PassId, Track, TrackId
from inference_server.domain.case import Case
from inference_server.domain.case_states import CaseStates
from inference_server.domain.decide import Action, decide
from inference_server.domain.gather import begun, joined, measured
from inference_server.domain.geo import LatLon, LocalPlane, cells_around, distance_m
from inference_server.domain.match import Link, Linking, has_say, is_left_behind, is_ripe, taken_beside
from inference_server.domain.merge import are_one, may_be_known, merged
from inference_server.domain.observation import Detection, Drop
from inference_server.domain.policy import Policy
from inference_server.domain.report import DetectionReport, Outcome
from inference_server.domain.screen import Thresholds
from inference_server.domain.ties import Ties, origin_of, ties_of
from inference_server.domain.track import Tracking
from inference_server.filing import Analysed, Filing
from inference_server.ports import Work
from inference_server.sighted import Sighted

_FORESHORTENED = 0.15  # of the length of a thing that lies flat, as the camera sees it at some metres
_PASS_NAMESPACE = uuid.UUID("3d1c2f0e-8a0b-5f19-b1e5-7a4f6c2d9e80")


@dataclass(slots=True)
class Gathered:
    """What the transaction made of a frame."""

    pass_id: PassId
    reports: list[DetectionReport] = field(default_factory=list)
    absences: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Scene:
    """All that is known around the vehicle, as it changes while one frame is worked in."""

    drive: Pass
    tracks: dict[TrackId, Track]
    candidates: dict[CandidateId, Candidate]
    cases: dict[CandidateId, Case]
    ties: Ties
    outcomes: dict[TrackId, Outcome] = field(default_factory=dict)  # by track id


@dataclass(frozen=True, slots=True)
class Gathering:
    """The rules, and how they meet the record."""

    policy: Policy
    filing: Filing

    @property
    def _pictures_for(self) -> timedelta | None:
        days = self.policy.retention.candidate_days
        return None if days is None else timedelta(days=days)

    def gather(self, work: Work, sighted: Sighted) -> Gathered:
        """The outcome of every detection; all changes are written into the transaction."""
        scene = self._scene(work, sighted)
        seen = [one for one in sighted.observations if one.bearing_deg is not None]
        tracked = self._tracking(scene, sighted).associate(self._living(scene, sighted), seen)
        scene.tracks.update({track.id: track for track in tracked})
        self._follow(scene, tracked, sighted)
        linked = self._link(scene, sighted)
        here = {track.id for track in tracked}
        for track_id in sorted(here | linked):
            self._settle(work, scene, sighted, scene.tracks[track_id])
            work.save_track(scene.tracks[track_id])
        absences = self._look_for_absences(work, scene, sighted, here)
        work.save_pass(replace(scene.drive, ties=scene.ties.lately(sighted.frame.taken_at)))
        gathered = Gathered(scene.drive.id, absences=absences)
        by_index = {one.detection.index: track.id for one, track in zip(seen, tracked, strict=True)}
        for detection in sighted.detections:
            track = scene.tracks.get(by_index.get(detection.index, TrackId("")))
            gathered.reports.append(self._reported(detection, sighted, scene, track))
        return gathered

    def _scene(self, work: Work, sighted: Sighted) -> _Scene:
        frame, pose = sighted.frame, sighted.pose
        gap_s = self.policy.gate.max_pass_gap_s
        drive = work.pass_of(frame.camera, frame.taken_at, gap_s)
        if drive is None:
            drive = Pass(
                id=PassId(uuid.uuid5(_PASS_NAMESPACE, frame.id).hex),
                camera=frame.camera,
                started_at=frame.taken_at,
                last_at=frame.taken_at,
                last_position=pose.position,
            )
        if frame.taken_at > drive.last_at:
            drive = replace(drive, last_at=frame.taken_at, last_position=pose.position)
        since = frame.taken_at - timedelta(seconds=gap_s)  # longer than a track lives: some still wait for their link
        tracks = {track.id: track for track in work.tracks(drive.id, since)}
        reach_m = self.policy.place.max_range_m + self.policy.match.search_m
        known = work.candidates(cells_around(pose.position, reach_m))
        candidates = {c.id: c for c in known if c.merged_into is None}
        cases = work.cases([c.id for c in candidates.values() if c.case_id is not None])
        past = {key for key, case in cases.items() if not self.filing.states.is_open(case.state)}
        for key in [key for key in past if not candidates[key].is_seen]:
            # Rejected or closed, and never seen: its vague place would swallow what vehicles see around it.
            del candidates[key], cases[key]
        ties = ties_of(drive, pose.fix_sigma_m, self.policy.errors.correlation_s)
        return _Scene(drive=drive, tracks=tracks, candidates=candidates, cases=cases, ties=ties)

    def _living(self, scene: _Scene, sighted: Sighted) -> list[Track]:
        """Tracks that an observation may still join."""
        idle = timedelta(seconds=self.policy.match.track_idle_s)
        return [track for track in scene.tracks.values() if sighted.frame.taken_at - track.last_at <= idle]

    def _tracking(self, scene: _Scene, sighted: Sighted) -> Tracking:
        return Tracking(
            pass_id=scene.drive.id,
            frame=sighted.frame,
            pose=sighted.pose,
            camera_height_m=0.0 if sighted.view is None else sighted.view.mount.height_m,
            rules=self.policy.match,
            errors=self.policy.errors,
            groups=self.policy.groups,
            review_at={name: limits.review_at for name, limits in sighted.limits.items()},
        )

    def _linking(self, scene: _Scene, sighted: Sighted, heard: list[Track]) -> Linking:
        tracks = list(scene.tracks.values())
        return Linking(
            plane=LocalPlane(sighted.pose.position),
            rules=self.policy.match,
            taken={t.id: taken_beside(t, tracks) for t in heard},
            met=frozenset(t.candidate_id for t in tracks if t.candidate_id is not None),
        )

    def _follow(self, scene: _Scene, tracked: list[Track], sighted: Sighted) -> None:
        """Known things keep telling where this pass lies against the older ones."""
        linking = self._linking(scene, sighted, [])
        for track in tracked:
            candidate = scene.candidates.get(track.candidate_id) if track.candidate_id else None
            if candidate is not None and track.position is not None and candidate.origin_track != track.id:
                scene.ties = linking.tied(scene.ties, track, candidate)

    def _link(self, scene: _Scene, sighted: Sighted) -> set[TrackId]:
        """Ripe tracks get their candidate, an old one or a new one, once it is clear which. Returns their ids."""
        now, rules, plane = sighted.frame.taken_at, self.policy.match, LocalPlane(sighted.pose.position)
        done: set[TrackId] = set()
        while True:
            heard = sorted((t for t in scene.tracks.values() if has_say(t, plane, rules)), key=lambda t: t.id)
            if not any(is_ripe(track, rules, now) for track in heard):
                return done
            near = sorted(scene.candidates.values(), key=lambda c: c.id)
            linking = self._linking(scene, sighted, heard)
            links = [one for one in linking.link(heard, near, scene.ties) if is_ripe(one.track, rules, now)]
            links = [one for one in links if one.is_clear or is_left_behind(one.track, plane, rules, now)]
            if not links:
                return done
            done |= self._take(scene, sighted, linking, links)

    def _take(self, scene: _Scene, sighted: Sighted, linking: Linking, links: list[Link]) -> set[TrackId]:
        """Known things first; of new ones only the best seen: what is left may be a broken track of the same thing."""
        known = [(one.track, one.candidate) for one in links if one.candidate is not None]
        for track, candidate in known:
            scene.ties = linking.tied(scene.ties, track, candidate)
        if not known:
            track = max((one.track for one in links), key=lambda t: (t.observations, t.id))
            known = [(track, begun(track, measured(track, sighted.pose, self.policy.errors)))]
        for track, candidate in known:
            scene.candidates[candidate.id] = candidate
            scene.tracks[track.id] = replace(track, candidate_id=candidate.id)
        return {track.id for track, _ in known}

    def _settle(self, work: Work, scene: _Scene, sighted: Sighted, track: Track) -> None:
        """What a track with a candidate means for the record."""
        candidate = scene.candidates.get(track.candidate_id) if track.candidate_id else None
        if candidate is None or track.position is None:
            scene.outcomes[track.id] = Outcome.NEW if track.observations == 1 else Outcome.TRACKED
            return
        seen_here = measured(track, sighted.pose, self.policy.errors)
        candidate = joined(candidate, track, seen_here, self._pictures_for)
        candidate = self._merge(work, scene, sighted, candidate)
        name = candidate.class_name
        limits = sighted.limits.get(name) or Thresholds(1.0, 1.0, 1.0)
        decision = decide(candidate, self.policy.classes[name], limits)
        seen = Analysed(frame=sighted.frame, model_version=sighted.model_version)
        case = scene.cases.get(candidate.id)
        if case is None:
            if self._may_be_known(scene, candidate):
                decision = replace(decision, action=Action.WAIT)
            case, outcome = self.filing.file(work, candidate, decision, seen), Outcome.CANDIDATE
            outcome = outcome if case is None else Outcome.FILED
        else:
            case, outcome = self.filing.sight(work, case, candidate, track, decision, seen)
        if case is not None:
            scene.cases[candidate.id] = case
            candidate = replace(candidate, case_id=case.id)
        scene.candidates[candidate.id] = candidate
        scene.outcomes[track.id] = outcome
        work.save_candidate(candidate)

    def _may_be_known(self, scene: _Scene, candidate: Candidate) -> bool:
        """Whether an open case may stand for a candidate already: filing it then waits for another pass.

        Not one that somebody has only told of: its place is so vague that tips would hold up what lies around them.
        """
        opened = (scene.candidates[key] for key, case in scene.cases.items() if self.filing.states.is_open(case.state))
        return any(may_be_known(candidate, known, self.policy.match) for known in opened if known.is_seen)

    def _merge(self, work: Work, scene: _Scene, sighted: Sighted, mine: Candidate) -> Candidate:
        """The candidate, joined with another one of the same thing, if there is one: before either is filed twice."""
        for other in sorted(scene.candidates.values(), key=lambda c: c.id):
            if not are_one(mine, other, self.policy.match):
                continue
            kept, gone = sorted((mine, other), key=lambda c: (c.case_id is None, c.first_at, c.id))
            if not self.filing.may_merge(scene.cases.get(gone.id)):
                continue
            whole, left = merged(kept, gone)
            self.filing.merge(work, scene.cases.get(gone.id), whole, sighted.frame)
            work.save_candidate(left)
            del scene.candidates[left.id]
            scene.cases.pop(left.id, None)
            for one in [t for t in scene.tracks.values() if t.candidate_id == left.id]:
                scene.tracks[one.id] = replace(one, candidate_id=whole.id)
                work.save_track(scene.tracks[one.id])
            return whole
        return mine

    def _look_for_absences(self, work: Work, scene: _Scene, sighted: Sighted, here: set[TrackId]) -> tuple[str, ...]:
        """Cases whose place this pass has now seen clearly and empty."""
        if sighted.view is None:
            return ()
        looking = Looking(
            view=sighted.view,
            pose=sighted.pose,
            rules=self.policy.absence,
            occluders=sighted.occluders(self.policy),
            network_scale=sighted.network_scale,
        )
        known = {key: case for key, case in scene.cases.items() if scene.candidates[key].is_seen}
        open_cases = {key: case for key, case in known.items() if self._awaits_absence(case, sighted)}
        before = work.views(scene.drive.id, [case.id for case in open_cases.values()])
        seen_now = {scene.tracks[i].candidate_id for i in here}
        absent = []
        origins = [origin_of(scene.candidates[key]) for key in sorted(open_cases)]
        shifts = scene.ties.predict_all([sighted.frame.taken_at] * len(origins), origins)
        for (key, case), shift in zip(sorted(open_cases.items()), shifts, strict=True):
            candidate = scene.candidates[key]
            place = LocalPlane(candidate.anchor).latlon(shift.mean)
            up_m = height_of(candidate, self.policy.classes[case.class_name].height_m)
            spot = looking.spot(place, up_m)
            if spot is None and key not in seen_now:
                continue
            like = sighted.like(candidate.class_group, self.policy)
            doubt_m = 3.0 * math.sqrt(shift.variance_m2 + self.policy.match.map_floor_m**2)
            is_there = key in seen_now or (spot is not None and looking.shows(spot, like))
            is_there = is_there or self._is_near(place, doubt_m, candidate.class_group, sighted)
            was = before.get(case.id)
            now = looked(
                was,
                scene.drive.id,
                case.id,
                is_clear=spot is not None and looking.is_clear(spot) and self._is_large(looking, spot, case, candidate),
                was_seen=is_there,
                at=sighted.frame.taken_at,
                frames=self.policy.absence.clear_frames,
            )
            if was == now or (was is None and now.clear_frames == 0 and not now.was_seen):
                continue
            work.save_view(now)
            change = (now.absence_at is not None) - (was is not None and was.absence_at is not None)
            if change:
                scene.cases[key] = self.filing.absent(work, case, sighted.frame, change)
            if change > 0:
                absent.append(case.id)
        return tuple(absent)

    def _is_large(self, looking: Looking, spot: Spot, case: Case, candidate: Candidate) -> bool:
        """Whether the case's thing would have been found at this range."""
        known = self.filing.catalogue.of_class(case.class_name)
        size_m = min(known.width_m, known.height_m) if known.height_m else known.width_m * _FORESHORTENED
        return looking.is_large(candidate, spot[2], looking.typical_px(size_m, spot[2]))

    def _awaits_absence(self, case: Case, sighted: Sighted) -> bool:
        states: CaseStates = self.filing.states
        is_live = states.is_open(case.state) and not states.is_neutral(case.state)
        return is_live and sighted.frame.taken_at > case.changed_at

    def _is_near(self, place: LatLon, within_m: float, group: str, sighted: Sighted) -> bool:
        """Whether a like thing was placed so near that it may be the one we look for: then nothing is absent."""
        return any(
            one.position is not None
            and self.policy.groups.get(one.detection.class_name) == group
            and distance_m(one.position, place) <= within_m
            for one in sighted.observations
        )

    def _reported(self, detection: Detection, sighted: Sighted, scene: _Scene, track: Track | None) -> DetectionReport:
        result = sighted.results[detection.index]
        if isinstance(result, Drop):
            return DetectionReport(detection=detection, outcome=Outcome.DROPPED, drop=result)
        if track is None:
            return DetectionReport(detection=detection, outcome=Outcome.KEPT, bearing_deg=result.bearing_deg)
        candidate = scene.candidates.get(track.candidate_id) if track.candidate_id else None
        radius_m = None
        if result.relative_cov_m2 is not None:
            variance = float(np.trace(result.relative_cov_m2)) / 2 + sighted.pose.fix_sigma_m**2
            radius_m = round(1.515 * math.sqrt(variance), 2)
        return DetectionReport(
            detection=detection,
            outcome=scene.outcomes[track.id],
            position=result.position,
            radius_m=radius_m,
            bearing_deg=result.bearing_deg,
            track_id=track.id,
            candidate_id=track.candidate_id,
            case_id=None if candidate is None else candidate.case_id,
        )
