"""What each choice is worth: the same small run with one thing changed, measured on the exported files.

Every variant starts from the same weights, random or trained ones, and takes the same number of steps, about as many as
the base manages in the given time; the one with drawn frames left out takes them from real pictures alone. The base
once more with another seed shows how much of a difference is chance.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detector.model_card import Precision
from training.assess import fill_card
from training.batches import BatchSource
from training.index import DRAWN_SOURCES, load_index
from training.publish import publish
from training.recipe import Recipe
from training.schedule import plan_legs
from training.train import Run

PROBE_STEPS = 12
MOSAIC = 0.5  # the chance of a picture of four, in the variant that has them
_WARM_STEPS = 2  # the first steps decode pictures and are slow


@dataclass(frozen=True, slots=True)
class Variant:
    """A name and the recipe it is trained by."""

    name: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a variant came to: mean mAP50 over pairs with at least 10 boxes, and processor time of one network run."""

    variant: str
    steps: int
    hours: float
    map50: dict[Precision, float]
    cpu_ms: dict[Precision, float]

    def as_json(self) -> dict[str, object]:
        """One line of `--json`."""
        told = {f"mAP50_{kind}": value for kind, value in self.map50.items()}
        told |= {f"cpu_ms_{kind}": value for kind, value in self.cpu_ms.items()}
        return {"variant": self.variant, "steps": self.steps, "hours": round(self.hours, 3), **told}


@dataclass(frozen=True, slots=True)
class Ablation:
    """What to run: data folders, base recipe, minutes of training for each variant, folder of the runs.

    start: safetensors weights that all variants start from, None for random ones. only: names of the variants to run,
    empty for all.
    """

    data: Sequence[Path]
    recipe: Recipe
    minutes: float
    folder: Path
    datasets: Path
    start: Path | None = None
    only: Sequence[str] = ()

    def run(self) -> Iterator[Outcome]:
        """The outcome of each variant, as soon as it is there. A folder whose runs broke off is gone on with."""
        steps = self._steps()
        has_drawn = bool(DRAWN_SOURCES & set(load_index(self.data).sources))
        for variant in variants(self.recipe, has_drawn=has_drawn, is_trained=self.start is not None):
            if not self.only or variant.name in self.only:
                yield self._outcome(variant, steps)

    def _steps(self) -> int:
        """How many steps the base recipe makes in the given minutes; measured once and written down."""
        path = self.folder / "steps.json"
        if not path.is_file():
            probe = Run(self.folder / "probe", self.data, self.recipe)
            probe.train(until_step=_WARM_STEPS)
            started = time.monotonic()
            probe.train(until_step=_WARM_STEPS + PROBE_STEPS)
            seconds = (time.monotonic() - started) / PROBE_STEPS
            steps = max(1, round(60 * self.minutes / (seconds * _cost(self.recipe))))
            path.write_text(json.dumps({"steps": steps, "seconds_a_step": round(seconds, 3)}) + "\n", encoding="utf-8")
        return int(json.loads(path.read_text(encoding="utf-8"))["steps"])

    def _outcome(self, variant: Variant, steps: int) -> Outcome:
        folder = self.folder / variant.name
        run = Run(folder / "run", self.data, self._cut(variant.recipe, steps), self.start)
        progress = run.train()
        index = load_index(self.data).without(DRAWN_SOURCES)
        path = publish(
            folder / "run" / "last.safetensors", index, folder / variant.name, self.datasets, [folder / "run"]
        )
        card = fill_card(path, index)
        kinds: tuple[Precision, ...] = ("fp32", "int8")
        means = {kind: mean_of(card["figures"], kind) for kind in kinds}
        times = {kind: float(card["int8"][f"cpu_ms_{kind}"]) for kind in kinds}
        return Outcome(variant.name, progress.step, progress.seconds / 3600, means, times)

    def _cut(self, recipe: Recipe, steps: int) -> Recipe:
        """The recipe with its stages shortened or stretched in proportion to so many steps."""
        source = BatchSource(load_index(self.data).without(recipe.leave_out), recipe)
        whole = sum(leg.steps for leg in plan_legs(recipe, source.steps_per_epoch))
        stages = tuple(replace(stage, epochs=stage.epochs * steps / whole) for stage in recipe.stages)
        return replace(recipe, stages=stages)


def variants(recipe: Recipe, *, has_drawn: bool, is_trained: bool = False) -> list[Variant]:
    """The recipe as it is, and with one thing changed each time.

    is_trained: the weights at the start are trained ones; those of a network with ReLU are no start for one with SiLU.
    """
    changes = {
        "base": recipe,
        "other_seed": replace(recipe, seed=recipe.seed + 1),
        "plain_loss": replace(recipe, masked=False),
        "mosaic": replace(recipe, mosaic=MOSAIC),
    }
    if not is_trained:
        changes["silu"] = replace(recipe, activation="silu")
    if has_drawn:
        changes["without_drawn"] = replace(recipe, leave_out=(*recipe.leave_out, *sorted(DRAWN_SOURCES)))
    return [Variant(name, replace(changed, name=f"{recipe.name}-{name}")) for name, changed in changes.items()]


def _cost(recipe: Recipe) -> float:
    """Mean pixels of a step over those of a step of the first stage, which the time is measured at."""
    first = recipe.stages[0]
    pixels = sum(stage.epochs * stage.height_px * stage.width_px for stage in recipe.stages)
    return pixels / (sum(stage.epochs for stage in recipe.stages) * first.height_px * first.width_px)


def mean_of(figures: Sequence[dict[str, object]], file: str, fewest_boxes: int = 10) -> float:
    """Mean mAP50 of a card's figures of one file, over pairs with at least so many boxes."""
    values = [
        float(str(figure["mAP50"]))
        for figure in figures
        if figure["file"] == file and figure["mAP50"] is not None and int(str(figure["boxes"])) >= fewest_boxes
    ]
    return round(sum(values) / len(values), 4) if values else 0.0
