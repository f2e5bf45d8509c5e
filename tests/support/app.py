"""The real app behind the real uvicorn, over a real SQLite record and a tiny real model, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from support.onnx_model import write_fixed_model
from support.posting import BOX, CAMERA_JSON, DEVICE, a_picture, around_a_thing, post

from inference_server.application import Application
from inference_server.bootstrap import build
from inference_server.commands.serving import http_server, listening
from inference_server.settings import Settings

SCOPES = ("cases:read", "cases:write", "verify", "admin", "open311", "holds")


@dataclass(frozen=True, kw_only=True)
class OpenApp:
    """A started application, and clients that show tokens of each kind."""

    application: Application
    settings: Settings
    url: str
    secrets: dict[str, str]

    @property
    def stream_url(self) -> str:
        """The address of the WebSocket."""
        return f"{self.url.replace('http', 'ws', 1)}/v1/stream"

    def authorization(self, scope: str) -> dict[str, str]:
        """The header that shows a token."""
        return {"Authorization": f"Bearer {self.secrets[scope]}"}

    def client(self, scope: str | None = "admin") -> httpx.Client:
        """A client with a token of a scope (`device` is DEVICE's); None for one without a token."""
        headers = {} if scope is None else self.authorization(scope)
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0)

    def file_a_case(self) -> str:
        """The id of a case that a drive around one thing has made."""
        with self.client("device") as device:
            reports = [
                post(device, meta, a_picture(i), wait=True).json()["report"] for i, meta in enumerate(around_a_thing())
            ]
        cases = [one["case"] for report in reports for one in report["detections"] if one["case"]]
        assert cases, f"no case was filed: {reports[-1]}"
        return str(cases[-1])


def write_model(folder: Path) -> Path:
    """The card of a model that finds one sure piece of garbage in any picture."""
    return write_fixed_model(folder, [(*BOX, 0.9, 0)], ("garbage", "pothole"), picture_px=(1280, 720))


@contextmanager
def open_app(data_folder: Path, card: Path, **settings: Any) -> Iterator[OpenApp]:
    """The app for the length of a block; DEVICE is registered, its camera `front` calibrated."""
    chosen = Settings(
        data_folder=data_folder, weights=card, **{"workers": 1, "port": 0, "min_free_bytes": 1_000_000, **settings}
    )
    application = build(chosen)
    registry = application.record.registry
    registry.save_device(DEVICE, "Patrol car 1027")
    secrets = {scope: registry.issue_token(scope, frozenset({scope}), None, None)[1] for scope in SCOPES}
    secrets["device"] = registry.issue_token("car", frozenset({"device"}), DEVICE, None)[1]
    with listening(chosen) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = http_server(chosen, application)
        thread = threading.Thread(target=server.run, args=([listener],), name="http")
        opened = OpenApp(application=application, settings=chosen, url=url, secrets=secrets)
        application.start()
        thread.start()
        try:
            with opened.client() as client:
                client.put(f"/v1/devices/{DEVICE}/cameras/front", json=CAMERA_JSON).raise_for_status()
            yield opened
        finally:
            server.should_exit = True
            thread.join(30)
            application.stop()
