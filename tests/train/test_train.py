"""A run can be stopped and resumed as if nothing had happened, and it learns."""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.training_data import plan, write_data

from training.index import load_index
from training.pseudo import COLUMNS
from training.recipe import Recipe, Stage
from training.schedule import plan_legs, rate_at
from training.train import ResumeError, Run, resume

RECIPE = Recipe(
    "t",
    (Stage(64, 96, 1), Stage(64, 128, 1.5)),
    batch=4,
    threads=1,
    warmup_steps=3,
    bfloat16=False,
    save_every_s=1e9,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data", plan(train=20, val=4))


def test_the_legs_cover_all_steps_without_a_gap() -> None:
    legs = plan_legs(RECIPE, steps_per_epoch=5)
    assert [(leg.epoch, leg.first, leg.steps, leg.stage.width_px) for leg in legs] == [
        (0, 0, 5, 96),
        (1, 5, 5, 128),
        (2, 10, 3, 128),
    ]


def test_the_rate_rises_to_its_peak_and_falls_to_its_share() -> None:
    rates = [rate_at(step, 103, RECIPE) for step in range(103)]
    assert rates[0] == pytest.approx(RECIPE.learning_rate / 3)
    assert max(rates) == pytest.approx(RECIPE.learning_rate)
    assert all(a >= b for a, b in itertools.pairwise(rates[3:]))
    assert rates[-1] == pytest.approx(RECIPE.learning_rate * RECIPE.final_rate, rel=0.1)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_resumed_run_gives_the_same_weights_as_one_that_was_never_stopped(
    data: Path, tmp_path: Path, threads: int
) -> None:
    recipe = replace(RECIPE, threads=threads)
    whole = Run(tmp_path / "whole", [data], recipe)
    whole.train()
    first = Run(tmp_path / "parts", [data], recipe)
    first.train(until_step=3)
    second = resume(tmp_path / "parts")
    assert second.progress.step == 3
    second.train(until_step=7)
    third = resume(tmp_path / "parts")
    third.train()
    assert third.progress.step == whole.progress.step == whole.total_steps
    for kind in ("network", "average"):
        stopped = getattr(third, kind).state_dict()
        for name, value in getattr(whole, kind).state_dict().items():
            assert torch.equal(value, stopped[name]), f"{kind} {name}"


def test_a_stop_signal_ends_the_run_after_the_step_in_hand_with_a_checkpoint(data: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run", [data], RECIPE)
    run.stop()
    assert run.train().step == 1
    assert resume(tmp_path / "run").progress.step == 1


def test_a_folder_of_another_recipe_or_other_data_is_refused(data: Path, tmp_path: Path) -> None:
    Run(tmp_path / "run", [data], RECIPE).train(until_step=1)
    with pytest.raises(ResumeError, match="recipe_hash differs"):
        Run(tmp_path / "run", [data], replace(RECIPE, learning_rate=1e-4))
    next((data / "labels" / "walls").glob("*.txt")).write_text("", encoding="utf-8")
    with pytest.raises(ResumeError, match="data_hash differs"):
        Run(tmp_path / "run", [data], RECIPE)


def test_a_run_of_the_head_that_is_gone_is_refused_by_its_name(data: Path, tmp_path: Path) -> None:
    Run(tmp_path / "run", [data], RECIPE).train(until_step=1)
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    del state["head"]
    torch.save(state, tmp_path / "run" / "last.pt")
    with pytest.raises(ResumeError, match="head differs from the run that was started here"):
        Run(tmp_path / "run", [data], RECIPE)


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match="no run was started here"):
        resume(tmp_path)


def test_a_run_learns_and_leaves_its_record(data: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, stages=(Stage(64, 96, 14, 0.9, 1.1),), warmup_steps=5, learning_rate=2e-3)
    run = Run(tmp_path / "run", [data], recipe)
    run.train()
    with (tmp_path / "run" / "curve.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    losses = [float(row["class"]) for row in rows]
    assert float(rows[-1]["step"]) == run.total_steps == 70
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert record["train_pictures"] == {"floors": 10, "walls": 10}
    assert len(list((tmp_path / "run").glob("epoch-*.safetensors"))) == 14


def test_a_run_with_all_ways_of_composing_resumes_exactly_and_keeps_its_pseudo_labels(
    data: Path, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, mosaic=0.5, mixup=0.3, copy_paste={"dark": 0.5}, activation="silu")
    index = load_index([data])
    floor = next(p for p in index.of("train", "floors"))
    pseudo = tmp_path / "pseudo.csv"
    row = ["floors", floor.image.name, "dark", "0.5", "0.5", "0.3", "0.3", "0.9", "0.9", "m", "yes"]
    pseudo.write_text(",".join(COLUMNS) + "\n" + ",".join(row) + "\n", encoding="utf-8")
    whole = Run(tmp_path / "whole", [data], recipe, pseudo=pseudo)
    whole.train(until_step=6)
    Run(tmp_path / "parts", [data], recipe, pseudo=pseudo).train(until_step=3)
    parts = resume(tmp_path / "parts")
    parts.train(until_step=6)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, parts.network.state_dict()[name]), name
    pseudo.write_text(pseudo.read_text(encoding="utf-8").replace("yes", "no"), encoding="utf-8")
    with pytest.raises(ResumeError, match="pseudo_hash differs"):
        resume(tmp_path / "parts")


def test_a_source_that_is_left_out_is_not_trained_on(data: Path, tmp_path: Path) -> None:
    Run(tmp_path / "run", [data], replace(RECIPE, leave_out=("walls",)))
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert record["train_pictures"] == {"floors": 10}
