"""What the candidate saw beside the champion, on SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Float, cast, func, insert, select

from inference_server.adapters import tables
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.domain.shadow import Agreement, ClassDifference, ShadowFind, ShadowLook, ShadowReport

_looks, _finds = tables.shadow_looks, tables.shadow_finds


class SqlShadows:
    """Looks of the candidate and what they found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_look(self, look: ShadowLook) -> None:
        """Insert; the same frame and candidate again changes nothing. Lost in a power cut at worst, like the look."""
        key = {"frame_id": look.frame_id, "shadow_version": look.shadow_version}
        values = {**key, "live_version": look.live_version, "looked_at": look.looked_at}
        with self._database.writing(durable=False) as connection:
            is_new = connection.execute(self._database.insert_new(_looks), values).rowcount
            rows = [{**key, "index": index, **_values(find)} for index, find in enumerate(look.finds)]
            if is_new and rows:
                connection.execute(insert(_finds), rows)

    def pairs(self) -> list[tuple[str, str]]:
        """Live and shadow versions that have looked at the same frames, the latest pair first."""
        live, shadow = _looks.c.live_version, _looks.c.shadow_version
        latest = select(live, shadow).group_by(live, shadow).order_by(func.max(_looks.c.looked_at).desc(), live, shadow)
        with self._database.reading() as connection:
            return [(row.live_version, row.shadow_version) for row in connection.execute(latest)]

    def report(self, live_version: str, shadow_version: str, since: datetime | None = None) -> ShadowReport:
        """The two side by side over frames looked at since a moment."""
        where = [_looks.c.live_version == live_version, _looks.c.shadow_version == shadow_version]
        if since is not None:
            where.append(_looks.c.looked_at >= since)
        looked = _looks.c.looked_at
        frames = select(func.count().label("frames"), func.min(looked).label("first"), func.max(looked).label("last"))
        shift = func.avg(cast(_finds.c.shadow_score - _finds.c.live_score, Float))
        same = (_looks.c.frame_id == _finds.c.frame_id) & (_looks.c.shadow_version == _finds.c.shadow_version)
        by_class = (
            select(_finds.c.class_name, _finds.c.agreement, func.count().label("count"), shift.label("shift"))
            .join(_looks, same)
            .where(*where)
            .group_by(_finds.c.class_name, _finds.c.agreement)
        )
        with self._database.reading() as connection:
            whole = connection.execute(frames.where(*where)).one()
            rows = connection.execute(by_class).all()
        return ShadowReport(
            live_version=live_version,
            shadow_version=shadow_version,
            frames=whole.frames,
            first_at=whole.first,
            last_at=whole.last,
            classes=_differences(rows),
        )


def _values(find: ShadowFind) -> dict[str, Any]:
    box = find.box
    return {
        "class_name": find.class_name,
        "agreement": find.agreement.value,
        "live_score": find.live_score,
        "shadow_score": find.shadow_score,
        "box": [box.x1, box.y1, box.x2, box.y2],
    }


def _differences(rows: Sequence[AnyRow]) -> tuple[ClassDifference, ...]:
    found = {(row.class_name, row.agreement): row for row in rows}

    def count(name: str, agreement: Agreement) -> int:
        row = found.get((name, agreement.value))
        return 0 if row is None else int(row[2])

    return tuple(
        ClassDifference(
            class_name=name,
            both=count(name, Agreement.BOTH),
            only_live=count(name, Agreement.ONLY_LIVE),
            only_shadow=count(name, Agreement.ONLY_SHADOW),
            score_shift=_shift(found.get((name, Agreement.BOTH.value))),
        )
        for name in sorted({name for name, _ in found})
    )


def _shift(row: AnyRow | None) -> float | None:
    return None if row is None else float(row.shift)
