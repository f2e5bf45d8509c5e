"""A recipe says exactly what a run does; a slip of the pen is an error."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from training.recipe import RECIPES, RecipeError, load_recipe, parse_recipe, recipe_hash


def _values(**changes: Any) -> dict[str, Any]:
    return {"name": "t", "stages": [{"height_px": 64, "width_px": 96, "epochs": 1}], **changes}


def test_an_unknown_key_is_an_error_that_names_it() -> None:
    with pytest.raises(RecipeError, match=r"here: unknown key learning_rte"):
        parse_recipe(_values(learning_rte=1e-3), "here")


def test_an_unknown_key_of_a_stage_is_an_error_that_names_the_stage() -> None:
    stage = {"height_px": 64, "width_px": 96, "epochs": 1, "zoom": 2}
    with pytest.raises(RecipeError, match=r"here: stage 1: unknown key zoom"):
        parse_recipe(_values(stages=[stage]), "here")


@pytest.mark.parametrize(
    ("stage", "problem"),
    [
        ({"height_px": 60, "width_px": 96, "epochs": 1}, "60x96 is no multiple of 32 px"),
        ({"height_px": 64, "width_px": 96, "epochs": 1, "scale_low": 2.0}, "not above scale_high"),
    ],
)
def test_a_stage_that_cannot_be_trained_is_an_error(stage: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        parse_recipe(_values(stages=[stage]), "here")


def test_a_recipe_without_stages_is_an_error() -> None:
    with pytest.raises(RecipeError, match="at least one"):
        parse_recipe(_values(stages=[]), "here")


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such recipe"):
        load_recipe(str(tmp_path / "none.toml"))


def test_every_recipe_of_the_package_can_be_read() -> None:
    paths = sorted(RECIPES.glob("*.toml"))
    assert paths
    for path in paths:
        assert load_recipe(path.stem).name == path.stem


def test_the_hash_changes_with_any_setting() -> None:
    base = parse_recipe(_values(), "here")
    assert recipe_hash(base) == recipe_hash(parse_recipe(_values(), "there"))
    assert recipe_hash(base) != recipe_hash(parse_recipe(_values(seed=5), "here"))


def test_keys_that_came_later_do_not_change_the_hash_while_they_stand_at_their_default() -> None:
    base = parse_recipe(_values(), "here")
    told = _values(leave_out=[], masked=True, activation="relu", mosaic=0.0, mixup=0.0, copy_paste={})
    assert recipe_hash(parse_recipe(told, "here")) == recipe_hash(base)
    # What the first recipes had: a run that was begun then must be found to be the same.
    assert recipe_hash(base) == "cd6dbf6e1a93f5d442976827f30200cc1795ea272b839572b79e7200d88acce6"
    for key, value in (("leave_out", ["walls"]), ("masked", False), ("activation", "silu"), ("mosaic", 0.5)):
        assert recipe_hash(parse_recipe(_values(**{key: value}), "here")) != recipe_hash(base)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"mosaic": 1.5}, "mosaic must be a chance"),
        ({"mixup": -0.1}, "mixup must be a chance"),
        ({"copy_paste": {"cone": 2}}, r"copy_paste\.cone must be a chance"),
        ({"activation": "gelu"}, "activation must be relu or silu"),
    ],
)
def test_values_out_of_range_are_errors(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        parse_recipe(_values(**changes), "here")


def test_the_licensed_recipe_leaves_out_every_source_that_states_no_licence() -> None:
    with (Path(__file__).parents[3] / "datasets" / "sources.csv").open(encoding="utf-8", newline="") as stream:
        unstated = {row["source"] for row in csv.DictReader(stream) if row["licence"].startswith("none stated")}
    assert set(load_recipe("licensed_only").leave_out) == unstated
