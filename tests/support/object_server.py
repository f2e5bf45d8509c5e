"""A server that speaks S3 (moto's), in this process, with one bucket."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from inference_server.adapters.objects import ObjectPlace

BUCKET = "city"


@contextmanager
def own_objects() -> Iterator[ObjectPlace]:
    """Where the bucket is, for the length of a block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would write a line for each request
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    server.daemon_threads, server.block_on_close = True, False  # clients keep their connections open
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        httpx.put(f"{endpoint}/{BUCKET}").raise_for_status()
        yield ObjectPlace(url=f"s3://{BUCKET}", endpoint=endpoint, access_key="test", secret_key="test")
    finally:
        server.shutdown()
        server.server_close()
