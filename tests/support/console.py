"""A signed-in browser without a screen: an HTTP client that has used up the console's one-time token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from support.app import OpenApp
from support.parsed_page import Node, parsed
from support.seeded_city import SeededCity


@dataclass(frozen=True)
class Desk:
    """The client, and the city behind it."""

    http: httpx.Client
    city: SeededCity

    def page(self, path: str = "/console", *, piece: bool = False, expect: int = 200) -> Node:
        """A page as a tree; `piece` asks as htmx does."""
        answer = self.http.get(path, headers={"HX-Request": "true"} if piece else {})
        assert answer.status_code == expect, f"{path}: {answer.status_code} {answer.text[:500]}"
        return parsed(answer.text)

    @property
    def form_token(self) -> str:
        """What stands in every form of this session."""
        return self.page().all("input", name="form_token")[0].attributes["value"]

    def move(self, case_id: str, *, piece: bool = True, **fields: str) -> httpx.Response:
        """The answer to the form under a case."""
        data = {"form_token": self.form_token, **fields}
        return self.http.post(
            f"/console/cases/{case_id}/moves", data=data, headers={"HX-Request": "true"} if piece else {}
        )


@contextmanager
def signed_in(app: OpenApp, city: SeededCity, language: str = "en") -> Iterator[Desk]:
    """A desk over an app, in a language."""
    with httpx.Client(base_url=app.url, headers={"Accept-Language": language}, timeout=30.0) as http:
        answer = http.get("/console/login", params={"token": app.application.console_secret or ""})
        assert answer.status_code == 303
        yield Desk(http, city)
