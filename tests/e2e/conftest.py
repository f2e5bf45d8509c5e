"""One running server with a city and one browser for all tests that look at the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.browsed import Browsed, a_browsed_city


@pytest.fixture(scope="session")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsed]:
    """The city; tests add to it, so none may count on a number of cases."""
    with a_browsed_city(tmp_path_factory.mktemp("browsed")) as running:
        yield running
