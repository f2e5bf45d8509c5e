"""Where the stored looks of photographs lie: the bytes are evidence by content, the rows say which belong to which."""

from sqlalchemy import and_, bindparam, select

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.domain.errors import NotFound
from inference_server.ports import Evidence

_looks, _evidence, _cases = tables.kept_looks, tables.evidence, tables.cases
_is_it = and_(_looks.c.photo_sha256 == _evidence.c.sha256, _looks.c.version == bindparam("version"))
_MISSING = (
    select(_evidence.c.sha256)
    .distinct()
    .join(_cases, _cases.c.id == _evidence.c.case_id)
    .outerjoin(_looks, _is_it)
    .where(_cases.c.is_open, _looks.c.photo_sha256.is_(None))
    .limit(bindparam("most"))
)
_FIND = select(_looks.c.look_sha256).where(
    _looks.c.photo_sha256 == bindparam("photo"), _looks.c.version == bindparam("version")
)


class SqlKeptLooks:
    """Stored looks by the hash of the photograph and the version of what made them."""

    def __init__(self, database: Database, evidence: Evidence) -> None:
        self._database = database
        self._evidence = evidence

    def keep(self, photo_sha256: str, version: str, stored: bytes | None) -> None:
        """Store; None says that the photograph cannot be looked at. The same again replaces it."""
        sha256 = None if stored is None else self._evidence.put(stored)
        values = {"photo_sha256": photo_sha256, "version": version, "look_sha256": sha256}
        with self._database.writing(durable=False) as connection:
            connection.execute(self._database.upsert(_looks, ["photo_sha256", "version"]), values)

    def find(self, photo_sha256: str, version: str) -> bytes | None:
        """The stored bytes; None where there are none of this version, or they are gone."""
        with self._database.reading() as connection:
            sha256 = connection.execute(_FIND, {"photo": photo_sha256, "version": version}).scalar()
        try:
            return None if sha256 is None else self._evidence.get(sha256)
        except NotFound:
            return None

    def missing(self, version: str, most: int) -> list[str]:
        """Photographs of open cases that have not been looked at in this version."""
        with self._database.reading() as connection:
            return list(connection.execute(_MISSING, {"version": version, "most": most}).scalars())
