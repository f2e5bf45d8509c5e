"""A worker process tells its own figures, where it is asked to."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from support.builders import a_frame
from support.fleet import FleetWorker
from support.onnx_model import write_fixed_model
from support.own_server import free_port
from support.posting import a_picture
from support.server import ServerPlan

from inference_server.adapters.opening import open_adapters
from inference_server.domain.frame import sha256_of


def samples(url: str) -> dict[tuple[str, str], float]:
    """All figures of a worker by their name and outcome."""
    answer = httpx.get(f"{url}/metrics").raise_for_status()
    families = text_string_to_metric_families(answer.text)
    return {(one.name, one.labels.get("outcome", "")): one.value for family in families for one in family.samples}


def test_a_worker_tells_what_it_has_analysed_and_what_waits(tmp_path: Path) -> None:
    card, port = write_fixed_model(tmp_path / "model", (), ("garbage",)), free_port()
    plan = ServerPlan(data_folder=tmp_path / "data", card=card, workers=1, settings={"metrics_port": str(port)})
    record = open_adapters(None, plan.data_folder)
    picture = a_picture()
    record.queue.put(a_frame(1, sha256=sha256_of(picture), size_bytes=len(picture)), picture)
    record.close()
    worker = FleetWorker(plan, 1)
    worker.start()
    try:
        worker.wait_until_ready()
        until_s = time.monotonic() + 60.0
        while (found := samples(f"http://127.0.0.1:{port}")).get(("xuncheng_frames_total", "analysed")) != 1.0:
            assert time.monotonic() < until_s, (found, worker.log())
            time.sleep(0.1)
        assert found["xuncheng_queue_frames", ""] == 0.0
        assert found["xuncheng_frame_seconds_count", ""] == 1.0
    finally:
        assert worker.stop() == 0
