"""`xuncheng-train`: from data to the model that is served. stdout is the answer, stderr the talk.

Exit codes: 0 done, 1 the data, the recipe or the model cannot be used, 2 wrong command line.
Only train, resume, ablate and export need torch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from detector.model_errors import ModelError
from training import data_commands, pseudo_commands, registry_commands
from training.assess import NoPictures, evaluate_file, fill_card
from training.index import DataError, load_index
from training.mine_command import mine_reviews
from training.model_page import model_page
from training.offline import keep_ultralytics_offline
from training.recipe import RecipeError, load_recipe
from training.worst import worst_alarms, worst_misses, write_page

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.add_typer(registry_commands.commands)
app.add_typer(pseudo_commands.commands)
app.add_typer(data_commands.commands, name="data")
app.command("mine")(mine_reviews)
talk = Console(stderr=True)

Data = Annotated[list[Path], typer.Option("--data", help="Data folder; give it again to add another.", file_okay=False)]
RunFolder = Annotated[Path, typer.Option("--run", help="Folder of the run.", file_okay=False)]
Datasets = Annotated[Path, typer.Option(help="Folder with sources.csv and taxonomy.csv.", exists=True)]


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe of the package, or a .toml file.")],
    data: Data,
    run: RunFolder,
    start: Annotated[Path | None, typer.Option(help="Safetensors weights to start from; default: random.")] = None,
    pseudo: Annotated[
        Path | None, typer.Option(help="Labels of a model, as xuncheng-train pseudo writes them.")
    ] = None,
) -> None:
    """Train. SIGTERM ends it cleanly; the same command, or resume, goes on."""
    keep_ultralytics_offline()
    from training.train import Run, train_until_stopped

    running = Run(run, data, load_recipe(recipe), start, pseudo)
    talk.print(f"{running.total_steps} steps, {running.progress.step} done")
    progress = train_until_stopped(running)
    typer.echo(f"{progress.step} of {running.total_steps} steps in {progress.seconds / 3600:.2f} h")


@app.command("resume")
def resume_run(run: RunFolder) -> None:
    """Go on with a stopped run, with the recipe and the data it was started with."""
    keep_ultralytics_offline()
    from training.train import resume, train_until_stopped

    running = resume(run)
    talk.print(f"{running.total_steps} steps, {running.progress.step} done")
    progress = train_until_stopped(running)
    typer.echo(f"{progress.step} of {running.total_steps} steps in {progress.seconds / 3600:.2f} h")


@app.command()
def ablate(
    data: Data,
    minutes: Annotated[float, typer.Option(help="Minutes of training for each variant.", min=0.01)] = 30.0,
    recipe: Annotated[str, typer.Option(help="The recipe that the variants change.")] = "ablation",
    out: Annotated[Path, typer.Option(help="Folder of the runs; called again it goes on.")] = Path("runs/ablation"),
    datasets: Datasets = Path("datasets"),
    start: Annotated[Path | None, typer.Option(help="Safetensors weights to start from; default: random.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Name of a variant; again for more. Default: all.")] = None,
) -> None:
    """Train the recipe as it is and with one thing changed each time: mAP50 and milliseconds."""
    keep_ultralytics_offline()
    from training.ablation import Ablation

    for outcome in Ablation(data, load_recipe(recipe), minutes, out, datasets, start, only or ()).run():
        typer.echo(json.dumps(outcome.as_json()))


@app.command()
def blend(
    weights: Annotated[list[Path], typer.Argument(help="Safetensors weights of runs from one start; two or more.")],
    out: Annotated[Path, typer.Option(help="The file to write.", dir_okay=False)],
) -> None:
    """Write the mean of several weights: runs that left one start in different ways may be better together."""
    from training.blend import BlendError, blend_weights

    try:
        blend_weights(weights, out)
    except BlendError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(str(out))


@app.command()
def export(
    weights: Annotated[Path, typer.Argument(help="Safetensors weights, as a run leaves after each epoch.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder and name without ending.")] = Path("weights/xuncheng-n"),
    run: Annotated[list[Path] | None, typer.Option(help="Run that led to the weights; again for more.")] = None,
    datasets: Datasets = Path("datasets"),
) -> None:
    """Write float32 and INT8 ONNX files, checked against torch, with a card that has no figures yet."""
    keep_ultralytics_offline()
    from training.publish import publish

    typer.echo(str(publish(weights, load_index(data), out, datasets, run or [])))


@app.command()
def card(
    path: Annotated[Path, typer.Argument(help="The card to fill in.", exists=True)],
    data: Data,
) -> None:
    """Run the card's files over the validation pictures and write thresholds and figures into it."""
    filled = fill_card(path, load_index(data))
    typer.echo(json.dumps(filled.get("int8", {}), indent=1))


@app.command()
def evaluate(
    weights: Annotated[Path, typer.Option(help="The .onnx file; its card lies beside it.", exists=True)],
    data: Data,
    split: Annotated[str, typer.Option(help="A split of the data's index.csv.")] = "val",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    page: Annotated[
        Path | None, typer.Option(help="Write worst misses and false alarms here as a page with pictures.")
    ] = None,
) -> None:
    """Figures of an exported file per source and class, only where the truth is known."""
    index = load_index(data)
    done = evaluate_file(weights, index, split)
    figures = [figure.as_json() for figure in done.figures]
    typer.echo("\n".join(json.dumps(f) for f in figures) if as_json else _as_table(figures))
    if page is not None:
        misses = worst_misses(index, done.findings, done.thresholds)
        alarms = worst_alarms(index, done.findings, done.thresholds)
        sections = {"Worst misses": misses, "Worst false alarms": alarms}
        talk.print(str(write_page(page, f"{weights.name} on {split}", sections)), soft_wrap=True)


@app.command("model-card")
def model_card(
    card: Annotated[Path, typer.Argument(help="The card to tell of.", exists=True)] = Path("weights/xuncheng-n.json"),
    out: Annotated[Path, typer.Option(help="The page to write.", dir_okay=False)] = Path("docs/model-card.md"),
    datasets: Datasets = Path("datasets"),
) -> None:
    """Write the model card page from a card and the descriptions of its sources."""
    out.write_text(model_page(card, datasets), encoding="utf-8")
    typer.echo(str(out))


def _as_table(figures: Sequence[dict[str, object]]) -> str:
    names = ("source", "class", "state", "boxes", "mAP50", "mAP50_95", "threshold")
    rates = ("recall_at_threshold", "precision_at_threshold", "false_alarms_per_100")
    head = "source           class            state     boxes  mAP50  mAP5095 score  recall prec.  false/100"
    rows = [head]
    for figure in figures:
        texts = ["-" if figure[name] is None else f"{figure[name]}" for name in (*names, *rates)]
        widths = (16, 16, 9, 6, 6, 7, 6, 6, 6, 8)
        rows.append(" ".join(text[:width].ljust(width) for text, width in zip(texts, widths, strict=True)))
    return "\n".join(rows)


def main() -> None:
    """None; the entry point of `xuncheng-train`."""
    try:
        app()
    except (DataError, NoPictures, RecipeError, ModelError) as error:
        talk.print(f"[red]{error}[/red]", soft_wrap=True)
        sys.exit(1)
