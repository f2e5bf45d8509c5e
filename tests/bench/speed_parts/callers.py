"""The load: one connection per car, each of which sends its next frame when the last one is done."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from speed_parts.frames import RoadFrame

Answer = tuple[int, bytes]
Send = Callable[[http.client.HTTPConnection, RoadFrame], None]
_TIMEOUT_S = 120.0


class Callers:
    """As many connections as there are cars, kept open between turns."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._open: dict[str, http.client.HTTPConnection] = {}

    def run(self, frames: Sequence[RoadFrame], send: Send) -> list[float]:
        """Seconds of each frame, from before it is sent until `send` returns."""
        cars: dict[str, list[RoadFrame]] = {}
        for frame in frames:
            cars.setdefault(frame.device, []).append(frame)
        with ThreadPoolExecutor(len(cars)) as pool:
            answers = pool.map(lambda car: self._drive(car, cars[car], send), cars)
            return [seconds for one in answers for seconds in one]

    def close(self) -> None:
        """Nothing is kept open."""
        for connection in self._open.values():
            connection.close()

    def _drive(self, car: str, frames: Sequence[RoadFrame], send: Send) -> list[float]:
        connection = self._open.setdefault(car, http.client.HTTPConnection(self._address, timeout=_TIMEOUT_S))
        seconds = []
        for frame in frames:
            started_s = time.perf_counter()
            send(connection, frame)
            seconds.append(time.perf_counter() - started_s)
        return seconds


def post(connection: http.client.HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Status and body of the answer. A connection that the server has closed meanwhile is opened again."""
    try:
        return _post(connection, path, body, headers)
    except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
        connection.close()
        return _post(connection, path, body, headers)


def _post(connection: http.client.HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    connection.request("POST", path, body=body, headers=dict(headers))
    response = connection.getresponse()
    return response.status, response.read()
