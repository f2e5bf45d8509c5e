"""Rows that say who works on what, and until when: one worker per camera, one process that delivers events."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, or_, select, update

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.adapters.owner import Census

_leases = tables.leases
_HELD = select(_leases).where(_leases.c.name == bindparam("lease"))
_FREE = delete(_leases).where(_leases.c.name == bindparam("lease"), _leases.c.owner == bindparam("holder"))
_NOTE = update(_leases).where(_leases.c.name == bindparam("lease")).values(frame_id=bindparam("at"))
_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
NOBODY = ""  # a lease of nobody is a pause: it ends by itself


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease that is now ours, and the frame that its last holder left behind unfinished (None: none)."""

    abandoned_frame: str | None


class Leases:
    """Leases of one owner. `renewable` ones may be taken again by him; else one thread could take another's."""

    def __init__(self, database: Database, owner: str, length_s: float, *, renewable: bool = False) -> None:
        self._owner = owner
        self._length = timedelta(seconds=length_s)
        stale: ColumnElement[bool] = _leases.c.expires_at <= bindparam("now")
        if renewable:
            stale = or_(stale, _leases.c.owner == owner)
        changed = ("owner", "expires_at", "frame_id")
        self._take = database.conditional_upsert(_leases, ["name"], changed, stale)

    def take(self, connection: Connection, name: str, now: datetime) -> Taken | None:
        """The lease, if nobody holds it or its time is over; else None."""
        before = connection.execute(_HELD, {"lease": name}).one_or_none()
        values: dict[str, Any] = {
            "name": name,
            "owner": self._owner,
            "expires_at": now + self._length,
            "frame_id": None,
            "now": now,
        }
        if not connection.execute(self._take, values).rowcount:
            return None
        return Taken(before.frame_id if before else None)

    def note_frame(self, connection: Connection, name: str, frame_id: str) -> None:
        """Write down what we are at, for whoever finds us dead."""
        connection.execute(_NOTE, {"lease": name, "at": frame_id})

    def free(self, connection: Connection, name: str) -> None:
        """Give the lease back, if it still is ours."""
        connection.execute(_FREE, {"lease": name, "holder": self._owner})

    def pause(self, connection: Connection, name: str, until: datetime) -> None:
        """Give the lease back, but to nobody before a moment."""
        mine = update(_leases).where(_leases.c.name == name, _leases.c.owner == self._owner)
        connection.execute(mine.values(owner=NOBODY, expires_at=until, frame_id=None))


def expire_leases_of_the_dead(connection: Connection, census: Census) -> int:
    """How many leases were freed because their owner, one of this folder, no longer lives; pauses stay."""
    of_here = _leases.c.owner.startswith(f"{census.home}.")
    dead = update(_leases).where(of_here, _leases.c.owner.not_in(sorted(census.alive))).values(expires_at=_LONG_AGO)
    return int(connection.execute(dead).rowcount)
