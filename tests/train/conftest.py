"""ultralytics is kept offline before any test module imports it."""

from __future__ import annotations

from training.offline import keep_ultralytics_offline


def pytest_configure() -> None:
    """None; runs before the test modules are imported."""
    keep_ultralytics_offline()
