"""Pictures that stand or fall together: the units that intervals are drawn from and that cross-fitting keeps apart.

A block is a group of look-alikes. A source with few groups has long drives in them; there a group is cut into runs of
pictures in the order of the index, which stand for consecutive frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.findings import Finding

FEWEST_GROUPS = 10
FRAMES_A_BLOCK = 10


def blocks(findings: Sequence[Finding]) -> list[list[int]]:
    """Positions in `findings`, block by block; every position is in exactly one block."""
    groups: dict[tuple[str, str], list[int]] = {}
    for position, finding in enumerate(findings):
        groups.setdefault((finding.picture.source, finding.picture.group), []).append(position)
    counts: dict[str, int] = {}
    for source, _ in groups:
        counts[source] = counts.get(source, 0) + 1
    made: list[list[int]] = []
    for (source, _), members in groups.items():
        length = FRAMES_A_BLOCK if counts[source] < FEWEST_GROUPS else len(members)
        made.extend(members[start : start + length] for start in range(0, len(members), length))
    return made


def halves(findings: Sequence[Finding], seed: int = 0) -> tuple[list[int], list[int]]:
    """Positions in `findings` of two halves, of each source nearly the same number; no block is in both."""
    rng = np.random.default_rng(seed)
    sides: tuple[list[int], list[int]] = ([], [])
    filled: dict[str, list[int]] = {}
    made = blocks(findings)
    order = sorted(rng.permutation(len(made)).tolist(), key=lambda place: -len(made[place]))
    for place in order:
        members = made[place]
        counts = filled.setdefault(findings[members[0]].picture.source, [0, 0])
        side = int(counts[1] < counts[0])
        counts[side] += len(members)
        sides[side].extend(members)
    return sides
