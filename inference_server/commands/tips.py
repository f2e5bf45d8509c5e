"""xuncheng tips list|place"""

from contextlib import closing
from typing import Annotated

import typer

from inference_server.bootstrap import build_tipping, city_grids, open_record
from inference_server.commands.record import own_record
from inference_server.commands.talk import answer_json, answer_table, shell_user, talk
from inference_server.domain.datum import to_wgs84
from inference_server.domain.tip import TipId
from inference_server.rules import read_rules
from inference_server.settings import Settings
from inference_server.web.tips import TipOut

app = typer.Typer(no_args_is_help=True, help="What people told, where nobody knows yet where it is.")

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")]


@app.command("list")
def list_tips(limit: Annotated[int, typer.Option(min=1)] = 1000, as_json: AsJson = False) -> None:
    """List tips that came with an address in words only, oldest first."""
    with own_record() as record:
        tips = [TipOut.of(tip) for tip in record.tips.unplaced(limit)]
    if as_json:
        for tip in tips:
            answer_json(tip)
        return
    rows = ((t.id, t.received_at.isoformat(timespec="seconds"), t.class_name, t.address, t.description) for t in tips)
    answer_table(("tip", "received at", "class", "address", "description"), rows)
    talk(f"{len(tips)} tips wait for a place")


@app.command()
def place(
    tip_id: Annotated[str, typer.Argument(help="The id, as `tips list` shows it.")],
    lat: Annotated[float, typer.Argument(help="Degrees.")],
    lon: Annotated[float, typer.Argument(help="Degrees.")],
    datum: Annotated[str, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09.")],
) -> None:
    """Say where a tip is: it then belongs to the open case there, or becomes a case in review."""
    settings = Settings()
    rules = read_rules(settings)
    with closing(open_record(settings, rules)) as record:
        tip = build_tipping(rules, record, city_grids(rules, record)).place(
            TipId(tip_id), to_wgs84(lat, lon, datum), shell_user()
        )
    talk(f"tip {tip.id} belongs to case {tip.case_id}")
