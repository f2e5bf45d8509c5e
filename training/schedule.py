"""The plan of a run: which epoch at which picture size, and the learning rate of every step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.recipe import Recipe, Stage


@dataclass(slots=True)
class Progress:
    """Where a run stands: finished steps over all stages, and hours spent computing."""

    step: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Leg:
    """The steps of one epoch, or part of one, at one picture size; `first` counts over the whole run."""

    stage: Stage
    epoch: int
    first: int
    steps: int


def plan_legs(recipe: Recipe, steps_per_epoch: int) -> list[Leg]:
    """The legs of a run in order. An epoch of a stage that ends in a fraction is cut short."""
    legs: list[Leg] = []
    first, epoch = 0, 0
    for stage in recipe.stages:
        left = round(stage.epochs * steps_per_epoch)
        while left > 0:
            steps = min(left, steps_per_epoch)
            legs.append(Leg(stage, epoch, first, steps))
            first, epoch, left = first + steps, epoch + 1, left - steps
    return legs


def rate_at(step: int, total: int, recipe: Recipe) -> float:
    """The learning rate of a step: linear warm-up, then half a cosine down to `final_rate` of the peak."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    share = (step - recipe.warmup_steps) / max(1, total - recipe.warmup_steps)
    fall = 0.5 * (1 + math.cos(math.pi * share))
    return recipe.learning_rate * (recipe.final_rate + (1 - recipe.final_rate) * fall)
