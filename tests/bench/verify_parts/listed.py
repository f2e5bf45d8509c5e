"""Which pairs the shipped policy may close by itself: those of a code on its list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from inference_server.rules import read_rules
from inference_server.settings import Settings
from verify_parts.things import CODES
from verify_parts.verifying import Verdict


def of_listed_codes(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The pairs whose thing has a code that may be closed without a person."""
    return [one for one in verdicts if CODES[one.pair.class_name] in _listed()]


@cache
def _listed() -> frozenset[str]:
    return frozenset(read_rules(Settings()).policy.closing.codes)
