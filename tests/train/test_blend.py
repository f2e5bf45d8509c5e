"""The mean of several weights is a network like them, and unlike ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from training.blend import BlendError, blend_weights
from training.cli import app
from training.network import activation_of, build_network, load_weights, save_weights


def _weights(path: Path, seed: int, classes: int = 2, activation: str = "relu") -> Path:
    torch.manual_seed(seed)
    save_weights(build_network(classes), path, {"activation": activation})
    return path


def test_the_blend_is_the_mean_and_loads_like_any_weights(tmp_path: Path) -> None:
    one, two = _weights(tmp_path / "one.safetensors", 1), _weights(tmp_path / "two.safetensors", 2)
    out = tmp_path / "both.safetensors"
    blend_weights([one, two], out)
    first, second, both = (load_file(path) for path in (one, two, out))
    name = next(name for name, value in first.items() if value.ndim == 4)
    wanted = (first[name].double() + second[name].double()) / 2
    assert torch.allclose(both[name].double(), wanted, atol=1e-3)
    assert both[name].dtype == first[name].dtype
    assert not torch.equal(both[name], first[name])
    load_weights(build_network(2), out)
    assert activation_of(out) == "relu"


def test_a_blend_of_weights_with_themselves_changes_nothing(tmp_path: Path) -> None:
    one = _weights(tmp_path / "one.safetensors", 1)
    blend_weights([one, one, one], tmp_path / "same.safetensors")
    before, after = load_file(one), load_file(tmp_path / "same.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_weights_of_another_shape_or_activation_are_refused_by_name(tmp_path: Path) -> None:
    one = _weights(tmp_path / "one.safetensors", 1)
    wider = _weights(tmp_path / "wider.safetensors", 1, classes=3)
    silu = _weights(tmp_path / "silu.safetensors", 1, activation="silu")
    out = tmp_path / "out.safetensors"
    with pytest.raises(BlendError, match=r"wider\.safetensors: tensor .* is not as in the first file"):
        blend_weights([one, wider], out)
    with pytest.raises(BlendError, match=r"silu\.safetensors: its activation is not relu"):
        blend_weights([one, silu], out)
    assert not out.exists()


def test_the_command_says_why_it_blends_nothing(tmp_path: Path) -> None:
    one = _weights(tmp_path / "one.safetensors", 1)
    result = CliRunner().invoke(app, ["blend", str(one), "--out", str(tmp_path / "out.safetensors")])
    assert result.exit_code == 2
    assert "at least two files" in result.output


def test_the_head_that_older_files_have_too_is_left_out(tmp_path: Path) -> None:
    one, two = _weights(tmp_path / "one.safetensors", 1), _weights(tmp_path / "two.safetensors", 2)
    older = {**load_file(one), "model.23.one2one_cv2.0.0.conv.weight": torch.zeros(1)}
    save_file(older, tmp_path / "older.safetensors", metadata={"activation": "relu"})
    blend_weights([tmp_path / "older.safetensors", two], tmp_path / "both.safetensors")
    blend_weights([one, two], tmp_path / "wanted.safetensors")
    both, wanted = (load_file(tmp_path / f"{name}.safetensors") for name in ("both", "wanted"))
    assert both.keys() == wanted.keys()
    assert all(torch.equal(both[name], wanted[name]) for name in wanted)
    load_weights(build_network(2), tmp_path / "older.safetensors")
