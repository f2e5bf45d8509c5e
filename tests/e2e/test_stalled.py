"""Work that stood still for a while: what the cars that stand sent meanwhile must not be waiting when it goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.app import write_model
from support.posting import a_meta, a_picture, post
from support.server import RunningServer, ServerPlan, start_server

CARS, FRAMES_A_CAR = 4, 12
_TREMBLES_DEG = 1e-6  # a tenth of a metre: never the same fix twice, never a step


def test_frames_of_cars_that_stand_are_turned_away_while_their_first_ones_wait_and_all_have_a_report_in_the_end(
    tmp_path: Path,
) -> None:
    plan = ServerPlan(data_folder=tmp_path / "data", card=write_model(tmp_path / "model"), workers=0)
    stalled = start_server(plan)
    try:
        frames = [frame for car in range(CARS) for frame in _stands(stalled, f"car-{car}")]
        counts = stalled.counts()
        assert (counts["frames.queued"], counts.get("frames.dropped.not_moved")) == (CARS, CARS * (FRAMES_A_CAR - 1))
        assert len(list((plan.data_folder / "spool").iterdir())) == CARS
    finally:
        stalled.kill()
    goes_on = start_server(replace(plan, workers=2), admin_token=stalled.admin_token)
    try:
        counts = goes_on.wait_until_idle()
        assert (counts["frames.analysed"], counts["frames.dropped.not_moved"]) == (CARS, CARS * (FRAMES_A_CAR - 1))
        with goes_on.client() as client:
            reports = [client.get(f"/v1/frames/{frame}").raise_for_status().json()["report"] for frame in frames]
        assert [report["is_analysed"] for report in reports] == ([True] + [False] * (FRAMES_A_CAR - 1)) * CARS
    finally:
        goes_on.stop()


def _stands(server: RunningServer, device: str) -> list[str]:
    """The frames of a car that stands and trembles, in the order in which they were accepted."""
    accepted = []
    with server.client(server.device_token(device)) as client:
        for number in range(FRAMES_A_CAR):
            meta = a_meta(device=device, seq=number)
            meta["position"]["lat"] += number * _TREMBLES_DEG
            answer = post(client, meta, a_picture(number))
            assert answer.status_code == 202
            accepted.append(str(answer.json()["frame"]))
    return accepted
