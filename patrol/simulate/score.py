"""Compares a server's cases with the truth of a simulated drive."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from patrol.simulate.city import City
from patrol.simulate.truth import TrueThing

REACH_M = 12.0
"""A case further than this from every like thing is about nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledCase:
    """A case as the score needs it: `candidates` are the grids it may lie in when the server is in doubt."""

    class_name: str
    x_m: float
    y_m: float
    grid: str
    candidates: tuple[str, ...] = ()

    @property
    def is_flagged(self) -> bool:
        """Whether the server said that the grid is in doubt."""
        return len(self.candidates) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How good the cases are; nan where there is nothing to divide by.

    A case is right when it is matched to a thing that counts (shown well at least three times). precision = right /
    (right + wrong + duplicates); recall = right / things that count. A case on a thing that was shown less often is
    neither right nor wrong (`not_counted`); a second case on an already matched thing is a duplicate. Position error:
    metres between a right case and its thing. grid_accuracy: share of the right cases in the thing's grid.
    grid_wrong_unflagged: share of them in another grid without a warning; grid_flagged: share with a warning;
    near_border: share of them whose thing is truly within border_m of a border.
    """

    cases: int
    right: int
    wrong: int
    duplicates: int
    not_counted: int
    things: int
    precision: float
    recall: float
    duplicate_share: float
    position_error_m_median: float
    position_error_m_p95: float
    grid_accuracy: float
    grid_wrong_unflagged: float
    grid_flagged: float
    near_border: float

    def record(self) -> dict[str, Any]:
        """The score as plain values for JSON, numbers rounded to four places, nan as null."""
        return {
            name: None if value != value else round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def cases_from_geojson(city: City, collection: dict[str, Any]) -> list[FiledCase]:
    """The cases of a GeoJSON collection of WGS84 points with the properties class_name and grid.

    The optional property grid_candidates lists the grids a case may lie in.
    """
    found = []
    for feature in collection["features"]:
        lon, lat = feature["geometry"]["coordinates"][:2]
        place = city.plan.to_plan(np.array([city.local.to_enu(lat, lon)]))[0]
        properties = feature["properties"]
        found.append(
            FiledCase(
                class_name=properties["class_name"],
                x_m=float(place[0]),
                y_m=float(place[1]),
                grid=properties.get("grid") or "",
                candidates=tuple(properties.get("grid_candidates") or ()),
            )
        )
    return found


def distances(cases: list[FiledCase], things: list[TrueThing]) -> NDArray[np.float64]:
    """Metres `(cases, things)` between each case and each thing; infinite for other classes and beyond REACH_M."""
    case_at = np.array([(case.x_m, case.y_m) for case in cases]).reshape(-1, 2)
    thing_at = np.array([(thing.x_m, thing.y_m) for thing in things]).reshape(-1, 2)
    away = np.hypot(*np.moveaxis(case_at[:, None] - thing_at[None], 2, 0))
    case_class = np.array([case.class_name for case in cases])
    thing_class = np.array([thing.class_name for thing in things])
    far = (case_class[:, None] != thing_class[None]) | (away > REACH_M)
    return np.asarray(np.where(far, np.inf, away))


def matched(away: NDArray[np.float64]) -> dict[int, int]:
    """Case to thing, one to one: as many as possible, then with the least sum of metres."""
    if not away.size:
        return {}
    never = 1e6
    rows, columns = linear_sum_assignment(np.where(np.isfinite(away), away, never))
    pairs = zip(rows, columns, strict=True)
    return {int(row): int(column) for row, column in pairs if np.isfinite(away[row, column])}


def share(part: float, whole: float) -> float:
    """Part over whole; nan where the whole is nothing."""
    return part / whole if whole else float("nan")


def score_cases(cases: list[FiledCase], things: list[TrueThing], border_m: float = 4.0) -> Score:
    """The score of cases against the true things; border_m is the distance called near a grid's border."""
    away = distances(cases, things)
    pairs = matched(away)
    right = {case: thing for case, thing in pairs.items() if things[thing].counts}
    rest = [case for case in range(len(cases)) if case not in pairs]
    second = [case for case in rest if np.isfinite(away[case]).any()]
    twice = sum(1 for case in second if things[int(np.argmin(away[case]))].counts)
    wrong = len(rest) - len(second)
    expected = sum(thing.counts for thing in things)
    errors = np.array([away[case, thing] for case, thing in right.items()])
    in_grid = [cases[case].grid == things[thing].grid for case, thing in right.items()]
    flagged = [cases[case].is_flagged for case in right]
    close = [things[thing].border_m <= border_m for thing in right.values()]
    unflagged = sum(not good and not warned for good, warned in zip(in_grid, flagged, strict=True))
    return Score(
        cases=len(cases),
        right=len(right),
        wrong=wrong,
        duplicates=twice,
        not_counted=len(cases) - len(right) - wrong - twice,
        things=expected,
        precision=share(len(right), len(right) + wrong + twice),
        recall=share(len(right), expected),
        duplicate_share=share(twice, len(right) + wrong + twice),
        position_error_m_median=float(np.median(errors)) if len(errors) else float("nan"),
        position_error_m_p95=float(np.percentile(errors, 95)) if len(errors) else float("nan"),
        grid_accuracy=share(sum(in_grid), len(right)),
        grid_wrong_unflagged=share(unflagged, len(right)),
        grid_flagged=share(sum(flagged), len(right)),
        near_border=share(sum(close), len(right)),
    )
