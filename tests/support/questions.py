"""Review items in a seeded city, as the pipeline would have asked them."""

from __future__ import annotations

from datetime import timedelta

from support.posting import a_picture
from support.seeded_city import SeededCity

from inference_server.domain.case import Case
from inference_server.domain.frame import DeviceId, Frame, Quality, camera_id, frame_id, sha256_of
from inference_server.domain.report import Report
from inference_server.domain.review import Corners, ReviewItem, ReviewKind

BOX: Corners = (600.0, 420.0, 760.0, 540.0)


def ask_about_case(city: SeededCity, class_name: str = "garbage") -> tuple[Case, str]:
    """A case in review and the id of its item."""
    case = city.file(class_name, 300.0 + 5 * city.filed, 345.0, state="review")
    near = next(item for item in city.record.store.evidence(case.id) if item.kind == "near")
    x1, y1, x2, y2 = near.box
    item = ReviewItem(
        id=f"case-{case.id}",
        kind=ReviewKind.MIDDLE_BAND,
        created_at=case.filed_at,
        frame_id=near.frame_id,
        class_name=class_name,
        score=0.41,
        probability=0.36,
        box=(x1, y1, x2, y2),
        case_id=case.id,
    )
    with city.record.store.work(()) as work:
        work.add_review(item)
    return case, item.id


def ask_about_drops(city: SeededCity, count: int, size_px: tuple[int, int] = (1920, 1080)) -> list[str]:
    """Ids of items about dropped detections, each on a large picture of its own, oldest first."""
    ids = []
    for number in range(count):
        picture = a_picture(1000 + number, *size_px)
        frame = _frame(city, number, picture)
        city.record.evidence.put(picture)
        quality = Quality(sharpness=300.0, brightness=110.0, thumbnail=b"", width_px=size_px[0], height_px=size_px[1])
        with city.record.store.work(()) as work:
            work.finish(frame, Report(frame_id=frame.id, analysed_at=frame.taken_at, quality=quality))
            work.add_review(
                ReviewItem(
                    id=f"{frame.id}-0",
                    kind=ReviewKind.SAMPLED_DROP,
                    created_at=frame.taken_at,
                    frame_id=frame.id,
                    class_name="pothole",
                    score=0.08,
                    box=BOX,
                )
            )
        ids.append(f"{frame.id}-0")
    return ids


def _frame(city: SeededCity, number: int, picture: bytes) -> Frame:
    """A frame of a third vehicle."""
    taken_at = city.started_at + timedelta(seconds=1000 + number)
    sha256 = sha256_of(picture)
    return Frame(
        id=frame_id("car-3", "front", taken_at, sha256),
        device=DeviceId("car-3"),
        camera=camera_id("car-3", "front"),
        seq=number,
        taken_at=taken_at,
        claimed_at=taken_at,
        received_at=taken_at,
        sha256=sha256,
        size_bytes=len(picture),
        content_type="image/jpeg",
        fix=None,
    )
