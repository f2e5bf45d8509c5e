"""The webhook against a real server that verifies with the public libraries."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook
from support.builders import a_candidate, a_case, an_event, at
from support.case_system import OTHER_SECRET, SECRET, CaseSystem, listening, serving
from support.clocks import SetClock

from inference_server.adapters.clock import SystemClock
from inference_server.adapters.webhook import WebhookGateway, WebhookSettings, cloud_event
from inference_server.domain.errors import BadInput
from inference_server.filing import case_event
from inference_server.ports import GatewayRefused, GatewayUnavailable

_DOCS = Path(__file__).parents[3] / "docs" / "webhooks.md"


@pytest.fixture
def system() -> Iterator[CaseSystem]:
    """A case system that listens."""
    with listening(CaseSystem()) as listener:
        yield listener


@pytest.fixture
def gateway(system: CaseSystem) -> Iterator[WebhookGateway]:
    """The way to it."""
    yield from a_gateway(system.url)


def a_gateway(url: str, *secrets: str, timeout_s: float = 5.0) -> Iterator[WebhookGateway]:
    """A gateway, closed at the end."""
    settings = WebhookSettings(url=url, secrets=secrets or (SECRET,), source="/xuncheng/hangzhou", timeout_s=timeout_s)
    gateway = WebhookGateway(settings, SystemClock())
    yield gateway
    gateway.close()


def test_an_event_arrives_as_a_cloud_event_that_the_public_library_reads(
    system: CaseSystem, gateway: WebhookGateway
) -> None:
    gateway.send(an_event())
    event = system.events["event-1"]
    assert event.get_specversion() == "1.0"
    assert event.get_type() == "xuncheng.case.filed.v1"
    assert event.get_source() == "/xuncheng/hangzhou"
    assert event.get_subject() == "case-1"
    assert event.get_time() == at(10)
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data() == an_event().data


def test_the_same_event_again_has_the_same_id(system: CaseSystem, gateway: WebhookGateway) -> None:
    gateway.send(an_event())
    gateway.send(an_event())
    assert system.times_heard == {"event-1": 2}
    assert list(system.events) == ["event-1"]


def test_another_secret_is_not_believed(system: CaseSystem) -> None:
    for gateway in a_gateway(system.url, OTHER_SECRET):
        with pytest.raises(GatewayUnavailable, match="401"):
            gateway.send(an_event())
    assert (system.times_refused, system.events) == (1, {})


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_two_secrets_satisfy_a_receiver_that_knows_either(system: CaseSystem, secret: str) -> None:
    system.secret = secret
    for gateway in a_gateway(system.url, SECRET, OTHER_SECRET):
        gateway.send(an_event())
    assert list(system.events) == ["event-1"]


def test_a_changed_body_breaks_the_signature(system: CaseSystem) -> None:
    clock = SetClock(datetime.now(UTC))
    signature = Webhook(SECRET).sign(msg_id="event-1", timestamp=clock.now(), data='{"id": "event-1"}')
    headers = {
        "webhook-id": "event-1",
        "webhook-timestamp": str(int(clock.now().timestamp())),
        "webhook-signature": signature,
    }
    assert httpx.post(system.url, content=b'{"id": "event-2"}', headers=headers).status_code == 401


@pytest.mark.parametrize("status", [400, 409, 410, 413, 415, 422])
def test_an_answer_about_the_event_is_for_good(system: CaseSystem, gateway: WebhookGateway, status: int) -> None:
    system.orders.append((status, {}))
    with pytest.raises(GatewayRefused, match=f"HTTP {status}: as ordered"):
        gateway.send(an_event())


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 429, 500, 502, 503])
def test_an_answer_about_the_moment_or_the_address_is_for_now(
    system: CaseSystem, gateway: WebhookGateway, status: int
) -> None:
    system.orders.append((status, {}))
    with pytest.raises(GatewayUnavailable, match=f"HTTP {status}") as refusal:
        gateway.send(an_event())
    assert refusal.value.retry_after_s is None


@pytest.mark.parametrize(("header", "expected_s"), [("17", 17.0), ("soon", None), ("-5", None), ("", None)])
def test_retry_after_in_seconds_is_understood_and_nonsense_is_none(
    system: CaseSystem, gateway: WebhookGateway, header: str, expected_s: float | None
) -> None:
    system.orders.append((503, {"retry-after": header}))
    with pytest.raises(GatewayUnavailable) as refusal:
        gateway.send(an_event())
    assert refusal.value.retry_after_s == expected_s


@pytest.mark.parametrize(("ahead_s", "expected_s"), [(3600.0, 3600.0), (-3600.0, 0.0)])
def test_retry_after_may_be_a_date_even_one_long_past(
    system: CaseSystem, gateway: WebhookGateway, ahead_s: float, expected_s: float
) -> None:
    until = datetime.now(UTC) + timedelta(seconds=ahead_s)
    system.orders.append((503, {"retry-after": format_datetime(until, usegmt=True)}))
    with pytest.raises(GatewayUnavailable) as refusal:
        gateway.send(an_event())
    assert refusal.value.retry_after_s == pytest.approx(expected_s, abs=30.0)


def test_nobody_at_home_is_for_now() -> None:
    for gateway in a_gateway("http://127.0.0.1:9/events"):
        with pytest.raises(GatewayUnavailable, match="ConnectError"):
            gateway.send(an_event())


def test_a_receiver_that_does_not_answer_in_time_is_for_now(system: CaseSystem) -> None:
    system.delay_s = 1.0
    for gateway in a_gateway(system.url, timeout_s=0.1):
        with pytest.raises(GatewayUnavailable, match="ReadTimeout"):
            gateway.send(an_event())


@pytest.mark.parametrize(
    "secrets",
    [
        pytest.param((), id="none"),
        pytest.param(("",), id="empty"),
        pytest.param(("whsec_c2hvcnQ=",), id="too short"),
        pytest.param(("whsec_not base64 at all, whatever anybody says",), id="not base64"),
        pytest.param(("whsec_" + "YWJj" * 32,), id="too long"),
        pytest.param(("whsec_é",), id="not ASCII"),
    ],
)
def test_a_poor_secret_is_refused_at_the_start(secrets: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        WebhookGateway(WebhookSettings(url="http://127.0.0.1:9/", secrets=secrets, source="/x"), SystemClock())


def test_the_receiver_of_the_documentation_takes_an_event_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", _DOCS.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    example: dict[str, object] = {"__name__": "receiver"}
    exec(compile(source, "receiver.py", "exec"), example)  # what a reader would paste
    with serving(example["app"]) as base:
        for gateway in a_gateway(f"{base}/events"):
            gateway.send(an_event())
            gateway.send(an_event())
            gateway.send(replace(an_event(), id="event-2"))
        for gateway in a_gateway(f"{base}/events", OTHER_SECRET):
            with pytest.raises(GatewayUnavailable, match="401"):
                gateway.send(replace(an_event(), id="event-3"))
    connection = example["seen"]
    assert isinstance(connection, sqlite3.Connection)
    assert connection.execute("SELECT id, type, case_id FROM events ORDER BY id").fetchall() == [
        ("event-1", "xuncheng.case.filed.v1", "case-1"),
        ("event-2", "xuncheng.case.filed.v1", "case-1"),
    ]
    connection.close()


def test_the_secret_of_the_documentation_is_a_good_one() -> None:
    (line,) = re.findall(r'`python -c "(import secrets.*?)"`', _DOCS.read_text("utf-8"))
    made = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True, env=os.environ)
    for gateway in a_gateway("http://127.0.0.1:9/", made.stdout.strip()):
        assert gateway is not None


def test_the_event_of_the_documentation_has_the_members_of_a_real_one() -> None:
    (shown,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", _DOCS.read_text("utf-8"), re.DOTALL))
    real = cloud_event(case_event(a_case(), "filed", at(10), a_candidate(), "frame-1"), "/xuncheng")
    assert list(shown) == list(real)
    assert list(shown["data"]) == list(real["data"])
    assert {key: type(value) for key, value in shown["data"].items() if value is not None} == {
        key: type(value) for key, value in real["data"].items() if shown["data"][key] is not None
    }
