"""`xuncheng-train pseudo`: labels of a model for what a source does not label, with a page to look at. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from detector.calibration import probabilities_of
from detector.model_card import ModelCard
from detector.yolo import load_onnx
from training.findings import Finding, find_all
from training.index import DRAWN_SOURCES, DataIndex, load_index
from training.pseudo import Proposal, propose, write_pseudo
from training.served import LowThreshold
from training.worst import Example, write_page

commands = typer.Typer()

_FIRST_LINE = 2  # of the file, under its head


@commands.command()
def pseudo(
    weights: Annotated[Path, typer.Option(help="The .onnx file; its card lies beside it.", exists=True)],
    data: Annotated[list[Path], typer.Option("--data", help="Data folder; again for more.", file_okay=False)],
    out: Annotated[Path, typer.Option(help="The file to write, for train --pseudo.", dir_okay=False)],
    above: Annotated[float, typer.Option(help="Least probability of a label.", min=0.0, max=1.0)] = 0.8,
    page: Annotated[Path | None, typer.Option(help="Write the labels here as a page with pictures.")] = None,
) -> None:
    """Label train pictures where their source says nothing about a class. Look at the page; write no where wrong."""
    index = load_index(data).without(DRAWN_SOURCES)
    detector = load_onnx(weights)
    findings = find_all(LowThreshold(detector, index.classes), index.of("train"), len(index.classes))
    proposals = propose(index, findings, [_chances(detector.card, index, f) for f in findings], above)
    write_pseudo(out, index, proposals, f"{detector.card.name} {detector.card.version} {weights.name}")
    if page is not None:
        write_page(page, f"Labels of {weights.name}", _sections(index, proposals))
    counts = {name: sum(p.class_id == place for p in proposals) for place, name in enumerate(index.classes)}
    told = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    typer.echo(f"{len(proposals)} labels in {out}: {told or 'none'}")


def _chances(card: ModelCard, index: DataIndex, finding: Finding) -> np.ndarray:
    """(n,) the probability of each found box; its raw score where the card does not calibrate the class."""
    found = probabilities_of(card.calibration, finding.scores, finding.classes, index.classes)
    return np.where(np.isnan(found), finding.scores, found)


def _sections(index: DataIndex, proposals: Sequence[Proposal]) -> dict[str, list[Example]]:
    sections: dict[str, list[Example]] = {}
    for line, p in enumerate(proposals, start=_FIRST_LINE):
        picture = p.finding.picture
        text = f"line {line}: {picture.source}/{picture.image.name}, probability {p.probability:.2f}"
        example = Example(p.finding, p.class_id, p.box, p.score, p.probability, text)
        sections.setdefault(index.classes[p.class_id], []).append(example)
    return sections
