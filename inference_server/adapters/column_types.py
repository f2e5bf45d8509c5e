"""Column types that mean the same in SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Integer, LargeBinary, Row
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

AnyRow = Row[*tuple[Any, ...]]
AnyColumn = Column[Any]


class UtcTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC to the microsecond.

    SQLite has no type for it: there it is a text that sorts as time does. PostgreSQL keeps timestamptz.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The value in UTC; a time without a zone is refused, for nobody knows when it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The value, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows by itself only for a primary key that is called INTEGER.
RowNumber = BigInteger().with_variant(Integer, "sqlite")
Json: JSON = JSON(none_as_null=True)
Bytes = LargeBinary()


def utc_json(value: dict[str, datetime]) -> dict[str, Any]:
    """Times of a JSON column as ISO 8601 texts."""
    return {key: moment.astimezone(UTC).isoformat() for key, moment in value.items()}


def times_of_json(value: dict[str, Any]) -> dict[str, datetime]:
    """Undoes `utc_json`."""
    return {key: datetime.fromisoformat(text) for key, text in value.items()}
