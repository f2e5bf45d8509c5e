"""Time limits per class and filing condition, read from a city's file."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from inference_server.domain.deadlines import Limit, Unit
from inference_server.domain.errors import BadInput, BadPolicy, NotFound

ANY_REGION: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The limit of one filing condition of a class in a kind of region (`*`: in any)."""

    standard: str
    kind: str
    code: str
    condition: str
    limit: Limit
    region_class: str
    is_default: bool
    files_when: str
    closed_when: str


@dataclass(frozen=True, slots=True)
class DeadlineTable:
    """All limits of a city."""

    rules: dict[tuple[str, str, str], tuple[Rule, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "DeadlineTable":
        """The table of a CSV file; BadPolicy names the line that says something impossible."""
        rules: dict[tuple[str, str, str], tuple[Rule, ...]] = {}
        with path.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), start=2):
                rule = _rule(row, f"{path.name} line {number}")
                key = (rule.standard, rule.kind, rule.code)
                rules[key] = (*rules.get(key, ()), rule)
        for key, some in rules.items():
            _check_rules(path.name, key, some)
        return cls(rules)

    def rule(
        self, standard: str, kind: str, code: str, *, region_class: str = "A", condition: str | None = None
    ) -> Rule:
        """The rule of a class: of the named condition, else of the default one; of the region, else of any region.

        Raises NotFound where the table has none.
        """
        some = [
            rule
            for rule in self.rules.get((standard, kind, code), ())
            if (rule.is_default if condition is None else rule.condition == condition)
        ]
        for region in (region_class, ANY_REGION):
            for rule in some:
                if rule.region_class == region:
                    return rule
        what = f"no time limit for {standard} {kind} {code}"
        raise NotFound(f"{what}{'' if condition is None else f', condition {condition}'} in region {region_class}")


def _rule(row: dict[str, str], where: str) -> Rule:
    try:
        return Rule(
            standard=row["standard"],
            kind=row["kind"],
            code=row["code"],
            condition=row["condition"],
            limit=Limit(float(row["amount"]), Unit(row["unit"])),
            region_class=row["region_class"],
            is_default={"yes": True, "no": False}[row["is_default"]],
            files_when=row["files_when"],
            closed_when=row["closed_when"],
        )
    except (KeyError, TypeError, ValueError, BadInput) as fault:
        raise BadPolicy(f"{where}: {type(fault).__name__} {fault}", field="deadlines") from fault


def _check_rules(file: str, key: tuple[str, str, str], rules: tuple[Rule, ...]) -> None:
    named = [(rule.condition, rule.region_class) for rule in rules]
    defaults = [rule.region_class for rule in rules if rule.is_default]
    what = f"{file}: {' '.join(key)}"
    if len(set(named)) < len(named):
        raise BadPolicy(f"{what} has a condition twice for one region class", field="deadlines")
    if ANY_REGION not in defaults or len(set(defaults)) < len(defaults):
        message = f"{what} needs one default condition for region class {ANY_REGION}, and at most one for each other"
        raise BadPolicy(message, field="deadlines")
