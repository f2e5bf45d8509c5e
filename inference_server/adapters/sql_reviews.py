"""What people are asked and what they answered, on SQL. Where an item stands is asked of the answers, never stored."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from inference_server.adapters import tables
from inference_server.adapters.cursors import cursor_after, read_cursor
from inference_server.adapters.database import Database
from inference_server.adapters.reaching import covers
from inference_server.adapters.review_rows import answer_of, review_of
from inference_server.domain.case_states import REVIEW
from inference_server.domain.errors import NotFound
from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.review import Review, ReviewAnswer, ReviewState, Verdict
from inference_server.learning_ports import ReviewFilter, ReviewPage

_items, _answers, _frames, _cases = tables.reviews, tables.review_answers, tables.frames, tables.cases
_standing = and_(_answers.c.review_id == _items.c.id, _answers.c.undone_at.is_(None))
# Two answers mean the same where both say that something is there, or both do not, and of the same class.
_is_reject, _said_class = _answers.c.verdict == Verdict.REJECT.value, func.coalesce(_answers.c.class_name, "")
_JOINED = _items.outerjoin(_cases, _cases.c.id == _items.c.case_id)


def _answered() -> ColumnElement[bool]:
    return select(_answers.c.sequence).where(_standing).correlate(_items).exists()


def _disputed() -> ColumnElement[bool]:
    """Two standing answers that differ."""
    other = _answers.alias("other")
    differs = or_(
        (other.c.verdict == Verdict.REJECT.value) != _is_reject,
        func.coalesce(other.c.class_name, "") != _said_class,
    )
    pair = and_(other.c.review_id == _items.c.id, other.c.undone_at.is_(None), differs)
    return select(_answers.c.sequence).where(_standing, pair).correlate(_items).exists()


def _waits() -> ColumnElement[bool]:
    return or_(_items.c.case_id.is_(None), _cases.c.state == REVIEW)


def _in_state(state: ReviewState) -> ColumnElement[bool]:
    answered = _answered()
    return {
        ReviewState.OPEN: and_(~answered, _waits()),
        ReviewState.SETTLED: and_(~answered, ~_waits()),
        ReviewState.DISPUTED: _disputed(),
        ReviewState.ANSWERED: and_(answered, ~_disputed()),
    }[state]


class SqlReviews:
    """Reads of review items; they are written inside the transactions of `SqlWork`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def review(self, review_id: str) -> Review:
        """One item; raises NotFound."""
        with self._database.reading() as connection:
            found = self._read(connection, [_items.c.id == review_id], 1)
        if not found:
            raise NotFound(f"no review {review_id}", field="id")
        return found[0]

    def list_reviews(self, wanted: ReviewFilter) -> ReviewPage:
        """A page of items, oldest first."""
        with self._database.reading() as connection:
            found = self._read(connection, _conditions(wanted), wanted.limit + 1)
        page = tuple(found[: wanted.limit])
        is_more = len(found) > wanted.limit
        return ReviewPage(page, cursor_after(page[-1].item.created_at, page[-1].item.id) if is_more else None)

    def open_reviews(self, reach: Reach = WHOLE_CITY) -> dict[str, int]:
        """How many items wait for an answer, by kind."""
        statement = (
            select(_items.c.kind, func.count())
            .select_from(_JOINED)
            .where(_in_state(ReviewState.OPEN), covers(reach, _cases.c.grid))
            .group_by(_items.c.kind)
        )
        with self._database.reading() as connection:
            return {kind: count for kind, count in connection.execute(statement)}

    def _read(self, connection: Connection, where: Iterable[ColumnElement[bool]], most: int) -> list[Review]:
        ordered = (
            select(_items, _cases.c.state.label("case_state"))
            .select_from(_JOINED)
            .where(*where)
            .order_by(_items.c.created_at, _items.c.id)
            .limit(most)
        )
        items = connection.execute(ordered).all()
        frames = _frames_of(connection, {row.frame_id for row in items})
        answers = _answers_of(connection, [row.id for row in items])
        return [review_of(frames[row.frame_id], row, answers[row.id]) for row in items]


def _conditions(wanted: ReviewFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if wanted.reach.is_whole else [covers(wanted.reach, _cases.c.grid)]
    if wanted.kind is not None:
        found.append(_items.c.kind == wanted.kind.value)
    if wanted.class_name is not None:
        found.append(_items.c.class_name == wanted.class_name)
    if wanted.state is not None:
        found.append(_in_state(wanted.state))
    if wanted.cursor is not None:
        moment, name = read_cursor(wanted.cursor)
        found.append(
            or_(_items.c.created_at > moment, and_(_items.c.created_at == moment, _items.c.id > name)),
        )
    return found


def _frames_of(connection: Connection, ids: set[str]) -> dict[str, Any]:
    rows = connection.execute(select(_frames).where(_frames.c.id.in_(ids)))
    return {row.id: row for row in rows}


def _answers_of(connection: Connection, ids: list[str]) -> dict[str, list[ReviewAnswer]]:
    rows = connection.execute(select(_answers).where(_answers.c.review_id.in_(ids)).order_by(_answers.c.sequence))
    found: dict[str, list[ReviewAnswer]] = defaultdict(list)
    for row in rows:
        found[row.review_id].append(answer_of(row))
    return found
