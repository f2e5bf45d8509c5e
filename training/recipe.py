"""A recipe: every number of a training run, read from a TOML file. An unknown key is an error, never ignored."""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

Activation = Literal["relu", "silu"]
RECIPES = Path(__file__).parent / "recipes"


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of epochs at one picture size. Scales are relative to the size that just fits the picture in."""

    height_px: int
    width_px: int
    epochs: float
    scale_low: float = 0.7
    scale_high: float = 1.6


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of a run.

    `repeat` multiplies a source's pictures per epoch, `share_limit` caps a source's share of all pictures, `zoom`
    multiplies the scales of a source: small things far away are then learned at the size at which they are served.
    `leave_out`: sources that are not trained on. `masked` false: every class counts as known everywhere (for comparison
    only). `mosaic`, `mixup`: the chance that a picture is composed of four, or blended of two, of its source.
    `copy_paste`: per class, the chance that a thing of it is pasted into a picture whose source knows the class.
    """

    name: str
    stages: tuple[Stage, ...]
    seed: int = 0
    batch: int = 16
    learning_rate: float = 1e-3
    final_rate: float = 0.01
    weight_decay: float = 0.02
    warmup_steps: int = 100
    ema_decay: float = 0.998
    clip_norm: float = 10.0
    flip: float = 0.5
    hue: float = 0.015
    saturation: float = 0.5
    brightness: float = 0.35
    aim: float = 0.6
    box_gain: float = 7.5
    class_gain: float = 0.5
    l1_gain: float = 1.5
    bfloat16: bool = True
    threads: int = 2
    save_every_s: float = 240.0
    repeat: dict[str, float] = field(default_factory=dict)
    share_limit: dict[str, float] = field(default_factory=dict)
    zoom: dict[str, float] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    masked: bool = True
    activation: Activation = "relu"
    mosaic: float = 0.0
    mixup: float = 0.0
    copy_paste: dict[str, float] = field(default_factory=dict)


# Keys that came later: at their default they are left out of the hash, so that runs begun before them go on.
_LATER = ("leave_out", "masked", "activation", "mosaic", "mixup", "copy_paste")


def load_recipe(name_or_path: str) -> Recipe:
    """The recipe of a TOML file, or of a name in the package's recipes folder. Raises RecipeError."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = RECIPES / f"{name_or_path}.toml"
    if not path.is_file():
        raise RecipeError(f"{path}: no such recipe")
    with path.open("rb") as stream:
        values = tomllib.load(stream)
    values.setdefault("name", path.stem)
    return parse_recipe(values, str(path))


def parse_recipe(values: dict[str, Any], place: str) -> Recipe:
    """The recipe of parsed TOML values; `place` is named in errors. Raises RecipeError."""
    _refuse_unknown(values, Recipe, place)
    stages = values.get("stages", [])
    if not stages:
        raise RecipeError(f"{place}: a recipe needs at least one [[stages]]")
    for number, stage in enumerate(stages, start=1):
        _refuse_unknown(stage, Stage, f"{place}: stage {number}")
    made = {"stages": tuple(Stage(**stage) for stage in stages), "leave_out": tuple(values.get("leave_out", ()))}
    recipe = Recipe(**{**values, **made})
    _check_ranges(recipe, place)
    return recipe


def recipe_hash(recipe: Recipe) -> str:
    """SHA-256 (hex) of all settings: two runs with the same hash did the same."""
    defaults = {f.name: getattr(Recipe("", ()), f.name) for f in dataclasses.fields(Recipe) if f.name in _LATER}
    settings = {k: v for k, v in dataclasses.asdict(recipe).items() if k not in defaults or v != defaults[k]}
    return hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()


def _refuse_unknown(values: dict[str, Any], kind: type, place: str) -> None:
    unknown = set(values) - {f.name for f in dataclasses.fields(kind)}
    if unknown:
        raise RecipeError(f"{place}: unknown key {', '.join(sorted(unknown))}")


def _check_ranges(recipe: Recipe, place: str) -> None:
    for stage in recipe.stages:
        if stage.height_px % 32 or stage.width_px % 32:
            raise RecipeError(f"{place}: {stage.height_px}x{stage.width_px} is no multiple of 32 px")
        if not 0 < stage.scale_low <= stage.scale_high:
            raise RecipeError(f"{place}: scale_low must be above 0 and not above scale_high")
    if recipe.batch < 1 or recipe.learning_rate <= 0:
        raise RecipeError(f"{place}: batch and learning_rate must be positive")
    chances = {"mosaic": recipe.mosaic, "mixup": recipe.mixup}
    chances |= {f"copy_paste.{name}": chance for name, chance in recipe.copy_paste.items()}
    for key, chance in chances.items():
        if not 0 <= chance <= 1:
            raise RecipeError(f"{place}: {key} must be a chance in 0..1")
    if recipe.activation not in get_args(Activation):
        raise RecipeError(f"{place}: activation must be {' or '.join(get_args(Activation))}")
