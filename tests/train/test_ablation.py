"""The ablation runs every variant for the same number of steps and measures the exported files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from support.training_data import plan, write_data
from typer.testing import CliRunner

from training.ablation import variants
from training.cli import app
from training.recipe import Recipe, Stage

RECIPE = """
batch = 4
threads = 1
bfloat16 = false
warmup_steps = 2
[[stages]]
height_px = 64
width_px = 96
epochs = 10
"""


def test_each_variant_changes_one_thing() -> None:
    recipe = Recipe("a", (Stage(64, 96, 1),))
    found = {v.name: v.recipe for v in variants(recipe, has_drawn=True)}
    changed = {
        name: {f.name for f in dataclasses.fields(one) if getattr(one, f.name) != getattr(recipe, f.name)} - {"name"}
        for name, one in found.items()
    }
    assert changed == {
        "base": set(),
        "other_seed": {"seed"},
        "plain_loss": {"masked"},
        "mosaic": {"mosaic"},
        "silu": {"activation"},
        "without_drawn": {"leave_out"},
    }
    assert len({one.name for one in found.values()}) == len(found)


def test_trained_weights_of_relu_are_no_start_for_silu() -> None:
    found = [v.name for v in variants(Recipe("a", (Stage(64, 96, 1),)), has_drawn=False, is_trained=True)]
    assert found == ["base", "other_seed", "plain_loss", "mosaic"]


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    folder = tmp_path / "datasets"
    folder.mkdir()
    (folder / "taxonomy.csv").write_text("class,code\npale,06010\n", encoding="utf-8")
    (folder / "sources.csv").write_text("source,licence,origin\nwalls,MIT,o/r\n", encoding="utf-8")
    return folder


def test_the_command_prints_what_each_variant_came_to(tmp_path: Path, datasets: Path) -> None:
    data = write_data(tmp_path / "data", plan(train=12, val=2))
    (tmp_path / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "steps.json").write_text('{"steps": 3}', encoding="utf-8")
    words = ["ablate", "--data", data, "--recipe", tmp_path / "tiny.toml", "--out", tmp_path / "out"]
    result = CliRunner().invoke(app, [str(word) for word in [*words, "--datasets", datasets, "--minutes", "0.01"]])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    names = ["base", "other_seed", "plain_loss", "mosaic", "silu"]
    assert [(line["variant"], line["steps"]) for line in lines] == [(name, 3) for name in names]
    assert all(line["cpu_ms_fp32"] > 0 and "mAP50_int8" in line for line in lines)
    assert (tmp_path / "out" / "silu" / "silu.int8.onnx").is_file()

    start = tmp_path / "out" / "base" / "base.safetensors"
    on = [*words, "--datasets", datasets, "--start", start, "--only", "other_seed", "--out", tmp_path / "on"]
    (tmp_path / "on").mkdir()
    (tmp_path / "on" / "steps.json").write_text('{"steps": 1}', encoding="utf-8")
    result = CliRunner().invoke(app, [str(word) for word in on])
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["variant"] for line in result.stdout.splitlines()] == ["other_seed"]
    assert json.loads((tmp_path / "on/other_seed/run/run.json").read_text(encoding="utf-8"))["start"] == start.name
