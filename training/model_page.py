"""The model card as a page for people, from the card's file and the descriptions of its sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detector.model_card import read_card
from training.gates import best_file
from training.page import render


def model_page(card_path: Path, datasets: Path) -> str:
    """The page as Markdown. Raises CardError for a card that cannot be read."""
    card = read_card(card_path).content
    released = best_file(card)
    of_file = [figure for figure in card.get("figures", []) if figure["file"] == released]
    runs = card.get("training", [])
    return render(
        "model-card.md",
        card=card,
        file=f"weights/{card_path.name}",
        released=released,
        runs=[run["recipe"]["name"] for run in runs],
        hours=sum(run["hours"] for run in runs),
        check=card.get("export_check"),
        int8=card.get("int8"),
        limits=card.get("limits", []),
        figures=[_figure(figure) for figure in of_file if figure["state"] == "labelled"],
        absent=_absent([figure for figure in of_file if figure["state"] == "absent"]),
        scores=[_scores(name, card) for name in card["classes"]],
        sources=[{**source, "about": _about(datasets / f"{source['source']}.md")} for source in card.get("data", [])],
    )


def _figure(figure: Mapping[str, Any]) -> list[str]:
    ends = figure.get("intervals", {})
    rates = [
        _with_ends(figure["mAP50"], ends.get("mAP50"), 3),
        _number(figure["mAP50_95"], 3),
        _with_ends(figure["recall_at_threshold"], ends.get("recall_at_threshold"), 2),
        _number(figure["precision_at_threshold"], 2),
        _with_ends(figure["false_alarms_per_100"], ends.get("false_alarms_per_100"), 1),
    ]
    return [figure["source"], figure["class"], str(figure["pictures"]), str(figure["boxes"]), *rates]


def _absent(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not figures:
        return {"pairs": 0}
    worst = max(figures, key=lambda figure: figure["false_alarms_per_100"])
    mean = sum(figure["false_alarms_per_100"] for figure in figures) / len(figures)
    return {
        "pairs": len(figures),
        "pictures": sum(figure["pictures"] for figure in figures),
        "most": _number(worst["false_alarms_per_100"], 1),
        "where": f"{worst['class']} in {worst['source']}",
        "mean": _number(mean, 2),
    }


def _scores(name: str, card: Mapping[str, Any]) -> list[str]:
    thresholds, calibration = card["thresholds"].get(name, {}), card.get("calibration", {}).get(name, {})
    told = [_number(thresholds.get(key), 3) for key in ("file", "review", "drop_below")]
    told += [_number(thresholds.get(key), 2) for key in ("cross_precision", "cross_recall")]
    told += [_number(calibration.get(key), 3) for key in ("ece", "ece_raw")]
    return [name, str(thresholds.get("boxes", "-")), *told]


def _about(path: Path) -> str:
    """The first sentence or two of a source's data card: its text between the title and the list."""
    if not path.is_file():
        return "not described."
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    text = [line.strip() for line in lines]
    start = next((place for place, line in enumerate(text) if line), len(text))
    end = next((place for place in range(start, len(text)) if not text[place]), len(text))
    return " ".join(text[start:end])


def _with_ends(value: float | None, ends: Sequence[float] | None, places: int) -> str:
    if ends is None:
        return _number(value, places)
    return f"{_number(value, places)} ({ends[0]:.{places}f} to {ends[1]:.{places}f})"


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"
