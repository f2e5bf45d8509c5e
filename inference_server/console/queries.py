"""Which cases the operator asked for, and how they are found in the record."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from inference_server.domain.case import Case
from inference_server.domain.case_states import CaseStates
from inference_server.domain.reach import Reach
from inference_server.ports import CaseFilter, CaseStore

OPEN: Final = "open"
ALL: Final = "all"
_PAGE: Final = 200
_MOST_SCANNED: Final = 20_000  # a text that matches nothing must not read a city's whole record
_MOST_SHOWN: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What stands in the filter above the list; `shown` is how many rows are wanted."""

    text: str = ""
    state: str = OPEN
    class_name: str = ""
    on_border: bool = False
    shown: int = 100

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "ListQuery":
        """The query of a form; anything odd counts as not asked for."""
        shown = values.get("shown", "")
        return cls(
            text=values.get("text", "").strip()[:80],
            state=values.get("state", OPEN),
            class_name=values.get("class_name", ""),
            on_border=values.get("on_border") == "1",
            shown=min(int(shown), _MOST_SHOWN) if shown.isascii() and shown.isdigit() and int(shown) > 0 else 100,
        )

    def wanted(self, states: CaseStates, reach: Reach) -> CaseFilter:
        """The part of the query that the record answers itself; an unknown state means the open ones."""
        if self.state == ALL:
            names: tuple[str, ...] = ()
        else:
            names = (self.state,) if self.state in states.states else states.open_states
        return CaseFilter(
            states=names,
            class_names=(self.class_name,) if self.class_name else (),
            on_border=True if self.on_border else None,
            newest_first=True,
            limit=_PAGE,
            reach=reach,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The cases that were found, newest first, and whether there are more."""

    cases: tuple[Case, ...]
    has_more: bool


def find_cases(store: CaseStore, query: ListQuery, wanted: CaseFilter, label: Callable[[str], str], most: int) -> Found:
    """At most `most` cases, newest first. The text is looked for in label, code, name, grid, id and number."""
    cases: list[Case] = []
    for case in _all(store, wanted):
        if _speaks_of(case, query.text.casefold(), label):
            if len(cases) == most:
                return Found(tuple(cases), True)
            cases.append(case)
    return Found(tuple(cases), False)


def _all(store: CaseStore, wanted: CaseFilter) -> Iterator[Case]:
    for _ in range(_MOST_SCANNED // _PAGE):
        page = store.list_cases(wanted)
        yield from page.cases
        if page.cursor is None:
            return
        wanted = replace(wanted, cursor=page.cursor)


def _speaks_of(case: Case, text: str, label: Callable[[str], str]) -> bool:
    if not text:
        return True
    said = (
        label(case.class_name),
        case.class_name,
        case.code,
        case.name,
        case.grid or "",
        case.id,
        case.external_number or "",
    )
    return all(any(word in part.casefold() for part in said) for word in text.split())
