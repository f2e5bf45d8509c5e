"""xuncheng cases list"""

from dataclasses import replace
from typing import Annotated

import typer

from inference_server.commands.record import own_record
from inference_server.commands.talk import answer_json, answer_table, talk
from inference_server.domain.case import Case
from inference_server.ports import CaseFilter, CaseStore
from inference_server.web.case_schema import CaseOut

app = typer.Typer(no_args_is_help=True, help="Cases.")


@app.command("list")
def list_cases(
    state: Annotated[list[str] | None, typer.Option(help="Only cases in this state; may be repeated.")] = None,
    class_name: Annotated[list[str] | None, typer.Option("--class", help="Only this class; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")] = False,
) -> None:
    """List all cases in order of filing."""
    wanted = CaseFilter(states=tuple(state or ()), class_names=tuple(class_name or ()), limit=1000)
    with own_record() as record:
        cases = _all(record.store, wanted)
    if as_json:
        for case in cases:
            answer_json(CaseOut.of(case))
        return
    columns = ("case", "state", "code", "name", "grid", "position", "± m", "score", "seen", "filed at")
    answer_table(columns, (_row(case) for case in cases))
    talk(f"{len(cases)} cases")


def _all(store: CaseStore, wanted: CaseFilter) -> list[Case]:
    cases: list[Case] = []
    while True:
        page = store.list_cases(wanted)
        cases += page.cases
        if page.cursor is None:
            return cases
        wanted = replace(wanted, cursor=page.cursor)


def _row(case: Case) -> tuple[str, ...]:
    place = f"{case.position.lat:.6f}, {case.position.lon:.6f}"
    grid = f"{case.grid or '-'}{' !' if case.on_border else ''}"
    head = (case.id, case.state, case.code, case.name, grid, place, f"{case.radius_m:.1f}", f"{case.score:.2f}")
    return (*head, str(case.observations), case.filed_at.isoformat(timespec="seconds"))
