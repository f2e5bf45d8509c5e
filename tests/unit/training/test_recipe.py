"""A recipe says exactly what a run does; a slip of the pen is an error."""

from __future__ import annotations

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
