"""A real `xuncheng serve` in a process of its own, on a free port, over a data folder of the test's."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from inference_server.adapters.opening import open_adapters

_START_WITHIN_S = 120.0
_API_LINE = re.compile(r"^API +(http://\S+)/v1$", re.MULTILINE)
_CONSOLE_LINE = re.compile(r"^console +(http://\S+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class ServerPlan:
    """What to start. `card` is a model card (tests/support/onnx_model.py writes small ones); `settings` become
    XUNCHENG_ variables."""

    data_folder: Path
    card: Path
    workers: int = 2
    port: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The environment of every `xuncheng` over this data folder; settings of the machine do not leak in."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XUNCHENG_")}
        named = {
            "data_folder": str(self.data_folder),
            "weights": str(self.card),
            "workers": str(self.workers),
            **self.settings,
        }
        return kept | {f"XUNCHENG_{name.upper()}": value for name, value in named.items()}


@dataclass(kw_only=True)
class RunningServer:
    """A server that answers. `log` is its stderr: addresses first, then one JSON object a line."""

    plan: ServerPlan
    process: subprocess.Popen[bytes]
    url: str
    console_url: str | None
    admin_token: str
    log: Path

    @property
    def stream_url(self) -> str:
        """The address of the WebSocket."""
        return f"{self.url.replace('http', 'ws', 1)}/v1/stream"

    def client(self, token: str | None = None) -> httpx.Client:
        """A client that shows a token (the admin's, if none is given)."""
        headers = {"Authorization": f"Bearer {token or self.admin_token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0)

    def device_token(self, device: str, cameras: Mapping[str, Mapping[str, Any]] | None = None) -> str:
        """The secret of a new token of a device, which is registered, with these settings of its cameras."""
        with self.client() as client:
            client.post("/v1/devices", json={"id": device, "name": device}).raise_for_status()
            for camera, settings in (cameras or {}).items():
                client.put(f"/v1/devices/{device}/cameras/{camera}", json=settings).raise_for_status()
            body = {"name": device, "scopes": ["device"], "device": device}
            issued = client.post("/v1/tokens", json=body).raise_for_status()
            return str(issued.json()["secret"])

    def memory_bytes(self) -> int:
        """Resident memory of the process."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def wait_until_idle(self, within_s: float = 60.0) -> dict[str, float]:
        """The counts of the record once nothing waits any more."""
        ends_at = time.monotonic() + within_s
        while time.monotonic() < ends_at:
            counts = self.counts()
            if counts.get("frames.queued", 0) == 0:
                return counts
            time.sleep(0.05)
        raise TimeoutError(f"frames still wait after {within_s} s: {counts}")

    def counts(self) -> dict[str, float]:
        """The counts of the record, from /metrics."""
        text = httpx.get(f"{self.url}/metrics").raise_for_status().text
        return {name: float(n) for name, n in re.findall(r'^xuncheng_record\{what="([^"]+)"\} (\S+)$', text, re.M)}

    def kill(self) -> None:
        """kill -9, as a power cut of the process."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, within_s: float = 40.0) -> int:
        """SIGTERM; the exit code once it has drained and gone."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def again(self) -> RunningServer:
        """The same server started anew on the same port and folder, after `kill` or `stop`."""
        port = int(self.url.rpartition(":")[2])
        plan = ServerPlan(**{**self.plan.__dict__, "port": port})
        return start_server(plan, admin_token=self.admin_token)


def start_server(plan: ServerPlan, *, admin_token: str | None = None) -> RunningServer:
    """A server that is ready; raises RuntimeError with the end of its log where it does not start."""
    plan.data_folder.mkdir(parents=True, exist_ok=True)
    token = admin_token or _issue_admin_token(plan)
    log = plan.data_folder / f"server-{time.monotonic_ns()}.log"
    with log.open("wb") as stderr:
        command = [*_XUNCHENG, "serve", "--port", str(plan.port)]
        process = subprocess.Popen(command, env=plan.environment(), stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        url, console_url = _wait_until_ready(process, log)
    except BaseException:
        process.kill()
        process.wait(10)
        raise
    return RunningServer(plan=plan, process=process, url=url, console_url=console_url, admin_token=token, log=log)


@contextmanager
def running_server(plan: ServerPlan) -> Iterator[RunningServer]:
    """A server for the length of a block."""
    server = start_server(plan)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def run_xuncheng(plan: ServerPlan, *arguments: str, expect: int = 0) -> str:
    """The stdout of a verb over the same data folder; raises AssertionError for another exit code."""
    done = subprocess.run([*_XUNCHENG, *arguments], env=plan.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == expect, f"exit code {done.returncode}: {done.stderr[-3000:]}"
    return done.stdout


def _issue_admin_token(plan: ServerPlan) -> str:
    """What `xuncheng tokens issue` does, without the seconds that another process takes to start."""
    record = open_adapters(plan.settings.get("database_url"), plan.data_folder)
    try:
        return record.registry.issue_token("tests", frozenset({"admin"}), None, None)[1]
    finally:
        record.close()


_XUNCHENG = (sys.executable, "-m", "inference_server.cli")


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> tuple[str, str | None]:
    ends_at = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < ends_at:
        text = log.read_text(encoding="utf-8")
        found = _API_LINE.search(text)
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{text[-3000:]}")
        if found and _is_ready(found.group(1)):
            console = _CONSOLE_LINE.search(log.read_text(encoding="utf-8"))
            return found.group(1), console.group(1) if console else None
        time.sleep(0.05)
    raise RuntimeError(f"the server was not ready within {_START_WITHIN_S} s:\n{text[-3000:]}")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2.0).status_code == 200
    except httpx.TransportError:
        return False
