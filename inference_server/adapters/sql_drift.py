"""Weekly counts of what devices saw and what reviewers said of it, on SQL."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, case, func, select

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.domain.city_time import CITY_ZONE
from inference_server.domain.drift import SCORE_BINS, WeekCounts, WeekKey
from inference_server.domain.review import Verdict

_frames, _detections, _items, _answers = tables.frames, tables.detections, tables.reviews, tables.review_answers
# A ladder, for the two databases round a cast in different ways.
_BIN = case(*((_detections.c.score < (n + 1) / SCORE_BINS, n) for n in range(SCORE_BINS - 1)), else_=SCORE_BINS - 1)


class SqlDrift:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def weeks(self, first: date, last: date) -> dict[WeekKey, WeekCounts]:
        """Counts of the weeks of these Mondays and all between them, by device and model."""
        found: dict[WeekKey, WeekCounts] = defaultdict(WeekCounts)
        with self._database.reading() as connection:
            for week in _mondays(first, last):
                _add_detections(connection, week, found)
                _add_answers(connection, week, found)
        return dict(found)


def _mondays(first: date, last: date) -> Iterator[date]:
    week = first
    while week <= last:
        yield week
        week += timedelta(days=7)


def _span(week: date) -> tuple[datetime, datetime]:
    """The first moment of a week and that of the next one, in the city."""
    next_week = week + timedelta(days=7)
    return datetime.combine(week, time(), CITY_ZONE), datetime.combine(next_week, time(), CITY_ZONE)


def _add_detections(connection: Connection, week: date, found: dict[WeekKey, WeekCounts]) -> None:
    begin, end = _span(week)
    name = _detections.c.class_name
    statement = (
        select(_frames.c.device, _frames.c.model_version, name, _BIN.label("bin"), func.count().label("count"))
        .join(_detections, _detections.c.frame_id == _frames.c.id)
        .where(_frames.c.taken_at >= begin, _frames.c.taken_at < end, _frames.c.model_version.is_not(None))
        .group_by(_frames.c.device, _frames.c.model_version, name, _BIN)
    )
    for device, version, class_name, score_bin, count in connection.execute(statement):
        counts = found[WeekKey(week=week, device=device, model_version=version)]
        counts.by_bin[score_bin] += count
        counts.by_class[class_name] = counts.by_class.get(class_name, 0) + count


def _add_answers(connection: Connection, week: date, found: dict[WeekKey, WeekCounts]) -> None:
    """Answers that stand, counted in the week in which the picture was taken."""
    begin, end = _span(week)
    statement = (
        select(_frames.c.device, _frames.c.model_version, _answers.c.verdict, func.count().label("count"))
        .join(_items, _items.c.frame_id == _frames.c.id)
        .join(_answers, _answers.c.review_id == _items.c.id)
        .where(_frames.c.taken_at >= begin, _frames.c.taken_at < end, _frames.c.model_version.is_not(None))
        .where(_answers.c.undone_at.is_(None))
        .group_by(_frames.c.device, _frames.c.model_version, _answers.c.verdict)
    )
    for device, version, verdict, count in connection.execute(statement):
        counts = found[WeekKey(week=week, device=device, model_version=version)]
        counts.answers += count
        counts.rejected += count if verdict == Verdict.REJECT.value else 0
