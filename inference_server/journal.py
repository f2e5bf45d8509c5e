"""The log: one JSON object per event on stderr, ids as fields. Secrets and pictures never come near it."""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRETS: Final = ("token", "secret", "authorization", "cookie", "password", "picture_keys")
_HIDDEN: Final = "***"


class _ToStderr(logging.Handler):
    """Writes to whatever stderr is at that moment. A log that cannot be written, for its disk is full or its reader is
    gone, stops nothing else; how many lines it failed at is told in the first line after them."""

    def __init__(self) -> None:
        super().__init__()
        self._failed = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except OSError:
            self._failed += 1
            return
        if self._failed:
            failed, self._failed = self._failed, 0
            structlog.get_logger("journal").warning("log_could_not_be_written", lines=failed)


def begin_journal(level: str, log_format: str) -> None:
    """Send everything that is logged, by us and by libraries, to stderr in one shape; called once, by cli.py."""
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    last: Processor = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    if log_format == "text":
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _ToStderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "alembic", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The event without values that would let somebody in, and without bytes.

    >>> hide_secrets(None, "info", {"event": "issued", "token_secret": "abc", "picture": b"1234"})
    {'event': 'issued', 'token_secret': '***', 'picture': '4 bytes'}
    """
    for name, value in event.items():
        if any(word in name.lower() for word in _SECRETS):
            event[name] = _HIDDEN
        elif isinstance(value, bytes | bytearray | memoryview):
            event[name] = f"{len(value)} bytes"
    return event
