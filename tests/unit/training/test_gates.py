"""What a model must show before it is served; each refusal has its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.model_cards import CHECK, INT8, a_figure, write_candidate

from training.gates import refusals


def reasons(candidate: Path, champion: Path | None = None) -> list[str]:
    return [str(refusal.reason) for refusal in refusals(candidate, champion)]


def test_a_model_that_shows_everything_is_not_refused(tmp_path: Path) -> None:
    champion = write_candidate(tmp_path / "old")
    assert reasons(write_candidate(tmp_path / "new"), champion) == []


def both(**changes: Any) -> list[dict[str, Any]]:
    return [a_figure(), a_figure(file="int8", **changes)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"export_check": None}, ["not_compared_with_torch"], id="never compared"),
        pytest.param({"export_check": CHECK | {"max_box_px": 1.5}}, ["not_compared_with_torch"], id="boxes off"),
        pytest.param({"export_check": CHECK | {"boxes": 0}}, ["not_compared_with_torch"], id="compared on nothing"),
        pytest.param({"figures": []}, ["figures_missing", "figures_missing"], id="no figures"),
        pytest.param({"figures": [a_figure()]}, ["figures_missing"], id="no figures of INT8"),
        pytest.param({"figures": both(mAP50=0.485)}, ["int8_mean"], id="INT8 loses 1.5 points on the mean"),
        pytest.param({"figures": both(mAP50=0.491)}, [], id="INT8 loses 0.9 points"),
        pytest.param({"int8": INT8 | {"time_ratio": 0.86}}, ["int8_time"], id="INT8 saves too little time"),
        pytest.param({"int8": INT8 | {"time_ratio": 0.85}}, [], id="INT8 saves just enough"),
        pytest.param({"int8": {}}, ["int8_time"], id="INT8 never timed"),
        pytest.param(
            {"figures": [a_figure(boxes=99, file=f) for f in ("fp32", "int8")]}, ["int8_mean"], id="few boxes"
        ),
    ],
)
def test_each_gate_names_itself(tmp_path: Path, changes: dict[str, Any], expected: list[str]) -> None:
    assert reasons(write_candidate(tmp_path, **changes)) == expected


def test_one_class_may_not_pay_for_the_others(tmp_path: Path) -> None:
    others = [a_figure(f"class {n}", file=file) for n in range(9) for file in ("fp32", "int8")]
    candidate = write_candidate(tmp_path, figures=[*both(mAP50=0.47), *others])
    (refusal,) = refusals(candidate, None)
    assert (refusal.reason, refusal.text) == ("int8_class", "INT8 loses 0.0300 mAP50 on roads/pothole")


def test_a_network_that_is_not_the_one_of_the_card_is_not_runnable(tmp_path: Path) -> None:
    candidate = write_candidate(tmp_path)
    with candidate.with_name("tiny.int8.onnx").open("ab") as stream:
        stream.write(b"more")
    assert reasons(candidate) == ["not_runnable"]


@pytest.mark.parametrize(
    ("name", "recall", "high", "expected"),
    [
        pytest.param("pothole", 0.4, 0.5, ["safety_recall"], id="a safety class finds less"),
        pytest.param("pothole", 0.55, 0.65, [], id="within its interval"),
        pytest.param("garbage", 0.4, 0.5, [], id="no safety class"),
    ],
)
def test_no_safety_class_may_lose_recall_beyond_its_interval(
    tmp_path: Path, name: str, recall: float, high: float, expected: list[str]
) -> None:
    changed = {"recall_at_threshold": recall, "intervals": {"recall_at_threshold": [0.3, high]}}
    figures = [a_figure(name, file=file, **changed) for file in ("fp32", "int8")]
    champion = write_candidate(tmp_path / "old", figures=[a_figure(name, file=f) for f in ("fp32", "int8")])
    assert reasons(write_candidate(tmp_path / "new", figures=figures), champion) == expected


def test_figures_of_other_pictures_cannot_be_compared(tmp_path: Path) -> None:
    champion = write_candidate(tmp_path / "old")
    figures = [a_figure(file=file, pictures=51) for file in ("fp32", "int8")]
    assert reasons(write_candidate(tmp_path / "new", figures=figures), champion) == ["not_comparable"]
