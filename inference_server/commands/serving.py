"""xuncheng serve|work"""

import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn
from prometheus_client import start_http_server

from inference_server.application import Application
from inference_server.bootstrap import build, describe
from inference_server.commands.talk import talk
from inference_server.domain.errors import BadInput
from inference_server.journal import begin_journal
from inference_server.settings import Settings
from inference_server.supervisor import Beats, Supervisor, WatchRules
from inference_server.thrift import keep_what_is_there
from inference_server.web.connection import bounded_http

_log = structlog.get_logger("server")

_HEADER_BYTES = 32_768
_KEEP_ALIVE_S = 20

Data = Annotated[Path | None, typer.Option(help="Data folder; the setting data_folder, if absent.")]
Workers = Annotated[
    int | None, typer.Option(min=0, max=256, help="Threads that analyse frames; one a core, if absent.")
]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1, if absent.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 8080, if absent, 0 picks a free one.")] = None,
    data: Data = None,
    workers: Workers = None,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Analyse no frames: `xuncheng work` does.")] = False,
) -> None:
    """Accept frames, analyse them, answer the API, show the console, deliver events."""
    settings = settings_with(host=host, port=port, data_folder=data, workers=0 if no_worker else workers)
    begin_journal(settings.log_level, settings.log_format)
    application = build(settings)
    with listening(settings) as listener:
        address, port_taken = listener.getsockname()[:2]
        url = f"http://{f'[{address}]' if ':' in address else address}:{port_taken}"
        application.start()
        keep_what_is_there()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, _do_nothing)
        signal.signal(signal.SIGHUP, lambda *_: application.reload_models())
        try:
            talk(f"API      {url}/v1")
            if application.console_secret is None:
                talk("console  not built: run `python -m inference_server.console.vendor`, then start again")
            elif application.record.accounts.has_active():
                talk(f"console  {url}/console")
            else:
                talk(f"console  {url}/console/login?token={application.console_secret}   (works once)")
            http_server(settings, application).run(sockets=[listener])
        finally:
            application.stop()


def work(
    data: Data = None,
    workers: Workers = None,
    beats: Annotated[int | None, typer.Option(hidden=True, help="Pipe to the supervisor, for its child.")] = None,
) -> None:
    """Only analyse frames that others accept, until stopped, in a process that is replaced when it hangs."""
    settings = settings_with(data_folder=data, workers=workers)
    begin_journal(settings.log_level, settings.log_format)
    if settings.workers == 0:
        raise BadInput("a worker process needs one thread at least", field="workers")
    if beats is None:
        _supervise(settings)
    else:
        _work(settings, beats)


def _supervise(settings: Settings) -> None:
    """Nothing, after SIGTERM or SIGINT; exits with the worker's code where it is not 0."""
    command = [sys.executable, "-m", "inference_server.cli", "work"]
    command += ["--data", str(settings.data_folder), "--workers", str(settings.workers)]
    rules = WatchRules(hang_after_s=settings.hang_after_s, stop_within_s=settings.stop_within_s)
    supervisor = Supervisor(command, rules)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: supervisor.stop())
    signal.signal(signal.SIGHUP, lambda number, _: supervisor.signal(number))
    code = supervisor.run()
    if code:
        raise typer.Exit(code)


def _work(settings: Settings, pipe: int) -> None:
    """Nothing, after SIGTERM, or when the supervisor is gone."""
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    application = build(settings)
    signal.signal(signal.SIGHUP, lambda *_: application.reload_models())
    beats = Beats(pipe, application.busy_s, stopped.set)
    beats.start()
    figures = _tell_figures(settings, application)
    application.start()
    keep_what_is_there()
    _log.info("worker_ready", threads=settings.workers)
    try:
        stopped.wait()
    finally:
        application.stop()
        figures()
        beats.stop(1.0)


def _tell_figures(settings: Settings, application: Application) -> Callable[[], None]:
    """What stops the small server of a worker's figures; there is one only where the settings name its port."""
    if settings.metrics_port is None:
        return lambda: None
    registry = application.services.metrics.registry
    server, thread = start_http_server(settings.metrics_port, settings.host, registry)
    _log.info("figures_told", host=settings.host, port=settings.metrics_port)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def describe_api() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe()


def settings_with(**changes: Any) -> Settings:
    """The settings of the environment, with what the command line says instead."""
    return Settings(**{name: value for name, value in changes.items() if value is not None})


def _do_nothing(sig: int, frame: Any) -> None:
    """uvicorn has its own handlers while it runs; afterwards it raises the signal again for whoever was there before.
    That is us, and the threads behind the app are still to be stopped in good order."""


def listening(settings: Settings) -> socket.socket:
    """A socket that takes connections already; they are answered once a server runs on it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=256)


def http_server(settings: Settings, application: Application) -> uvicorn.Server:
    """uvicorn under our limits, for `run(sockets=[...])`."""
    config = uvicorn.Config(
        application.app,
        # on h11, the one of uvicorn's parsers that bounds the size of headers
        http=bounded_http(settings.header_within_s, settings.body_within_s),
        h11_max_incomplete_event_size=_HEADER_BYTES,
        ws="websockets-sansio",
        ws_max_size=application.max_message_bytes,
        ws_per_message_deflate=False,  # pictures do not shrink, and a few bytes could become very many
        limit_concurrency=settings.max_connections,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, int(settings.stop_within_s / 2)),  # the other half is for frames in hand
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
    )
    return _Server(config, application)


class _Server(uvicorn.Server):
    """Tells the application at once when it is asked to stop: frames are then sent away with 503, not lost."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Drain, then stop as uvicorn does."""
        self._application.drain()
        super().handle_exit(sig, frame)
