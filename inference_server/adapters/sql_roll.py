"""Which worker processes work, as rows."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.ports import WorkerProcess

_workers = tables.workers
_FORGOTTEN_AFTER = timedelta(hours=1)
_SINCE = select(_workers).where(_workers.c.seen_at >= bindparam("since")).order_by(_workers.c.name)
_FORGET = delete(_workers).where(_workers.c.seen_at < bindparam("before"))


class SqlRoll:
    """The roll of worker processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(self, process: WorkerProcess) -> None:
        """Insert or update; processes that have been silent for an hour are forgotten."""
        values = {
            "name": process.name,
            "host": process.host,
            "threads": process.threads,
            "busy_s": process.busy_s,
            "seen_at": process.seen_at,
        }
        with self._database.writing(durable=False) as connection:
            connection.execute(self._database.upsert(_workers, ["name"]), values)
            connection.execute(_FORGET, {"before": process.seen_at - _FORGOTTEN_AFTER})

    def seen_since(self, moment: datetime) -> list[WorkerProcess]:
        """Those that have reported at or after a moment, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(_SINCE, {"since": moment}).all()
        return [
            WorkerProcess(name=row.name, host=row.host, threads=row.threads, busy_s=row.busy_s, seen_at=row.seen_at)
            for row in rows
        ]
