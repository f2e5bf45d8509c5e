"""The record as somebody sees it: what lies outside their districts is not there, and is not found like what is not."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from inference_server.areas import DistrictAreas
from inference_server.closure.matters import Matters
from inference_server.domain.case import Case, CaseId
from inference_server.domain.errors import NotFound
from inference_server.domain.frame import Frame, FrameId
from inference_server.domain.reach import Reach
from inference_server.domain.report import Report
from inference_server.domain.review import Review
from inference_server.domain.verdict import CaseFacts, VerificationId
from inference_server.domain.verification_record import VerificationRecord
from inference_server.learning_ports import ReviewStore
from inference_server.ports import CaseStore, TrailPoint
from inference_server.verification_ports import Verifications


class Shows(StrEnum):
    """What pictures belong to."""

    CASE = "cases"
    FRAME = "frames"
    REVIEW = "reviews"
    VERIFICATION = "verifications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Looks things up for somebody of some reach; raises NotFound, word for word as where there is no such thing.

    A case lies where its grid lies, also where its error reaches across a border. A frame lies where its fix does; who
    sees a case also sees the frames that show it. A review lies where its case does; one without a case (a sampled
    drop) is for people of the whole city. A verification lies where its case does, of the record or of the request.
    """

    store: CaseStore
    reviews: ReviewStore
    verifications: Verifications
    matters: Matters
    areas: DistrictAreas

    def case(self, case_id: CaseId, reach: Reach) -> Case:
        """One case."""
        case = self.store.case(case_id)
        if not reach.covers(case.grid):
            raise NotFound(f"no case {case_id}", field="case")
        return case

    def frame(self, frame_id: FrameId, reach: Reach) -> Frame:
        """One frame."""
        frame = self.store.frame(frame_id)
        if not (reach.is_whole or self._is_taken_in(frame, reach) or self._shows_case(frame, reach)):
            raise NotFound(f"no frame {frame_id}", field="frame")
        return frame

    def report(self, frame_id: FrameId, reach: Reach) -> Report | None:
        """The report of a frame that is seen; cases that are not are not named in it."""
        report = self.store.report(frame_id)
        if report is None or reach.is_whole:
            return report
        named = {one.case_id for one in report.detections if one.case_id is not None} | set(report.absences)
        seen = {case_id for case_id in named if self._is_seen(CaseId(case_id), reach)}
        detections = tuple(
            one if one.case_id in seen else replace(one, case_id=None, candidate_id=None) for one in report.detections
        )
        absences = tuple(one for one in report.absences if one in seen)
        return replace(report, detections=detections, absences=absences)

    def review(self, review_id: str, reach: Reach) -> Review:
        """One review item."""
        review = self.reviews.review(review_id)
        case_id = review.item.case_id
        if not (reach.is_whole or (case_id is not None and self._is_seen(case_id, reach))):
            raise NotFound(f"no review {review_id}", field="id")
        return review

    def verification(self, wanted: VerificationId, reach: Reach) -> VerificationRecord:
        """One verification."""
        record = self.verifications.verification(wanted)
        if not (reach.is_whole or reach.covers(self._district(record))):
            raise NotFound(f"no verification {wanted}", field="verification")
        return record

    def covers(self, case: CaseFacts, reach: Reach) -> bool:
        """Whether a case that somebody describes lies in a reach."""
        return reach.is_whole or reach.covers(self.matters.located(case).district)

    def trail(self, since: datetime, limit: int, reach: Reach) -> list[TrailPoint]:
        """Where vehicles have been, oldest first, at most `limit` of the latest points around a reach."""
        if reach.is_whole:
            return self.store.trail(since, limit)
        box = self.areas.box(reach)
        if box is None:
            return []
        points = self.store.trail(since, limit, box)
        held = self.areas.hold(reach, [point.position for point in points])
        return [point for point, is_held in zip(points, held, strict=True) if is_held]

    def pictures(self, shown: Shows, wanted: str, reach: Reach) -> set[str | None]:
        """The hashes of the pictures that belong to something."""
        match shown:
            case Shows.CASE:
                return {item.sha256 for item in self.store.evidence(self.case(CaseId(wanted), reach).id)}
            case Shows.FRAME:
                return {self.frame(FrameId(wanted), reach).sha256}
            case Shows.REVIEW:
                return {self.review(wanted, reach).frame.sha256}
            case Shows.VERIFICATION:
                verdict = self.verification(VerificationId(wanted), reach).verdict
                photos = () if verdict is None else verdict.photos
                made = () if verdict is None else (verdict.aligned, verdict.overlay)
                return {*(photo.sha256 for photo in photos), *made}

    def _is_seen(self, case_id: CaseId, reach: Reach) -> bool:
        try:
            return reach.covers(self.store.case(case_id).grid)
        except NotFound:
            return False

    def _is_taken_in(self, frame: Frame, reach: Reach) -> bool:
        return frame.fix is not None and self.areas.hold(reach, [frame.fix.position])[0]

    def _shows_case(self, frame: Frame, reach: Reach) -> bool:
        return any(reach.covers(grid) for grid in self.store.grids_shown(frame.id))

    def _district(self, record: VerificationRecord) -> str | None:
        request = record.request
        if request.case_id is not None:
            return self.store.case(request.case_id).grid
        if record.verdict is not None:
            return record.verdict.case.district
        return None if request.case is None else self.matters.located(request.case).district
