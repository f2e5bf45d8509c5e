"""A running server with a city in it, and a browser that has signed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from support.app import write_model
from support.browser import Watched, watched
from support.seeded_city import SeededCity, a_whole_city
from support.server import RunningServer, ServerPlan, start_server

from inference_server.adapters.opening import OpeningOptions, open_adapters


@dataclass
class Browsed:
    """The server, the city behind it, the browser, and the cookies of who signed in."""

    server: RunningServer
    city: SeededCity
    browser: Browser
    cookies: Any
    console_url: str

    @property
    def home(self) -> str:
        """The address of the desk."""
        return f"{self.server.url}/console"

    def signed_in(self, **options: Any) -> AbstractContextManager[Watched]:
        """A page of the one who signed in."""
        return watched(self.browser, storage_state=self.cookies, **options)


@contextmanager
def a_browsed_city(folder: Path, browser: Browser) -> Iterator[Browsed]:
    """All of it, for the length of a block."""
    plan = ServerPlan(data_folder=folder / "data", card=write_model(folder), workers=0)
    server = start_server(plan)
    record = open_adapters(None, folder / "data", OpeningOptions(fast_unsafe=True))
    try:
        assert server.console_url is not None
        city = a_whole_city(record)
        with watched(browser) as first:
            first.page.goto(server.console_url)
            cookies = first.context.storage_state()
        browsed = Browsed(server, city, browser, cookies, server.console_url)
        yield browsed
    finally:
        record.close()
        browsed.server.stop()


def markers(page: Page) -> int:
    """How many cases the map shows."""
    return page.locator(".case-mark").count()
