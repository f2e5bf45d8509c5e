"""The model card page is that of the released card, and every source in it has a data card."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.model_cards import a_figure, write_candidate
from typer.testing import CliRunner

from training.cli import app
from training.model_page import model_page

REPOSITORY = Path(__file__).parents[3]
DATASETS = REPOSITORY / "datasets"
CARD = REPOSITORY / "weights" / "xuncheng-n.json"


def test_the_page_is_up_to_date_with_the_card_and_the_datasets() -> None:
    if not CARD.is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.json is missing")
    written = (REPOSITORY / "docs" / "model-card.md").read_text(encoding="utf-8")
    assert written == model_page(CARD, DATASETS), "run: xuncheng-train model-card"


def test_every_figure_limit_and_source_of_a_card_is_on_its_page(tmp_path: Path) -> None:
    absent = a_figure("garbage", file="int8", state="absent", false_alarms_per_100=1.75, source="walls")
    source = {"source": "roads", "licence": "MIT", "origin": "o/r", "train_pictures": 7, "val_pictures": 3}
    card = write_candidate(
        tmp_path / "w",
        figures=[a_figure(), a_figure(file="int8", mAP50=0.493), absent],
        limits=["Nothing works at night."],
        data=[{**source, "labelled": ["pothole"]}],
    )
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "roads.md").write_text(
        "# roads\n\nRoads seen\nfrom above.\n\n- View: x\n", encoding="utf-8"
    )
    (tmp_path / "datasets" / "sources.csv").write_text("source,licence,origin,view\n", encoding="utf-8")
    words = ["model-card", card, "--out", tmp_path / "page.md", "--datasets", tmp_path / "datasets"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "- Nothing works at night.\n" in page
    assert "| roads | pothole | 50 | 120 | 0.493 | 0.300 | 0.60 (0.50 to 0.70) | 0.90 | 1.0 |\n" in page
    assert "1.8 false alarms in 100 pictures (garbage in walls)" in page
    assert "- **roads** (7 train, 3 val pictures): Roads seen from above.\n" in page
    assert "Licence as stated: MIT. Origin: o/r." in page


def test_every_source_has_a_data_card_with_all_that_a_user_must_know() -> None:
    with (DATASETS / "sources.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["source"] for row in rows} == {path.stem for path in DATASETS.glob("*.md")}
    for row in rows:
        text = (DATASETS / f"{row['source']}.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {row['source']}\n"), row["source"]
        for needed in (
            f"- View: {row['view']}",
            f"- Licence as stated: {row['licence']}",
            f"- Origin: {row['origin']}",
        ):
            assert needed in text, (row["source"], needed)
        assert "**Good for.**" in text
        assert "**Mind.**" in text


def test_every_source_of_the_shared_data_is_described(shared: Path) -> None:
    with (shared / "data" / "sources.csv").open(encoding="utf-8", newline="") as stream:
        used = {row["source"] for row in csv.DictReader(stream)}
    assert used <= {path.stem for path in DATASETS.glob("*.md")}


def test_a_card_without_figures_still_has_a_page(tmp_path: Path) -> None:
    card = write_candidate(tmp_path, figures=[])
    content = json.loads(card.read_text(encoding="utf-8"))
    del content["export_check"]
    card.write_text(json.dumps(content), encoding="utf-8")
    page = model_page(card, DATASETS)
    assert "# Model card: tiny 1" in page
    assert "surely without a class" not in page
