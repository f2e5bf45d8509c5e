"""When passes that saw nothing prove that a reported fix is one.

A pass that looks clearly at a place and finds nothing may simply have missed the thing. Distinct passes miss
independently (other light, other traffic, another line of sight), so the chance that all of them did is the product of
the class's miss rates; frames of one pass are no independent looks and count once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from inference_server.domain.catalogue import Catalogue
from inference_server.domain.closing import Matter
from inference_server.domain.closing_rules import ClosingRules

UNMEASURED_MISS_RATE = 0.5  # of a class whose recall nobody has measured
_DISTRICT_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearPasses:
    """Passes that looked clearly at the place of a case since it was reported fixed, and saw nothing."""

    passes: int
    miss_rate: float

    @property
    def chance_missed(self) -> float:
        """The chance that the thing is there and every pass has missed it."""
        return float(self.miss_rate**self.passes)

    def prove(self, rules: ClosingRules) -> bool:
        """Whether that is chance enough to close on."""
        return self.passes > 0 and self.chance_missed < rules.drive_by_miss

    def __str__(self) -> str:
        return f"clear passes without it: {self.passes}, all missing it: {self.chance_missed:.4f}"


def miss_rate(class_name: str, rules: ClosingRules, measured: Mapping[str, float]) -> float:
    """The miss rate of a class: the policy's, else the one measured for the model, else UNMEASURED_MISS_RATE."""
    rate = rules.miss_rates.get(class_name, measured.get(class_name, UNMEASURED_MISS_RATE))
    return min(max(float(rate), 0.0), 1.0)


def matter_of(class_name: str, grid: str | None, catalogue: Catalogue) -> Matter:
    """What a case of the record is about, as far as closing goes."""
    entry = catalogue.of_class(class_name)
    return Matter(
        code=entry.code if entry.kind == "matter" else None,
        is_safety=entry.is_safety,
        district=None if grid is None else grid[:_DISTRICT_DIGITS],
        classes=(class_name,),
    )
