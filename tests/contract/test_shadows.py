"""What the candidate saw, on every database."""

from support.builders import a_frame, a_report, at

from inference_server.adapters.opening import Adapters
from inference_server.domain.observation import Box
from inference_server.domain.shadow import Agreement, ClassDifference, ShadowFind, ShadowLook

BOX = Box(x1=1.0, y1=2.0, x2=3.5, y2=4.0)


def a_find(class_name: str, live: float | None, shadow: float | None) -> ShadowFind:
    agreement = Agreement.ONLY_SHADOW if live is None else Agreement.ONLY_LIVE if shadow is None else Agreement.BOTH
    return ShadowFind(class_name=class_name, agreement=agreement, live_score=live, shadow_score=shadow, box=BOX)


def look(record: Adapters, number: int, *finds: ShadowFind, shadow: str = "new 1") -> ShadowLook:
    """One frame that both looked at, `number` seconds after noon."""
    frame = a_frame(number)
    with record.store.work(()) as work:
        work.finish(frame, a_report(frame))
    made = ShadowLook(frame_id=frame.id, live_version="old 1", shadow_version=shadow, looked_at=at(number), finds=finds)
    record.shadows.add_look(made)
    return made


def test_the_report_counts_by_class_who_saw_what_and_how_scores_moved(record: Adapters) -> None:
    look(record, 0, a_find("garbage", 0.6, 0.8), a_find("garbage", 0.5, None), a_find("pothole", None, 0.7))
    look(record, 1, a_find("garbage", 0.6, 0.7))
    look(record, 2)
    report = record.shadows.report("old 1", "new 1")
    assert (report.frames, report.first_at, report.last_at) == (3, at(0), at(2))
    garbage, pothole = report.classes
    assert garbage.score_shift is not None
    assert round(garbage.score_shift, 6) == 0.15
    assert (garbage.class_name, garbage.both, garbage.only_live, garbage.only_shadow) == ("garbage", 2, 1, 0)
    assert pothole == ClassDifference(class_name="pothole", both=0, only_live=0, only_shadow=1, score_shift=None)


def test_the_same_look_again_changes_nothing(record: Adapters) -> None:
    made = look(record, 0, a_find("garbage", 0.6, 0.8))
    record.shadows.add_look(made)
    assert record.shadows.report("old 1", "new 1").classes[0].both == 1


def test_pairs_are_kept_apart_and_since_cuts_off(record: Adapters) -> None:
    look(record, 0, a_find("garbage", 0.6, 0.8))
    look(record, 5, a_find("garbage", 0.6, 0.8))
    look(record, 9, a_find("garbage", 0.6, None), shadow="newer 1")
    assert record.shadows.pairs() == [("old 1", "newer 1"), ("old 1", "new 1")]
    assert record.shadows.report("old 1", "new 1", since=at(5)).frames == 1
    assert record.shadows.report("old 1", "newer 1").classes[0].only_live == 1
    nothing = record.shadows.report("old 1", "unknown")
    assert (nothing.frames, nothing.first_at, nothing.classes) == (0, None, ())
