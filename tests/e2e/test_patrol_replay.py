"""Real drives through the real vehicle side into the real server, which runs a tiny model with a fixed answer."""

import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from support.onnx_model import write_fixed_model
from support.server import RunningServer, ServerPlan, running_server
from support.shared import shared_or_skip

from patrol.cli import run

MOUNT = {
    "mount": {"height_m": 1.6, "pitch_deg": 4.0},
    "lens": {"focal_px": 640.0, "width_px": 832, "height_px": 468, "cx_px": 416.0, "cy_px": 234.0},
    "lag_s": 0.0,
}
POTHOLE_BOX = (380.0, 330.0, 450.0, 360.0, 0.9, 1)  # on the road, straight ahead, in pixels of an 832x468 picture


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("server")
    card = write_fixed_model(folder / "model", [POTHOLE_BOX], picture_px=(832, 468))
    with running_server(ServerPlan(data_folder=folder / "data", card=card)) as started:
        yield started


def patrol(server: RunningServer, *arguments: str, buffer: Path) -> list[dict[str, Any]]:
    """The JSON lines of a verb of `xuncheng-patrol` that ended well; the summary is the last."""
    where = ("--server", server.url, "--admin-token", server.admin_token, "--buffer", str(buffer))
    with redirect_stdout(StringIO()) as stdout:
        code = run([*arguments, *where, "--wait", "--json"])
    assert code == 0, stdout.getvalue()
    return [json.loads(line) for line in stdout.getvalue().splitlines()]


@pytest.mark.shared
def test_the_lund_drive_goes_through_and_its_stuck_frames_are_dropped_as_stuck(
    server: RunningServer, tmp_path: Path
) -> None:
    lund = str(shared_or_skip("drives/lund"))
    *frames, summary = patrol(server, "replay", lund, "--device", "lund", buffer=tmp_path / "b.sqlite")
    assert (summary["pictures"], summary["frames_accepted"], summary["frames_unreported"]) == (29, 29, 0)
    assert summary["frames_analysed"] + sum(summary["frames_dropped"].values()) == 29
    dropped = {frame["origin"]: frame["report"]["drop"]["reason"] for frame in frames[-2:]}
    assert dropped == {"28.jpg": "fix_stuck", "29.jpg": "fix_stuck"}
    assert summary["observations_placed"] == 0, "a camera without a mount gives bearings only"


@pytest.mark.shared
def test_a_video_with_a_fix_is_analysed_and_one_without_is_dropped_for_that_reason(
    server: RunningServer, tmp_path: Path
) -> None:
    videos = shared_or_skip("drives/video")
    fixed = patrol(server, "replay", str(videos / "max-heromode.mp4"), "--device", "max", buffer=tmp_path / "b.sqlite")
    assert fixed[-1]["frames_analysed"] == fixed[-1]["frames"] == 5
    lost = patrol(
        server, "replay", str(videos / "hero8-trimmed.mp4"), "--device", "hero8", buffer=tmp_path / "b.sqlite"
    )
    assert lost[-1]["frames_dropped"] == {"no_fix": 2}


@pytest.mark.shared
def test_pictures_without_positions_sent_as_a_drive_are_placed_and_marked_as_made_up(
    server: RunningServer, tmp_path: Path
) -> None:
    pictures = sorted(shared_or_skip("data/images/patrol_saudi_b").iterdir())[:6]
    (tmp_path / "pictures").mkdir()
    for picture in pictures:
        shutil.copy(picture, tmp_path / "pictures")
    (tmp_path / "mount.json").write_text(json.dumps(MOUNT))
    line = ("--from", "30.2741,120.1551", "--heading", "60", "--mount", str(tmp_path / "mount.json"))
    folder = str(tmp_path / "pictures")
    *frames, summary = patrol(server, "replay", folder, *line, "--device", "tryout", buffer=tmp_path / "b.sqlite")
    assert summary["observations"] == {"pothole": 6}
    assert summary["observations_placed"] == 6
    with server.client() as client:
        stored = client.get(f"/v1/frames/{frames[0]['report']['frame']}").json()
    assert stored["campaign"] == "positions-made-up"


@pytest.mark.shared
def test_the_same_drive_from_two_computers_is_stored_once(server: RunningServer, tmp_path: Path) -> None:
    pictures = str(shared_or_skip("drives/lund"))
    twice = [
        patrol(server, "replay", pictures, "--device", "twice", buffer=tmp_path / name)[-1]
        for name in ("one.sqlite", "two.sqlite")
    ]
    assert [(one["frames_accepted"], one["frames_duplicate"]) for one in twice] == [(29, 0), (0, 29)]
    assert twice[0]["frames_dropped"] == twice[1]["frames_dropped"]


@pytest.mark.shared
def test_the_stream_stores_the_same_frames_as_requests_do(server: RunningServer, tmp_path: Path) -> None:
    lund = str(shared_or_skip("drives/lund"))
    way = ("--device", "streamed")
    streamed = patrol(server, "replay", lund, *way, "--stream", buffer=tmp_path / "one.sqlite")[-1]
    posted = patrol(server, "replay", lund, *way, buffer=tmp_path / "two.sqlite")[-1]
    assert (streamed["frames_accepted"], posted["frames_duplicate"]) == (29, 29)
    assert streamed["frames_dropped"] == posted["frames_dropped"]


def test_a_drawn_drive_is_registered_sent_and_reported(server: RunningServer, tmp_path: Path) -> None:
    city = ("--blocks", "2", "--things", "40", "--vehicles", "2", "--passes", "1", "--limit-m", "18", "--look", "test")
    *frames, summary = patrol(server, "simulate", *city, buffer=tmp_path / "b.sqlite")
    assert summary["notes"] == {"drawn scene": summary["frames"]}
    assert summary["frames_accepted"] == len(frames) == summary["frames"] > 6
    assert summary["frames_unreported"] == 0
    assert len({frame["device"] for frame in frames}) == 2
    with server.client() as client:
        cameras = client.get(f"/v1/devices/{frames[0]['device']}").json()["cameras"]
    assert cameras["front"]["lens"]["width_px"] == 1280
