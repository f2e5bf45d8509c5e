"""`xuncheng-train data check|import|export|split`. No torch is needed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from training.data_check import check_folder
from training.exchange import READERS, WRITERS, Format, NewSource, from_index, take_in
from training.index import load_index
from training.split import split_source

commands = typer.Typer(no_args_is_help=True, help="Check data folders; labels of other tools in and out; splits.")

Folder = Annotated[Path, typer.Option("--data", help="Data folder.", file_okay=False)]
_FAULTS = 1


@commands.command()
def check(
    folders: Annotated[list[Path], typer.Argument(help="Data folders.", exists=True, file_okay=False)],
    whole: Annotated[bool, typer.Option("--whole", help="Decode every picture, not its headers only.")] = False,
) -> None:
    """Print everything that is wrong, one fault a line with file and line; exit code 1 if anything is."""
    faults = [fault for folder in folders for fault in check_folder(folder, whole=whole)]
    typer.echo("\n".join(faults) if faults else "nothing is wrong")
    if faults:
        raise typer.Exit(_FAULTS)


@commands.command("import")
def import_labels(
    kind: Annotated[Format, typer.Argument(help="The format of the labels.")],
    labels: Annotated[Path, typer.Argument(help="File or folder with the labels.", exists=True)],
    data: Folder,
    source: Annotated[str, typer.Option(help="Name of the new source.")],
    pictures: Annotated[Path, typer.Option(help="Folder that the labels' picture names start from.", exists=True)],
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="theirs=ours; theirs= leaves a class out. Again for more.")
    ] = None,
    group_by: Annotated[
        str | None, typer.Option(help="Regular expression: names with the same match are one group.")
    ] = None,
) -> None:
    """Add a source to a data folder from labels of another tool; look-alikes become one group, all in split train."""
    mapped = {}
    for pair in classes or []:
        theirs, found, ours = pair.partition("=")
        if not found:
            raise typer.BadParameter(f"{pair}: must be theirs=ours", param_hint="--class")
        mapped[theirs] = ours or None
    new = NewSource(name=source, pictures=pictures, classes=mapped, group_by=group_by)
    typer.echo(f"{take_in(READERS[kind](labels), new, data)} pictures of {source} added to {data}")


@commands.command("export")
def export_labels(
    kind: Annotated[Format, typer.Argument(help="The format to write.")],
    out: Annotated[Path, typer.Argument(help="File (coco, cvat, label-studio) or folder (yolo, voc) to write.")],
    data: Folder,
    source: Annotated[str | None, typer.Option(help="This source only.")] = None,
    split: Annotated[str | None, typer.Option(help="This split only.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Copy the pictures into this folder too.")] = None,
) -> None:
    """Write labels of a data folder for another tool."""
    labels = from_index(load_index([data]), data, source, split)
    for picture in labels.pictures if pictures is not None else ():
        target = Path(str(pictures)) / picture.image
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / "images" / picture.image, target)
    typer.echo(f"{len(labels.pictures)} pictures written to {WRITERS[kind](labels, out)}")


@commands.command()
def split(
    data: Folder,
    source: Annotated[str, typer.Option(help="The source to share out.")],
    val: Annotated[float, typer.Option(help="Share of the pictures that validate.", min=0.0, max=0.9)] = 0.15,
    seed: Annotated[int, typer.Option(help="Another seed, other groups.")] = 0,
) -> None:
    """Share a source's groups out between train and val; a group is never parted."""
    train, validate = split_source(data, source, val, seed)
    load_index([data])  # a group on both sides would be refused here
    typer.echo(f"{source}: {train} pictures train, {validate} validate")
