"""Pictures leave with faces and plates made unreadable; originals only to who may see them, and it is written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from support.accounts import add_account, signed_in_as
from support.app import OpenApp, open_app
from support.onnx_model import write_fixed_model
from support.posting import BOX, a_picture, around_a_thing, post

from detector.image import Limits, decode
from inference_server.domain.account import Role
from inference_server.domain.audit import AuditAction

PERSON = (100.0, 100.0, 200.0, 400.0)
HEAD = (slice(105, 195), slice(105, 195))
ELSEWHERE = (slice(450, 700), slice(900, 1200))


@dataclass(frozen=True)
class Street:
    """An app whose model sees a person in every picture, and a case with its evidence."""

    app: OpenApp
    case: dict[str, Any]

    @property
    def href(self) -> str:
        """Where a picture of the case is."""
        return str(self.case["evidence"][0]["href"])

    def client(self, *scopes: str) -> httpx.Client:
        """A client with a token of these scopes, named `seer`."""
        secret = self.app.application.record.registry.issue_token("seer", frozenset(scopes), None, None)[1]
        return httpx.Client(base_url=self.app.url, headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """A drive that has filed a case."""
    folder = tmp_path_factory.mktemp("originals")
    found = [(*BOX, 0.9, 0), (*PERSON, 0.4, 1)]
    card = write_fixed_model(folder / "model", found, ("garbage", "person"), picture_px=(1280, 720))
    with open_app(folder / "data", card) as app:
        with app.client("device") as device:
            for number, meta in enumerate(around_a_thing()):
                post(device, meta, a_picture(number), wait=1).raise_for_status()
        with app.client("cases:read") as reader:
            (case,) = reader.get("/v1/cases").json()["cases"]
            yield Street(app, reader.get(f"/v1/cases/{case['id']}").json())


def is_hidden(shown: bytes) -> bool:
    """Whether the head of the person is unreadable, and the rest as it was taken."""
    pixels = decode(shown, Limits()).pixels.astype(np.int16)
    taken = [decode(a_picture(number), Limits()).pixels.astype(np.int16) for number in range(8)]
    source = min(taken, key=lambda one: np.abs(one[ELSEWHERE] - pixels[ELSEWHERE]).mean())
    assert np.abs(source[ELSEWHERE] - pixels[ELSEWHERE]).mean() < 10.0
    return bool(pixels[HEAD].std() < 0.5 * source[HEAD].std())


def test_a_picture_of_a_case_shows_nobodys_face(street: Street) -> None:
    with street.client("cases:read") as client:
        assert is_hidden(client.get(street.href).raise_for_status().content)


def test_the_console_shows_nobodys_face(street: Street) -> None:
    add_account(street.app, "wang", Role.OPERATOR)
    sha256 = street.case["evidence"][0]["sha256"]
    with signed_in_as(street.app, "wang") as desk:
        answer = desk.get(f"/console/cases/{street.case['id']}/pictures/{sha256}").raise_for_status()
    assert is_hidden(answer.content)


@pytest.mark.parametrize("scopes", [("cases:read",), ("cases:read", "verify"), ("admin",), ("originals",)])
def test_an_original_needs_its_own_scope_beside_one_that_sees_the_case(street: Street, scopes: tuple[str, ...]) -> None:
    before = originals_shown(street)
    with street.client(*scopes) as client:
        answer = client.get(street.href, params={"original": "true"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert originals_shown(street) == before


def test_who_sees_an_original_is_in_the_audit_log(street: Street) -> None:
    before = originals_shown(street)
    with street.client("cases:read", "originals") as client:
        answer = client.get(street.href, params={"original": "true"}).raise_for_status()
    assert answer.content in {a_picture(number) for number in range(8)}
    assert answer.headers["cache-control"] == "no-store"
    sha256 = street.href.rpartition("/")[2]
    assert originals_shown(street) == [*before, ("seer", f"case:{street.case['id']}", sha256)]


def originals_shown(street: Street) -> list[tuple[str, str, Any]]:
    """Who, what and which picture, of all entries about originals."""
    entries = street.app.application.record.audit.entries()
    notes = [entry.note for entry in entries if entry.note.action is AuditAction.ORIGINAL_SHOWN]
    return [(note.who, note.object, note.details["sha256"]) for note in notes]


def test_a_picture_that_cannot_be_looked_at_is_not_shown(tmp_path: Path) -> None:
    card = write_fixed_model(tmp_path / "model", [(*BOX, 0.9, 0)], ("garbage", "person"), picture_px=(1280, 720))
    with open_app(tmp_path / "data", card) as app:
        sha256 = app.application.record.evidence.put(b"\xff\xd8\xff no more than the beginning of a picture")
        with pytest.raises(Exception, match="cannot be shown"):
            app.application.services.showing.picture(sha256)
