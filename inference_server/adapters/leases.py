"""Rows that say who works on what, and until when: one worker per camera, one process that delivers events."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, or_, update

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.adapters.owner import Census

_leases = tables.leases
_FREE = delete(_leases).where(_leases.c.name == bindparam("lease"), _leases.c.owner == bindparam("holder"))
_FREE_OF_FRAME = delete(_leases).where(_leases.c.name == bindparam("lease"), _leases.c.frame_id == bindparam("at"))
_NOTE = update(_leases).where(_leases.c.name == bindparam("lease")).values(frame_id=bindparam("at"))
_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
NOBODY = ""  # a lease of nobody is a pause: it ends by itself


class Leases:
    """Leases of one owner. `renewable` ones may be taken again by him; else one thread could take another's."""

    def __init__(self, database: Database, owner: str, length_s: float, *, renewable: bool = False) -> None:
        self._owner = owner
        self._length = timedelta(seconds=length_s)
        stale: ColumnElement[bool] = _leases.c.expires_at <= bindparam("now")
        if renewable:
            stale = or_(stale, _leases.c.owner == owner)
        self._database = database
        self._take = database.conditional_upsert(_leases, ["name"], ("owner", "expires_at"), stale)

    def take(self, connection: Connection, name: str, now: datetime) -> bool:
        """Whether the lease is ours now: nobody held it, or its time was over. The frame that its last holder left
        behind unfinished is named in it until `note_frame`."""
        values: dict[str, Any] = {
            "name": name,
            "owner": self._owner,
            "expires_at": now + self._length,
            "frame_id": None,
            "now": now,
        }
        return bool(self._database.run(connection, self._take, values).rowcount)

    def note_frame(self, connection: Connection, name: str, frame_id: str) -> None:
        """Write down what we are at, for whoever finds us dead."""
        self._database.run(connection, _NOTE, {"lease": name, "at": frame_id})

    def free(self, connection: Connection, name: str) -> None:
        """Give the lease back, if it still is ours."""
        connection.execute(_FREE, {"lease": name, "holder": self._owner})

    def pause(self, connection: Connection, name: str, frame_id: str, until: datetime) -> None:
        """Give the lease of a frame back, but to nobody before a moment."""
        at = (_leases.c.name == name, _leases.c.owner == self._owner, _leases.c.frame_id == frame_id)
        mine = update(_leases).where(*at)
        connection.execute(mine.values(owner=NOBODY, expires_at=until, frame_id=None))


def free_of_frame(database: Database, connection: Connection, camera: str, frame_id: str) -> None:
    """The lease under which a frame was worked on goes, whoever holds it: the frame is done."""
    database.run(connection, _FREE_OF_FRAME, {"lease": camera, "at": frame_id})


def expire_leases_of_the_dead(connection: Connection, census: Census) -> int:
    """How many leases were freed because their owner, one of this folder, no longer lives; pauses stay."""
    of_here = _leases.c.owner.startswith(f"{census.home}.")
    dead = update(_leases).where(of_here, _leases.c.owner.not_in(sorted(census.alive))).values(expires_at=_LONG_AGO)
    return int(connection.execute(dead).rowcount)
