"""The ablation runs every variant for the same number of steps and measures the exported files."""

from __future__ import annotations

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
    base, plain, silu, drawn = (v.recipe for v in variants(Recipe("a", (Stage(64, 96, 1),)), has_drawn=True))
    assert (base.masked, base.activation, base.leave_out) == (True, "relu", ())
    assert (plain.masked, plain.activation, plain.leave_out) == (False, "relu", ())
    assert (silu.masked, silu.activation, silu.leave_out) == (True, "silu", ())
    assert (drawn.masked, drawn.activation, drawn.leave_out) == (True, "relu", ("drawn_city",))
    assert len({base.name, plain.name, silu.name, drawn.name}) == 4


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
    assert [(line["variant"], line["steps"]) for line in lines] == [("base", 3), ("plain_loss", 3), ("silu", 3)]
    assert all(line["cpu_ms_fp32"] > 0 and "mAP50_int8" in line for line in lines)
    assert (tmp_path / "out" / "silu" / "silu.int8.onnx").is_file()
