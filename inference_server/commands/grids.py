"""xuncheng grids import|make|check|export"""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from inference_server.commands.record import own_record
from inference_server.commands.talk import ExitCode, answer, answer_json, shell_user, talk
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.datum_checks import check_datum
from inference_server.domain.errors import BadInput
from inference_server.domain.grid import Grid
from inference_server.domain.grid_checks import Finding, check_grids
from inference_server.domain.grid_plan import make_grids
from inference_server.imports import read_geojson
from inference_server.settings import Settings
from inference_server.web.grids import as_geojson

app = typer.Typer(no_args_is_help=True, help="Unit grids.")

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="GeoJSON FeatureCollection of polygons.")]
DatumName = Annotated[str, typer.Option("--datum", help="wgs84, cgcs2000, gcj02 or bd09: the file does not say.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day on which the grids are valid.")]
IdProperty = Annotated[str, typer.Option(help="The property that holds the id.")]
Source = Annotated[str | None, typer.Option(help="Name under which they can be replaced; the file's, if absent.")]
IdLength = Annotated[int | None, typer.Option(help="Characters of an id; the setting grid_id_length, if absent.")]


@app.command("import")
def import_grids(
    file: File,
    datum: DatumName,
    valid_from: Day,
    id_property: IdProperty = "id",
    id_length: IdLength = None,
    source: Source = None,
) -> None:
    """Read grids from a file, check them, and put them in the place of those of the same source.

    A running server reads grids when it starts: restart it afterwards.
    """
    settings = Settings()
    length = id_length or settings.grid_id_length
    grids = read_geojson(file, id_property=id_property, datum=datum, valid_from=valid_from.date(), id_length=length)
    findings = check_grids(grids, id_length=length) + check_datum(grids)
    _tell(findings)
    _replace(settings, source or file.stem, grids)


@app.command()
def make(
    file: File,
    datum: DatumName,
    valid_from: Day,
    district: Annotated[list[str], typer.Option(help="Code of a district in the file; may be repeated.")],
    id_property: IdProperty = "id",
    side_m: Annotated[float, typer.Option(help="Side of a grid in metres.", min=20, max=1000)] = 100.0,
    source: Source = None,
) -> None:
    """Make regular grids for districts that have none yet, and store them under a source."""
    read = read_geojson(file, id_property=id_property, datum=datum, valid_from=valid_from.date(), id_length=6)
    areas = {grid.district_code: grid.polygon for grid in read}
    missing = sorted(set(district) - set(areas))
    if missing:
        raise BadInput(f"{file.name} has no district {', '.join(missing)}", field="district")
    grids: list[Grid] = []
    for code in district:
        grids += make_grids(areas[code], district_code=code, valid_from=valid_from.date(), side_m=side_m)
    _replace(Settings(), source or f"made-{'-'.join(district)}", grids)


@app.command()
def check(id_length: IdLength = None) -> None:
    """Check all stored grids: ids, rings, overlaps, gaps, datum. Ends with 1 where something is wrong."""
    settings = Settings()
    with own_record(settings) as record:
        grids = record.store.grids()
    findings = check_grids(grids, id_length=id_length or settings.grid_id_length) + check_datum(grids)
    for finding in findings:
        answer_json({"fault": finding.fault.value, "ids": list(finding.ids), "message": finding.message})
    talk(f"{len(grids)} grids, {len(findings)} findings")
    if findings:
        raise typer.Exit(ExitCode.CHECK_FAILED)


@app.command()
def export(
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only grids valid on a day.")] = None,
) -> None:
    """Write all grids as one GeoJSON FeatureCollection, wgs84."""
    day: date | None = None if on is None else on.date()
    with own_record() as record:
        grids = [grid for grid in record.store.grids() if day is None or grid.is_valid_on(day)]
    answer(json.dumps(as_geojson(grids), ensure_ascii=False))


def _replace(settings: Settings, source: str, grids: list[Grid]) -> None:
    with own_record(settings) as record:
        note = AuditNote.by(shell_user(), AuditAction.GRIDS_REPLACED, f"grids:{source}", grids=len(grids))
        record.audit.add(note)
        record.store.replace_grids(source, grids)
    answer_json({"source": source, "grids": len(grids)})


def _tell(findings: list[Finding]) -> None:
    for finding in findings:
        talk(f"{finding.fault.value}: {', '.join(finding.ids[:5])}: {finding.message}")
