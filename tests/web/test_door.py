"""Frames that are turned away before their picture is stored, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from support.app import OpenApp
from support.posting import a_meta, a_picture, post

_BEGIN = datetime.now(UTC)


def _standing(second: float) -> dict[str, Any]:
    """The meta of a frame of a car that stands; its fix trembles by some centimetres."""
    position = {"lat": 30.2741 + 1e-7 * second, "lon": 120.1551, "datum": "wgs84", "accuracy_m": 2.5}
    at = (_BEGIN + timedelta(seconds=second)).isoformat()
    return a_meta(taken_at=at, position=position, speed_kmh=0.0)


def test_a_car_that_stands_gets_the_same_answers_as_before_and_its_frames_are_counted(fresh_app: OpenApp) -> None:
    with fresh_app.client("device") as client:
        post(client, _standing(0.0), a_picture(), wait=True).raise_for_status()
        away = post(client, _standing(1.0), a_picture(1))
        again = post(client, _standing(1.0), a_picture(1))
        waited = post(client, _standing(2.0), a_picture(2), wait=True)
        found = client.get(away.headers["location"]).json()
    assert (away.status_code, away.json()["status"], away.json()["report"]) == (202, "accepted", None)
    assert found["report"]["drop"]["reason"] == "not_moved"
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert (waited.status_code, waited.json()["report"]["drop"]["reason"]) == (200, "not_moved")
    with fresh_app.client("admin") as client:
        assert 'xuncheng_frames_total{outcome="not_moved"} 2.0' in client.get("/metrics").text
