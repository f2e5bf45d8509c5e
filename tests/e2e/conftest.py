"""One running server with a city and one browser for all tests that look at the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.browsed import Browsed, a_browsed_city
from support.browser import a_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The only one: Playwright cannot be started twice in one process."""
    with a_browser() as running:
        yield running


@pytest.fixture(scope="session")
def browsed(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Browsed]:
    """The city; tests add to it, so none may count on a number of cases."""
    with a_browsed_city(tmp_path_factory.mktemp("browsed"), browser) as running:
        yield running
