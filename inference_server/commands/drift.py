"""xuncheng drift-report"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from inference_server.commands.record import own_record
from inference_server.commands.talk import answer_json, answer_table, talk
from inference_server.domain.city_time import CITY_ZONE, city_day
from inference_server.domain.drift import DriftRow, DriftRules, drift_report


def drift(
    weeks: Annotated[int, typer.Option(min=1, max=104, help="Weeks to report, the present one included.")] = 4,
    reference: Annotated[int, typer.Option(min=1, max=104, help="Weeks before that each is held against.")] = 4,
    least: Annotated[int, typer.Option(min=1, help="Detections under which nothing is said.")] = 100,
    until: Annotated[datetime | None, typer.Option(help="A day of the last week; today, if absent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")] = False,
) -> None:
    """Scores, classes and rejections of each device and week against the weeks before, with what has changed."""
    day = city_day(datetime.now(UTC)) if until is None else city_day(until.replace(tzinfo=CITY_ZONE))
    last = day - timedelta(days=day.weekday())
    first = last - timedelta(weeks=weeks - 1)
    with own_record() as record:
        counts = record.drift.weeks(first - timedelta(weeks=reference), last)
    rows = drift_report(counts, first, DriftRules(reference_weeks=reference, least=least))
    if as_json:
        for row in rows:
            answer_json(_document(row))
        return
    shown = [_document(row) for row in rows]
    figures = ("detections", "reference", "score_psi", "class_psi", "reject_rate", "flags")
    columns = ("week", "device", "model_version", *figures)
    answer_table(columns, (tuple(", ".join(row[c]) if c == "flags" else row[c] for c in columns) for row in shown))
    talk(f"{len(rows)} device weeks, {sum(bool(row.flags) for row in rows)} flagged")


def _document(row: DriftRow) -> dict[str, Any]:
    figures = {
        "score_psi": row.score_psi,
        "class_psi": row.class_psi,
        "reject_rate": row.reject_rate,
        "reference_reject_rate": row.reference_reject_rate,
        "reject_p": row.reject_p,
    }
    return {
        "week": row.key.week.isoformat(),
        "device": row.key.device,
        "model_version": row.key.model_version,
        "detections": row.detections,
        "reference": row.reference,
        "reference_detections": row.reference_detections,
        "answers": row.answers,
        **{name: None if value is None else round(value, 4) for name, value in figures.items()},
        "flags": [flag.value for flag in row.flags],
    }
