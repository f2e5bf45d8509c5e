"""Legal holds over the API, from the command line and on the console; and pictures whose time is over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.accounts import add_account, signed_in_as
from support.app import OpenApp, open_app
from support.clocks import SetClock
from support.two_districts import HERE, TwoDistricts, two_districts

from inference_server.bootstrap import build_keeper
from inference_server.cli import run
from inference_server.domain.account import Role
from inference_server.domain.audit import AuditAction
from inference_server.retention import Keeper
from inference_server.rules import read_rules

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[TwoDistricts]:
    """Two districts, the case of each under a hold."""
    with open_app(tmp_path_factory.mktemp("holds") / "data", card, retention_every_s=3600.0) as app:
        add_account(app, "wang", Role.VIEWER)
        yield two_districts(app)


def in_years(app: OpenApp, years: float) -> Keeper:
    """The keeper of an app's pictures, later."""
    clock = SetClock(datetime.now(UTC) + timedelta(days=365.0 * years))
    keeper = build_keeper(app.settings, read_rules(app.settings), app.application.record)
    return replace(keeper, clock=clock, grace=timedelta(0))


def test_a_hold_is_set_shown_and_lifted_and_the_audit_log_says_by_whom(city: TwoDistricts) -> None:
    case_id = city.nowhere.id
    with city.client("holds", district=None) as http:
        answer = http.post("/v1/holds", json={"case": case_id, "reason": "objection 7"})
        assert answer.status_code == 201, answer.text
        hold = answer.json()
        assert http.get(answer.headers["location"]).json() == hold
        assert hold in http.get("/v1/holds").json()["holds"]
    with city.app.client("cases:read") as http:
        assert http.get(f"/v1/cases/{case_id}").json()["holds"] == [hold]
    with signed_in_as(city.app, "wang") as browser:
        page = browser.get(f"/console/cases/{case_id}").text
        assert "Legal hold" in page
        assert "objection 7" in page
    with city.client("holds", district=None) as http:
        lifted = http.post(f"/v1/holds/{hold['id']}/lift", json={"reason": "settled"}).json()
        assert (lifted["lifted_by"], lifted["lift_reason"]) == ("operator:clerk", "settled")
        assert http.post(f"/v1/holds/{hold['id']}/lift", json={"reason": "settled"}).status_code == 409
        assert hold["id"] not in [one["id"] for one in http.get("/v1/holds").json()["holds"]]
        everything = http.get("/v1/holds", params={"standing": "false"}).json()["holds"]
        assert hold["id"] in [one["id"] for one in everything]
    with city.app.client("cases:read") as http:
        assert http.get(f"/v1/cases/{case_id}").json()["holds"] == []
    notes = [entry.note for entry in city.app.application.record.audit.entries()]
    mine = [(note.action, note.who) for note in notes if note.object == f"case:{case_id}"]
    assert mine[-2:] == [(AuditAction.HOLD_SET, "clerk"), (AuditAction.HOLD_LIFTED, "clerk")]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"reason": "x"}, "case"),
        ({"case": "a", "device": "b", "reason": "x"}, "case"),
        ({"device": "b", "reason": "x"}, "since"),
        ({"case": "a"}, "reason"),
        (
            {"device": "b", "since": "2026-11-22T03:00:00Z", "until": "2026-11-22T02:00:00Z", "reason": "x"},
            "until",
        ),
    ],
)
def test_a_hold_that_makes_no_sense_is_refused(city: TwoDistricts, wanted: dict[str, str], field: str) -> None:
    with city.app.client("holds") as http:
        answer = http.post("/v1/holds", json=wanted)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_token_of_a_district_holds_its_own_cases_only(city: TwoDistricts) -> None:
    times = {"since": "2026-11-22T02:00:00Z", "until": "2026-11-22T03:00:00Z"}
    with city.client("holds") as http:
        mine = http.post("/v1/holds", json={"case": city.here.in_review.id, "reason": "x"})
        assert mine.status_code == 201
        assert http.post("/v1/holds", json={"case": city.there.case.id, "reason": "x"}).status_code == 404
        refused = http.post("/v1/holds", json={"device": "car-1", **times, "reason": "x"})
        assert (refused.status_code, refused.json()["field"]) == (403, "device")
        seen = {one["case"] for one in http.get("/v1/holds").json()["holds"]}
    assert seen == {city.here.case.id, city.here.in_review.id}, HERE


def test_a_held_case_outlives_its_time_and_the_picture_of_another_one_is_gone(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, retention_every_s=3600.0) as app:
        add_account(app, "wang", Role.VIEWER)
        case_id = app.file_a_case()
        with app.client() as http:
            closed = http.patch(f"/v1/cases/{case_id}", json={"state": "closed", "by": "operator", "reason": "done"})
            (near, *_) = closed.raise_for_status().json()["evidence"]
            hold = http.post("/v1/holds", json={"case": case_id, "reason": "objection"}).json()
            keeper = in_years(app, 4.0)
            keeper.look()
            keeper.erase()
            assert http.get(near["href"]).status_code == 200
            http.post(f"/v1/holds/{hold['id']}/lift", json={"reason": "settled"}).raise_for_status()
            keeper.look()
            assert keeper.erase().deleted.get("evidence_days=1095", 0) >= 1
            gone = http.get(near["href"])
            assert (gone.status_code, gone.json()["code"]) == (410, "gone")
            assert "evidence_days=1095" in gone.json()["detail"]
            told = http.get(f"/v1/cases/{case_id}").json()["evidence"]
            assert all(one["deleted_at"] is not None for one in told)
            report = http.get(f"/v1/frames/{near['frame']}").raise_for_status().json()
            assert report["report"]["detections"]
        with signed_in_as(app, "wang") as browser:
            assert browser.get(f"/console/cases/{case_id}/pictures/{near['sha256']}").status_code == 410
            assert "its time was over" in browser.get(f"/console/cases/{case_id}").text
            assert "its time was over" in browser.get(f"/console/frames/{near['frame']}").text


@pytest.mark.usefixtures("own_settings")
def test_holds_and_retention_from_the_command_line(tmp_path: Path, card: Path, capsys: Captured) -> None:
    with open_app(tmp_path / "data", card, retention_every_s=3600.0) as app:
        case_id = app.file_a_case()
    capsys.readouterr()
    assert run(["hold", "case", case_id, "--why", "objection"]) == 0
    hold_id = capsys.readouterr().out.strip()
    assert run(["hold", "list", "--json"]) == 0
    (listed,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (listed["id"], listed["case"], listed["reason"]) == (hold_id, case_id, "objection")
    for command in (["retain", "--dry-run"], ["retain"]):
        assert run(command) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["kept"]["held"] >= 1
        assert (found["due"], found["deleted"]) == ({}, {})
    assert run(["hold", "lift", hold_id, "--why", "settled"]) == 0
    assert run(["hold", "lift", hold_id, "--why", "settled"]) == 3
    assert run(["hold", "device", "nobody", "--since", "2026-11-01", "--until", "2026-11-02", "--why", "x"]) == 3
    assert run(["hold", "case", "nothing", "--why", "x"]) == 3
    capsys.readouterr()
    assert run(["hold", "list"]) == 0
    assert case_id not in capsys.readouterr().out
