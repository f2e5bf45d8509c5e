"""The city's rules as data: read from TOML, hashed, stored with every case."""

import hashlib
import math
import tomllib
from dataclasses import dataclass, field, fields
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.errors import BadPolicy
from inference_server.domain.observation import Contact
from inference_server.domain.photo_rules import PhotoLimits
from inference_server.domain.retention import RetentionRules, retention_rules, time_limit
from inference_server.domain.zones import check_rings


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """Which frames are worth looking at."""

    max_accuracy_m: float = 20.0
    max_speed_kmh: float = 150.0
    jump_slack_m: float = 15.0  # fixes of a moving receiver scatter: a jump must exceed this as well
    step_m: float = 2.0
    min_sharpness: float = 15.0
    min_brightness: float = 18.0
    max_brightness: float = 245.0
    moved_thumbnail_grey: float = 6.0  # mean difference of grey values above which the scene has moved
    max_pass_gap_s: float = 60.0
    masked_zones: tuple[
        tuple[tuple[float, float], ...], ...
    ] = ()  # rings of (lat, lon), wgs84: no picture from here is kept
    masked_margin_m: float = 0.0  # so near to a masked zone counts as in it: cameras look ahead
    only_inside_grids: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorModel:
    """How wrong fixes, headings and mounts are: standard deviations."""

    default_accuracy_m: float = 5.0
    accuracy_to_sigma: float = 0.66  # one axis from the radius that holds 68 % (Rayleigh: 1 / 1.515)
    correlation_s: float = 30.0
    heading_sigma_deg: float = 3.0
    heading_common_share: float = 0.5  # of the heading's variance: what stays the same while a thing is passed
    pitch_sigma_deg: float = 0.3
    lag_sigma_s: float = 0.1
    hidden_sigma_m: float = 1.2  # of the place of a thing that something hides in part
    cut_sigma_m: float = 2.5  # of the place of a thing that the frame's edge cuts
    pixel_sigma_px: float = 1.5
    box_sigma_share: float = 0.08  # of a box's side: where a trained detector draws it against where it is
    middle_sigma_share: float = 0.15  # of its width: the middle of a large thing is vaguer than that of a small one


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRules:
    """Which detections can be placed."""

    max_range_m: float = 35.0
    min_size_px: float = 8.0  # shorter side in the network's picture
    min_flat_px: float = 3.0  # the same for things that lie flat and are foreshortened
    edge_margin_px: float = 2.0
    max_radius_m: float = 15.0
    one_thing_m: float = 1.8  # like things this near to each other in one frame are one


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRules:
    """When two observations are of the same thing."""

    track_gate_sigmas: float = 3.5
    track_floor_m: float = 0.35
    track_idle_s: float = 12.0
    track_class_cost: float = 6.0  # of another class within a pass: a track that breaks there is linked again
    link_after: int = 5
    link_left_behind: int = 2
    left_behind_s: float = 2.5
    link_gate_sigmas: float = 3.3
    wait_gate_sigmas: float = 4.0  # so near to a like one that its pass did not meet, nothing is new at once
    clear_margin: float = 9.0  # by so much a link must beat those to other candidates to stand at once
    clear_new_margin: float = 5.0  # and by so much that the thing is new
    decide_after_s: float = 4.0  # what is not clear is decided so long after its last look
    decide_after_m: float = 40.0  # or so far from the vehicle
    at_hand_m: float = 50.0  # further away a track is linked with nothing: not all around it is loaded
    map_floor_m: float = 0.8
    search_m: float = 25.0
    wrong_class_cost: float = 3.0
    wrong_side_cost: float = 2.0
    told_cost: float = 4.0  # of a place that nobody has measured: about ln(|S|) against one that a vehicle has
    wall_min_baseline_m: float = 5.0
    merge_passes: int = 3
    merge_within_m: float = 4.0
    merge_gate_sigmas: float = 2.5
    ground_max_sigma_m: float = 1.8
    wall_max_sigma_m: float = 10.0
    wall_link_after: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceRules:
    """When a clear look at a known place counts."""

    max_range_m: float = 18.0
    min_range_m: float = 3.0
    clear_frames: int = 3
    edge_margin_share: float = 0.06
    min_size_px: float = 12.0  # the thing as it should show, shorter side in the network's picture
    min_flat_px: float = 4.0  # the same for things that lie flat


@dataclass(frozen=True, slots=True, kw_only=True)
class TipRules:
    """Where the things are that people tell of, and which known ones they mean."""

    sigma_m: float = 10.0  # one axis: the error of a phone in a street, and the steps between the person and the thing
    address_sigma_m: float = 50.0  # of a whole unit grid, where that is all that was said
    gate_sigmas: float = 3.3
    within_m: float = 25.0
    words_days: float = math.inf  # what people wrote goes so long after the case was closed; `inf`: never


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRules:
    """Which dropped detections are shown to a person, to measure misses."""

    sample_share: float = 0.02
    seed: int = 20261101


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRules:
    """How one class is filed. Scores left at None come from the model card."""

    group: str
    contact: Contact = Contact.GROUND
    code: str | None = None
    kind: str = "matter"
    collected: bool = True
    occludes: bool = False
    people_only: bool = False
    observations: int = 3
    file_at: float | None = None
    review_at: float | None = None
    drop_below: float | None = None
    sure_at: float | None = None
    hours: tuple[time, time] | None = None
    months: tuple[int, ...] = ()
    reopen_within_days: float = 30.0
    height_m: float | None = None  # usual height of the centre over ground, for things on walls
    permits: tuple[tuple[tuple[float, float], ...], ...] = ()  # rings of (lat, lon) where it is allowed
    evidence_days: float | None = None  # over that of [retention]; inf: for ever


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All rules of a city, and the hash of the file they came from."""

    standard: str = "GB/T 47678.5-2026"
    source: str = "车载智能采集"
    timezone: str = "Asia/Shanghai"
    region_class: str = "A"
    gate: GateRules = field(default_factory=GateRules)
    errors: ErrorModel = field(default_factory=ErrorModel)
    place: PlaceRules = field(default_factory=PlaceRules)
    match: MatchRules = field(default_factory=MatchRules)
    absence: AbsenceRules = field(default_factory=AbsenceRules)
    review: ReviewRules = field(default_factory=ReviewRules)
    tips: TipRules = field(default_factory=TipRules)
    closing: ClosingRules = field(default_factory=ClosingRules)
    photos: PhotoLimits = field(default_factory=PhotoLimits)
    retention: RetentionRules = field(default_factory=RetentionRules)
    classes: dict[str, ClassRules] = field(default_factory=dict)
    hash: str = ""

    @cached_property
    def groups(self) -> dict[str, str]:
        """Class group by class name."""
        return {name: rules.group for name, rules in self.classes.items()}


_SECTIONS = {
    "gate": GateRules,
    "errors": ErrorModel,
    "place": PlaceRules,
    "match": MatchRules,
    "absence": AbsenceRules,
    "review": ReviewRules,
    "tips": TipRules,
    "closing": ClosingRules,
    "photos": PhotoLimits,
}
_Rules = TypeVar("_Rules")


def load_policy(path: Path) -> Policy:
    """The policy of a TOML file; an unknown key or a value of the wrong kind is a BadPolicy naming it.

    `extends` names another file beside it, whose rules hold where this one says nothing; the hash covers both.
    """
    data, texts = _tables(path)
    parts: dict[str, Any] = {
        key: data.pop(key) for key in ("standard", "source", "timezone", "region_class") if key in data
    }
    classes = data.pop("classes", {})
    check_rings(data.get("gate", {}).get("masked_zones", ()), "gate.masked_zones")
    for name, rules in _SECTIONS.items():
        parts[name] = _read(rules, data.pop(name, {}), name)
    parts["retention"] = retention_rules(data.pop("retention", {}))
    if data:
        raise BadPolicy(f"{path.name}: unknown section {sorted(data)[0]!r}", field=sorted(data)[0])
    parts["classes"] = {name: _class_rules(name, table) for name, table in classes.items()}
    return Policy(**parts, hash=hashlib.sha256(b"\0".join(texts)).hexdigest())


def _tables(path: Path) -> tuple[dict[str, Any], list[bytes]]:
    """The tables of a policy file over those that it extends, and the texts of both."""
    try:
        raw = path.read_bytes()
        data = tomllib.loads(raw.decode())
    except OSError as error:
        raise BadPolicy(f"{path.name}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPolicy(f"{path.name}: not TOML: {error}") from error
    below = data.pop("extends", None)
    if below is None:
        return data, [raw]
    base, texts = _tables(path.parent / str(below))
    return _over(base, data), [*texts, raw]


def _over(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in data.items():
        old = merged.get(key)
        merged[key] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _class_rules(name: str, table: dict[str, Any]) -> ClassRules:
    table = dict(table)
    check_rings(table.get("permits", ()), f"classes.{name}.permits")
    if "contact" in table:
        try:
            table["contact"] = Contact(table["contact"])
        except ValueError as error:
            raise BadPolicy(
                f"classes.{name}.contact: one of {[c.value for c in Contact]}", field=f"classes.{name}.contact"
            ) from error
    if "hours" in table:
        table["hours"] = tuple(table["hours"])
    if "evidence_days" in table:
        days = time_limit(table["evidence_days"], f"classes.{name}.evidence_days")
        table["evidence_days"] = math.inf if days is None else days
    return _read(ClassRules, table, f"classes.{name}")


def _read(rules: type[_Rules], table: dict[str, Any], where: str) -> _Rules:
    known = {f.name: f for f in fields(rules)}  # type: ignore[arg-type]
    for key, value in table.items():
        if key not in known:
            raise BadPolicy(f"{where}.{key}: unknown key; known are {sorted(known)}", field=f"{where}.{key}")
        default = known[key].default
        if isinstance(default, bool) != isinstance(value, bool) and isinstance(default, bool | int | float):
            raise BadPolicy(f"{where}.{key}: {value!r} is not of the right kind", field=f"{where}.{key}")
        if isinstance(default, int | float) and not isinstance(value, int | float):
            raise BadPolicy(f"{where}.{key}: {value!r} is not a number", field=f"{where}.{key}")
    listed = {key: _frozen(value) for key, value in table.items()}
    return rules(**listed)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list | tuple) else value
