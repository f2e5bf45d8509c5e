"""One training run, from recipe and data to a checkpoint; stopped at any moment it goes on where it was.

A run lives in a folder: `recipe.toml`-like record in `run.json`, a line every ten steps in `curve.csv`, `last.pt` to
resume from, and the averaged weights: `epoch-NN.safetensors` after each epoch, `last.safetensors` at every end.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from training.batches import Batch, BatchSource
from training.checkpoint import load_checkpoint, save_checkpoint
from training.index import data_hash, load_index
from training.network import HEAD, build_network, load_weights, save_weights
from training.parallel import ParallelBackward
from training.pseudo import read_pseudo
from training.recipe import Recipe, parse_recipe, recipe_hash
from training.record import log_step, write_record
from training.schedule import Leg, Progress, plan_legs, rate_at

LOG_EVERY = 10  # steps


class ResumeError(RuntimeError):
    """A run folder that belongs to another recipe or other data."""


class Run:
    """A training run in a folder."""

    def __init__(
        self,
        folder: Path,
        data: Sequence[Path],
        recipe: Recipe,
        start: Path | None = None,
        pseudo: Path | None = None,
    ) -> None:
        """Resumes from the folder's checkpoint if there is one, else starts from `start` or from random weights.

        pseudo: labels of a model that people have looked at (`xuncheng-train pseudo`).
        Raises ResumeError if the folder belongs to another recipe or other data.
        """
        torch.manual_seed(recipe.seed)
        index = load_index(data)
        self._folder, self._recipe = folder, recipe
        taught = index.without(recipe.leave_out)
        extra = None if pseudo is None else read_pseudo(pseudo, index)
        self._source = BatchSource(taught, recipe, extra)
        self._legs = plan_legs(recipe, self._source.steps_per_epoch)
        self.total_steps = sum(leg.steps for leg in self._legs)
        self.network: Any = build_network(len(index.classes), recipe.activation)
        if start is not None:
            load_weights(self.network, start)
        self.network.to(memory_format=torch.channels_last)
        self.average: Any = build_network(len(index.classes), recipe.activation).eval()
        self.average.load_state_dict(self.network.state_dict())
        self._backward = ParallelBackward(self.network, recipe)
        self._optimiser = _optimiser(self.network, recipe)
        self.progress = Progress()
        self._stop = False
        folder.mkdir(parents=True, exist_ok=True)
        self._identity = {"recipe_hash": recipe_hash(recipe), "data_hash": data_hash(index), "head": HEAD}
        if pseudo is not None:
            self._identity["pseudo_hash"] = hashlib.sha256(pseudo.read_bytes()).hexdigest()
        self._resume()
        details = {
            **self._identity,
            "data": [str(path.resolve()) for path in data],
            "start": None if start is None else start.name,
            "pseudo": None if pseudo is None else str(pseudo.resolve()),
            "steps_per_epoch": self._source.steps_per_epoch,
            "total_steps": self.total_steps,
        }
        write_record(folder, recipe, taught, details)

    def stop(self, *_: int | FrameType | None) -> None:
        """None; the run ends after the step in hand, with a checkpoint. Fit to be a signal handler."""
        self._stop = True

    def train(self, until_step: int | None = None) -> Progress:
        """Where the run stands after its last step, after `until_step`, or after `stop`."""
        last = self.total_steps if until_step is None else min(until_step, self.total_steps)
        for leg in self._legs:
            if leg.first + leg.steps <= self.progress.step or leg.first >= last:
                continue
            self._train_leg(leg, last)
            if self._stop:
                break
            if self.progress.step == leg.first + leg.steps:
                self._keep_average(f"epoch-{leg.epoch + 1:02d}")
                self._save()
        self._save()
        self._keep_average("last")
        return self.progress

    def _train_leg(self, leg: Leg, last: int) -> None:
        begin = self.progress.step - leg.first
        end = min(leg.steps, last - leg.first)
        started = saved = time.monotonic()
        for batch in self._source.epoch(leg.epoch, leg.stage, begin, end):
            parts = self._step(batch)
            now = time.monotonic()
            self.progress.seconds += now - started
            started = now
            if self.progress.step % LOG_EVERY == 0 or self.progress.step == leg.first + leg.steps:
                rate = rate_at(self.progress.step - 1, self.total_steps, self._recipe)
                log_step(self._folder, leg, self.progress, rate, parts.tolist())
            if now - saved > self._recipe.save_every_s:
                self._save()
                saved = now
            if self._stop:
                return

    def _step(self, batch: Batch) -> torch.Tensor:
        rate = rate_at(self.progress.step, self.total_steps, self._recipe)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        parts = self._backward(batch)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._recipe.clip_norm)
        self._optimiser.step()
        self.progress.step += 1
        self._follow()
        return parts

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the average towards the network; early on the average is short so that it forgets the start."""
        step = self.progress.step
        decay = min(self._recipe.ema_decay, (1 + step) / (10 + step))
        live = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(live[name], 1 - decay)
            else:
                value.copy_(live[name])

    def _save(self) -> None:
        state = {
            **self._identity,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "progress": dataclasses.asdict(self.progress),
        }
        save_checkpoint(self._folder, state)

    def _resume(self) -> None:
        state = load_checkpoint(self._folder)
        if state is None:
            return
        for key, value in self._identity.items():
            if state.get(key) != value:
                raise ResumeError(f"{self._folder}: {key} differs from the run that was started here")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])

    def _keep_average(self, name: str) -> None:
        notes = {**self._identity, "recipe": self._recipe.name, "step": str(self.progress.step)}
        notes["activation"] = self._recipe.activation
        notes["hours"] = f"{self.progress.seconds / 3600:.3f}"
        save_weights(self.average, self._folder / f"{name}.safetensors", notes)


def resume(folder: Path) -> Run:
    """The run of a folder, ready to go on with the recipe and the data it was started with. Raises ResumeError."""
    path = folder / "run.json"
    if not path.is_file():
        raise ResumeError(f"{folder}: no run was started here")
    record = json.loads(path.read_text(encoding="utf-8"))
    recipe = parse_recipe(record["recipe"], str(path))
    pseudo = record.get("pseudo")
    data = [Path(place) for place in record["data"]]
    return Run(folder, data, recipe, pseudo=None if pseudo is None else Path(pseudo))


def train_until_stopped(run: Run) -> Progress:
    """Where the run stands at its end, or after SIGTERM or SIGINT, which end it cleanly after the step in hand."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, run.stop)
    return run.train()


def _optimiser(network: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; only convolution weights decay, biases and normalisation do not."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    free = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
