"""Statements compiled once, and given to the driver of SQLite without a detour.

Between two frames the network has pushed everything else out of the processor's caches. What costs then is less what
SQLite does than how much code lies before it: some 0.2 ms a statement through SQLAlchemy, a quarter of that here.
SQLAlchemy still writes the text and names the converters of each column.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from sqlite3 import Error
from typing import Any, Protocol, cast

from sqlalchemy import Select, exc
from sqlalchemy.engine import Dialect

Values = Mapping[str, Any]
Statement = Any  # of SQLAlchemy: whatever compiles
_Convert = Callable[[Any], Any]


class Cursor(Protocol):
    """What is used of a cursor of the driver."""

    rowcount: int

    def fetchall(self) -> list[Any]:
        """All rows."""
        ...


class Driver(Protocol):
    """What is used of a connection of the driver."""

    def execute(self, sql: str, parameters: Sequence[Any], /) -> Cursor:
        """Run a statement."""
        ...

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]], /) -> Cursor:
        """Run a statement with each of the parameters."""
        ...


def as_sqlalchemy(error: Error, sql: str) -> exc.DBAPIError:
    """An error of the driver under SQLAlchemy's name for it."""
    kind: type[exc.DBAPIError] = getattr(exc, type(error).__name__, exc.DatabaseError)
    return kind(sql, None, error)


class Answer:
    """Rows and count of a statement that has run."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def one_or_none(self) -> Any:
        """The only row; None where there is none."""
        if len(self._rows) > 1:
            raise exc.MultipleResultsFound(f"{len(self._rows)} rows, not one")
        return self._rows[0] if self._rows else None

    def scalar_one_or_none(self) -> Any:
        """The first column of the only row; None where there is none."""
        row = self.one_or_none()
        return None if row is None else row[0]


_Source = tuple[str, int | None, _Convert | None]  # a name of the values, a place in the list there, its converter


class Prepared:
    """One statement with values of these names, and lists of this length."""

    def __init__(self, statement: Statement, dialect: Dialect, values: Values) -> None:
        self.statement = statement  # kept: it is known by its id
        compiled = statement.compile(dialect=dialect, column_keys=list(values))
        state = compiled.construct_expanded_state(dict(values))
        lists: dict[str, tuple[str, int | None]] = {}
        for whole, names in state.parameter_expansion.items():
            lists.update({name: (whole, at) for at, name in enumerate(names)})
        self._text: str = state.statement
        self._constants = {name: value for name, value in state.parameters.items() if name not in values}
        self._sources: list[_Source] = []
        for name in state.positiontup or ():
            whole, at = lists.get(name, (name, None))
            convert = compiled.binds[whole].type.dialect_impl(dialect).bind_processor(dialect)
            self._sources.append((whole, at, convert))
        self._columns: list[tuple[int, _Convert]] = []
        self._row: Callable[..., Any] | None = None
        if isinstance(statement, Select):
            self._read_columns(statement, dialect)

    def _read_columns(self, statement: Select[Any], dialect: Dialect) -> None:
        columns = list(statement.selected_columns)
        converters = [one.type.dialect_impl(dialect).result_processor(dialect, None) for one in columns]
        self._columns = [(at, convert) for at, convert in enumerate(converters) if convert is not None]
        names = [one.key or "" for one in columns]
        self._row = cast(Any, namedtuple)("row", names, rename=True)._make

    def run(self, driver: Driver, values: Values | list[dict[str, Any]]) -> Answer:
        """What the database answers; raises SQLAlchemy's errors."""
        try:
            if isinstance(values, list):
                return Answer([], driver.executemany(self._text, [self._parameters(one) for one in values]).rowcount)
            cursor = driver.execute(self._text, self._parameters(values))
            rows = [] if self._row is None else cursor.fetchall()
        except Error as error:
            raise as_sqlalchemy(error, self._text) from error
        return Answer([self._converted(row) for row in rows], cursor.rowcount)

    def _parameters(self, values: Values) -> list[Any]:
        every = {**self._constants, **values} if self._constants else values
        found = []
        for name, at, convert in self._sources:
            value = every[name] if at is None else every[name][at]
            found.append(value if convert is None else convert(value))
        return found

    def _converted(self, row: tuple[Any, ...]) -> Any:
        assert self._row is not None
        if not self._columns:
            return self._row(row)
        values = list(row)
        for at, convert in self._columns:
            values[at] = convert(values[at])
        return self._row(values)
