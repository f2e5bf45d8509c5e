"""A server that is killed while people tell of things: what was answered with 200 is there, and once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import pytest
from support.app import write_model
from support.rounds import rounds
from support.server import RunningServer, ServerPlan, start_server

_BASE = "/open311/v2"
_CLIENTS = 4


def _key(server: RunningServer) -> str:
    with server.client() as admin:
        body = {"name": "the app", "scopes": ["open311"]}
        return str(admin.post("/v1/tokens", json=body).raise_for_status().json()["secret"])


def _said(client: int, number: int) -> dict[str, str]:
    place = {"lat": f"{30.2 + client * 0.01:.6f}", "long": f"{120.1 + number * 0.001:.6f}"}
    return {"service_code": "06010", "description": f"tell-tale {client}/{number}", **place}


def _tell(server: RunningServer, key: str, client: int, answered: dict[tuple[int, int], str]) -> None:
    with httpx.Client(base_url=server.url, timeout=30.0) as http:
        for number in range(10_000):
            try:
                answer = http.post(f"{_BASE}/requests.json", data={"api_key": key, **_said(client, number)})
            except httpx.TransportError:
                return
            if answer.status_code == 200:
                answered[client, number] = answer.json()[0]["service_request_id"]


@pytest.mark.crash
def test_what_was_answered_survives_kill_9_and_is_not_doubled_when_it_is_sent_again(tmp_path: Path) -> None:
    plan = ServerPlan(data_folder=tmp_path / "data", card=write_model(tmp_path / "model"), workers=1)
    server = start_server(plan)
    key = _key(server)
    for _ in range(rounds(2, 20)):
        answered: dict[tuple[int, int], str] = {}
        clients = [threading.Thread(target=_tell, args=(server, key, one, answered)) for one in range(_CLIENTS)]
        for client in clients:
            client.start()
        ends_at = time.monotonic() + 30.0
        while len(answered) < 20 and time.monotonic() < ends_at:
            time.sleep(0.02)
        server.kill()
        for client in clients:
            client.join(30)
        assert len(answered) >= 20
        server = server.again()
        with httpx.Client(base_url=server.url, timeout=30.0) as http:
            for (client_, number), wanted in answered.items():
                shown = http.get(f"{_BASE}/requests/{wanted}.json", params={"api_key": key})
                assert shown.status_code == 200, (client_, number)
                again = http.post(f"{_BASE}/requests.json", data={"api_key": key, **_said(client_, number)})
                assert again.json()[0]["service_request_id"] == wanted
    server.stop()
    logged = "".join(path.read_text("utf-8") for path in plan.data_folder.glob("server-*.log"))
    assert key not in logged
    assert "tell-tale" not in logged
