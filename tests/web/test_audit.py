"""Who did what is written down, whichever way they came, and the command line proves the chain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from support.app import OpenApp, open_app
from support.records import changeable_audit

from inference_server.cli import run
from inference_server.domain.audit import check_chain
from inference_server.settings import Settings

Captured = pytest.CaptureFixture[str]


def notes(app: OpenApp) -> list[tuple[str, str, str]]:
    """Who, action and object of every entry."""
    found = app.application.record.audit.entries()
    return [(entry.note.who, str(entry.note.action), entry.note.object) for entry in found]


def test_moves_numbers_tokens_devices_and_reloads_over_the_api_are_noted(fresh_app: OpenApp) -> None:
    case = fresh_app.file_a_case()
    before = len(notes(fresh_app))
    with fresh_app.client("cases:write") as writer:
        body = {"by": "case_system", "state": "dispatched", "external_number": "2026-1"}
        assert writer.patch(f"/v1/cases/{case}", json=body).status_code == 200
        assert writer.patch(f"/v1/cases/{case}", json={"by": "operator", "state": "filed"}).status_code == 409
    with fresh_app.client() as admin:
        token = admin.post("/v1/tokens", json={"name": "desk", "scopes": ["cases:read"]}).json()
        admin.delete(f"/v1/tokens/{token['id']}")
        admin.post("/v1/devices", json={"id": "car-2", "name": "Second"})
        admin.post("/v1/models/reload")
    assert notes(fresh_app)[before:] == [
        ("cases:write", "case.moved", f"case:{case}"),
        ("cases:write", "case.numbered", f"case:{case}"),
        ("admin", "token.issued", f"token:{token['id']}"),
        ("admin", "token.revoked", f"token:{token['id']}"),
        ("admin", "device.saved", "device:car-2"),
        ("admin", "models.reloaded", "models"),
    ]
    entries = list(fresh_app.application.record.audit.entries())
    assert check_chain(entries).broken is None
    assert token["secret"] not in repr(entries)
    moved = next(entry.note for entry in entries if entry.note.action == "case.moved")
    assert (moved.role, dict(moved.details)) == ("case_system", {"from": "filed", "to": "dispatched"})


def test_the_model_that_a_process_takes_is_noted_with_the_policy(fresh_app: OpenApp) -> None:
    first = next(fresh_app.application.record.audit.entries())
    assert (first.note.action, first.note.object, first.note.role) == ("model.taken", "model:champion", "system")
    assert first.note.details["version"] == fresh_app.application.services.models.model_version
    assert first.note.details["policy"]


@pytest.mark.usefixtures("own_settings")
def test_the_command_line_notes_shows_and_proves(card: Path, capsys: Captured) -> None:
    run(["tokens", "issue", "me", "--scope", "admin"])
    run(["closing", "off", "06010", "--why", "test"])
    run(["outbox", "replay"])
    capsys.readouterr()
    assert run(["audit", "show", "--last", "2", "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["sequence"], one["action"]) for one in shown] == [(2, "closing.switched"), (3, "events.replayed")]
    assert run(["audit", "show"]) == 0
    assert "closing:06010" in capsys.readouterr().out
    assert run(["audit", "verify"]) == 0
    head = capsys.readouterr().out.strip()
    assert head == shown[-1]["hash"]
    assert run(["audit", "verify", "--head", head, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"entries": 3, "head": head, "sound": True}
    assert run(["audit", "verify", "--head", "f" * 64]) == 1
    assert capsys.readouterr().err.startswith("broken at entry 4: ")
    assert run(["audit", "verify", "--head", "short"]) == 3
    with open_app(Settings().data_folder, card) as app:
        database = app.application.record.database
        with database.writing() as connection, changeable_audit(connection):
            connection.execute(text("UPDATE audit SET who = 'nobody' WHERE sequence = 2"))
    capsys.readouterr()
    assert run(["audit", "verify", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["broken_at"] == 2
    assert "what it says is not what was written" in said.err
