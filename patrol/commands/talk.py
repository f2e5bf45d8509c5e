"""How the verbs speak: the answer on stdout, the talk and the progress on stderr."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from patrol.buffer import Buffer
from patrol.upload import Uploader


def answer(text: str) -> None:
    """One line of the answer, on stdout."""
    typer.echo(text)


def answer_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line of stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def answer_rows(title: str, rows: list[tuple[str, object]]) -> None:
    """A table of two columns on stdout."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right", overflow="fold")
    for name, value in rows:
        table.add_row(name, str(value))
    Console().print(table)


def talk(text: str) -> None:
    """One line to the person, on stderr."""
    typer.echo(text, err=True)


@contextmanager
def upload_progress(buffer: Buffer, uploader: Uploader) -> Iterator[Callable[[], None]]:
    """A line on stderr that shows how the upload goes; call what you are given to have it drawn anew."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("sending", total=None)

        def tick() -> None:
            tally = uploader.tally
            done = sum(tally[name] for name in ("accepted", "duplicate", "parked"))
            tries = f", {tally['failed_tries']} failed tries" if tally["failed_tries"] else ""
            progress.update(
                task,
                completed=done,
                total=done + buffer.waiting_count(),
                description=f"sending ({tally['duplicate']} known, {tally['parked']} parked{tries})",
            )

        yield tick


@contextmanager
def waiting_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A line on stderr for a wait with a known number of steps; call what you are given with the steps done."""
    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
