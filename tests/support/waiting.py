"""Waiting for something that must come."""

import time
from collections.abc import Callable

import pytest


def until(is_so: Callable[[], object], within_s: float = 60.0) -> None:
    """Nothing, as soon as it is so; fails the test where it is not in time."""
    until_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until_s:
            pytest.fail(f"it did not come within {within_s:g} s")
        time.sleep(0.02)
