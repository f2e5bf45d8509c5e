"""The dashboard asks for nothing that the server does not tell."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from support.app import OpenApp
from support.posting import a_meta, a_picture, post

DASHBOARD = Path(__file__).parents[2] / "docker" / "grafana.json"


def test_each_figure_of_the_dashboard_is_one_of_the_server_and_none_is_left_out(fresh_app: OpenApp) -> None:
    with fresh_app.client("device") as device:
        post(device, a_meta(), a_picture(), wait=True)
    with fresh_app.client(None) as client:
        families = list(text_string_to_metric_families(client.get("/metrics").text))
    told = {sample.name for family in families for sample in family.samples}
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = {name for panel in panels for one in panel["targets"] for name in re.findall(r"xuncheng_\w+", one["expr"])}
    assert asked <= told
    shown = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked}
    assert shown == {family.name for family in families if not family.name.endswith("_created")}
