"""202 and a signed callback, over real HTTP; and addresses that callbacks never go to."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from support.app import OpenApp, open_app
from support.builders import NOON
from support.case_system import SECRET, CaseSystem, listening
from support.clocks import SetClock
from support.reported import a_request, ask, before, cleared, counted_calibration, write_blind_model

from inference_server.adapters.callback import CallbackGateway, CallbackSettings
from inference_server.adapters.clock import SystemClock
from inference_server.domain.errors import BadInput
from inference_server.ports import Event, GatewayRefused, GatewayUnavailable


@pytest.fixture(scope="module")
def receiver() -> Iterator[CaseSystem]:
    """Whoever asks and wants the answer brought."""
    with listening(CaseSystem()) as heard:
        yield heard


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenApp]:
    """An app without a webhook that may call this machine back."""
    folder = tmp_path_factory.mktemp("callback")
    card, calibration = write_blind_model(folder), counted_calibration(folder)
    options = {"webhook_secret": SecretStr(SECRET), "callback_hosts": "127.0.0.1"}
    with open_app(folder / "data", card, closing_calibration=calibration, workers=0, **options) as opened:
        yield opened


def test_the_answer_is_brought_signed_and_once(app: OpenApp, receiver: CaseSystem) -> None:
    request = a_request("brought", callback_url=f"{receiver.url}")
    with app.client("verify") as client:
        reply = ask(client, request, before_1=before(20), after_1=cleared(20))
        assert (reply.status_code, reply.json()["state"], reply.json()["decision"]) == (202, "waiting", None)
        again = ask(client, request, before_1=before(20), after_1=cleared(20))
        assert again.json()["verification"] == reply.json()["verification"]
        ends_at = time.monotonic() + 60.0
        while not receiver.events and time.monotonic() < ends_at:
            time.sleep(0.1)
        (event,) = receiver.events.values()
        stored = client.get(reply.headers["Location"]).json()
    assert event.get_type() == "xuncheng.verification.answered.v1"
    told = event.get_data()
    for name in ("verification", "decision", "evidence_hash", "reasons", "gates"):
        assert told[name] == stored[name]
    assert stored["decision"] == "close"


def test_a_callback_to_a_private_address_is_refused_at_once(app: OpenApp) -> None:
    with app.client("verify") as client:
        for url in ("https://10.0.0.7/answers", "https://[::1]/answers", "http://example.org/answers"):
            refused = ask(client, a_request("private", callback_url=url), before_1=before(), after_1=cleared())
            assert (refused.status_code, refused.json()["field"]) == (422, "request.callback_url"), url


def gateway(*hosts: str, secret: str = SECRET) -> CallbackGateway:
    settings = CallbackSettings(
        secrets=[secret] if secret else [], source="/test", hosts=frozenset(hosts), timeout_s=2.0
    )
    return CallbackGateway(settings, SetClock())


def event_to(target: str) -> Event:
    return Event(id="1", type="t", subject="s", occurred_at=NOON, data={}, target=target)


def test_a_name_that_stands_for_this_machine_is_not_connected_to() -> None:
    with pytest.raises(GatewayRefused, match="private address"):
        gateway().send(event_to("https://localhost/answers"))


def test_a_name_that_stands_for_nothing_may_stand_for_something_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(GatewayUnavailable, match="cannot be resolved"):
        gateway().send(event_to("https://nowhere.example/answers"))


def test_users_in_an_address_and_missing_secrets_are_refused() -> None:
    with pytest.raises(BadInput, match="no user"):
        gateway().check("https://me:word@example.org/")
    with pytest.raises(BadInput, match="no secret"):
        gateway(secret="").check("https://example.org/")
    gateway().check("https://example.org/answers")
    gateway("10.0.0.7").check("http://10.0.0.7/answers")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]"),
        *("169.254.169.254", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "[ff02::1]"),
    ],
)
def test_no_way_of_writing_an_inner_address_gets_a_connection(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        with pytest.raises(GatewayRefused, match="private address"):
            gateway().send(event_to(f"https://{host}:{listener.getsockname()[1]}/answers"))
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_redirect_to_an_inner_address_is_not_followed() -> None:
    settings = CallbackSettings(secrets=[SECRET], source="/test", hosts=frozenset({"127.0.0.1"}))
    with listening(CaseSystem()) as inner, listening(CaseSystem()) as outer:
        outer.orders.append((307, {"location": inner.url}))
        with pytest.raises(GatewayUnavailable, match="HTTP 307"):
            CallbackGateway(settings, SystemClock()).send(event_to(outer.url))
    assert (outer.times_heard["1"], inner.times_heard["1"]) == (1, 0)
