"""`xuncheng tips`: who operates the server finds out where something is that came with an address in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.app import open_app

from inference_server.cli import run


@pytest.mark.usefixtures("own_settings")
def test_a_tip_without_a_place_is_listed_until_somebody_places_it(
    tmp_path: Path, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_app(tmp_path / "data", card) as app, app.client("open311") as http:
        said = {"service_code": "06010", "address_string": "解放路12号门口"}
        token = http.post("/open311/v2/requests.json", data=said).json()[0]["token"]
    capsys.readouterr()
    assert run(["tips", "list", "--json"]) == 0
    (tip,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (tip["id"], tip["address"], tip["case"]) == (token, "解放路12号门口", None)
    assert run(["tips", "place", token, "30.2741", "120.1551", "--datum", "mars"]) == 3
    assert run(["tips", "place", token, "30.2741", "120.1551", "--datum", "gcj02"]) == 0
    assert run(["tips", "place", token, "30.2741", "120.1551", "--datum", "gcj02"]) == 3
    capsys.readouterr()
    assert run(["tips", "list", "--json"]) == 0
    assert capsys.readouterr().out == ""
    run(["cases", "list", "--json"])
    (case,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (case["id"], case["state"], case["source"]) == (token, "review", "公众举报")
