"""Accounts for tests, and browsers without a screen that sign in with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from support.app import OpenApp
from support.parsed_page import parsed

from inference_server.adapters.passwords import ArgonPasswords
from inference_server.domain.account import Role

PASSWORD = "leaf copper river 42 lamp"
_passwords = ArgonPasswords()


def add_account(
    app: OpenApp, name: str = "zhang", role: Role = Role.OPERATOR, districts: tuple[str, ...] | None = None
) -> None:
    """An account with PASSWORD."""
    app.application.record.accounts.add(name, role, districts, _passwords.hash(PASSWORD), by="operator:test")


def sign_in(http: httpx.Client, name: str = "zhang", password: str = PASSWORD) -> httpx.Response:
    """The answer to the form of the login page."""
    return http.post("/console/login", data={"name": name, "password": password})


@contextmanager
def signed_in_as(app: OpenApp, name: str) -> Iterator[httpx.Client]:
    """A browser without a screen in which an account has signed in."""
    with httpx.Client(base_url=app.url, headers={"Accept-Language": "en"}, timeout=30.0) as http:
        answer = sign_in(http, name)
        assert answer.status_code == 303, answer.text
        yield http


def form_token(http: httpx.Client) -> str:
    """What stands in every form of a browser's session."""
    return parsed(http.get("/console").text).all("input", name="form_token")[0].attributes["value"]
