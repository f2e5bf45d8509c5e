"""Photographs before that the record holds itself: the case's evidence, and later frames that saw the thing again."""

from inference_server.domain.case import Case
from inference_server.domain.observation import Box
from inference_server.domain.verdict import PhotoFacts, PhotoKind, Side
from inference_server.ports import CaseStore, EvidenceItem, Sighting

MOST_SIGHTINGS = 1


def photos_before(store: CaseStore, case: Case) -> tuple[PhotoFacts, ...]:
    """Near and far evidence, then the latest sightings: another frame of a place may match where the first does not."""
    found = [
        _of_evidence(store, item) for item in sorted(store.evidence(case.id), key=lambda item: item.kind != "near")
    ]
    for seen in reversed(store.sightings(case.id)):
        if len(found) >= 2 + MOST_SIGHTINGS:
            break
        one = _of_sighting(store, seen)
        if one is not None and one.sha256 not in {photo.sha256 for photo in found}:
            found.append(one)
    return tuple(found)


def _of_evidence(store: CaseStore, item: EvidenceItem) -> PhotoFacts:
    frame = store.frame(item.frame_id)
    x1, y1, x2, y2 = item.box
    return PhotoFacts(
        sha256=item.sha256,
        side=Side.BEFORE,
        kind=PhotoKind(item.kind),
        taken_at=item.taken_at,
        position=frame.fix.position if frame.fix else None,
        accuracy_m=frame.fix.accuracy_m if frame.fix else None,
        device=frame.device,
        regions=(Box(x1=x1, y1=y1, x2=x2, y2=y2),),
        source=item.frame_id,
    )


def _of_sighting(store: CaseStore, seen: Sighting) -> PhotoFacts | None:
    """The frame of a sighting with the box that is the case's; None where its report does not name one."""
    frame, report = store.frame(seen.frame_id), store.report(seen.frame_id)
    boxes = [one.detection.box for one in report.detections if one.case_id == seen.case_id] if report else []
    if not boxes:
        return None
    return PhotoFacts(
        sha256=frame.sha256,
        side=Side.BEFORE,
        kind=PhotoKind.FAR,
        taken_at=frame.taken_at,
        position=frame.fix.position if frame.fix else None,
        accuracy_m=frame.fix.accuracy_m if frame.fix else None,
        device=frame.device,
        regions=(boxes[0],),
        source=seen.frame_id,
    )
