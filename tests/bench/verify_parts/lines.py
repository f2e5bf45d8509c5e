"""A line for each pair of known truth, for `fit_closing.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from verify_parts.verifying import Verdict
from verify_parts.work import Work


def write_lines(work: Work, part: str, verdicts: Iterable[Verdict]) -> None:
    """Into FOLDER/PART.jsonl where lines are asked for."""
    if work.lines is None:
        return
    work.lines.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(verdict.line()) + "\n" for verdict in verdicts)
    (work.lines / f"{part}.jsonl").write_text(text, encoding="utf-8")
