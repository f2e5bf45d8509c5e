"""xuncheng models status|shadow-report"""

from datetime import datetime
from typing import Annotated

import typer

from inference_server.bootstrap import find_models
from inference_server.commands.record import own_record
from inference_server.commands.talk import ExitCode, answer_json, answer_table, talk
from inference_server.domain.city_time import CITY_ZONE
from inference_server.rules import read_rules
from inference_server.settings import Settings
from inference_server.web.model_schema import ModelOut, ShadowReportOut
from inference_server.web.models import chosen_pair

app = typer.Typer(no_args_is_help=True, help="The models that are wanted, and what the candidate saw.")

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Load what the registry names, as a server would, and say what can be served. Exit code 1 where one cannot.

    What a running server has in hand is in its /readyz.
    """
    settings = Settings()
    _, found = find_models(settings, read_rules(settings))
    if as_json:
        for one in found:
            answer_json(
                {"alias": one.alias.value, **ModelOut.of(one).model_dump(include={"wanted", "version", "fault"})}
            )
    else:
        rows = ((one.alias.value, one.version or "-", one.wanted or "-", one.fault or "") for one in found)
        answer_table(("alias", "version", "card", "fault"), rows)
    if any(one.fault is not None for one in found):
        raise typer.Exit(ExitCode.CHECK_FAILED)


@app.command("shadow-report")
def shadow_report(
    live: Annotated[str | None, typer.Option(help="Name and version of the champion; the latest, if absent.")] = None,
    shadow: Annotated[str | None, typer.Option(help="Name and version of the candidate.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only frames looked at since then, city time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Champion and candidate side by side over the frames that both looked at."""
    moment = None if since is None else since.replace(tzinfo=CITY_ZONE)
    with own_record() as record:
        pair = chosen_pair(record.shadows, live, shadow)
        report = ShadowReportOut.of(record.shadows.report(*pair, since=moment))
    if as_json:
        answer_json(report)
        return
    columns = ("class", "both", "only live", "only shadow", "score shift")
    answer_table(columns, (tuple(row.model_dump().values()) for row in report.classes))
    talk(f"{report.frames} frames, live {report.live_version}, shadow {report.shadow_version}")
