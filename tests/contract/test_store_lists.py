"""Lists of cases, on every database."""

from collections.abc import Iterator

import pytest
from support.builders import a_candidate, a_case, at
from support.records import CELLS, KINDS, POSTGRESQL, SQLITE_MEMORY, Place, empty

from inference_server.domain.errors import BadInput
from inference_server.domain.geo import LatLon
from inference_server.domain.grid import GridId
from inference_server.ports import CaseFilter, CaseStore


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseStore]:
    """Six cases that differ in everything that can be asked for; nobody changes them."""
    urls = {SQLITE_MEMORY: "sqlite://"}
    url = request.getfixturevalue("postgres_url") if request.param == POSTGRESQL else urls.get(request.param)
    if url is not None and request.param == POSTGRESQL:
        empty(url)
    with Place(request.param, url, tmp_path_factory.mktemp("data")).opened() as record:
        many(record.store)
        yield record.store


def many(store: CaseStore) -> None:
    """Six cases that differ in everything that can be asked for."""
    with store.work(CELLS) as work:
        for number in range(6):
            work.save_candidate(a_candidate(f"candidate-{number}"))
            case = a_case(
                f"case-{number}",
                f"candidate-{number}",
                state="closed" if number % 2 else "filed",
                class_name="pothole" if number == 5 else "garbage",
                grid=GridId(f"33010200100100{number // 3}"),
                on_border=number == 0,
                campaign=None if number == 1 else "autumn",
                filed_at=at(10 * (number // 2)),
                position=LatLon(30.0 + number, 120.0),
            )
            work.save_case(case)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(CaseFilter(), "012345", id="any"),
        pytest.param(CaseFilter(states=("closed",)), "135", id="one state"),
        pytest.param(CaseFilter(states=("closed", "filed")), "012345", id="two states"),
        pytest.param(CaseFilter(class_names=("pothole",)), "5", id="class"),
        pytest.param(CaseFilter(grid="330102001001001"), "345", id="grid"),
        pytest.param(CaseFilter(on_border=True), "0", id="on a border"),
        pytest.param(CaseFilter(on_border=False, campaign="autumn"), "2345", id="two conditions are both needed"),
        pytest.param(
            CaseFilter(filed_since=at(10), filed_until=at(20)), "23", id="from the first moment, up to the last"
        ),
        pytest.param(CaseFilter(within=(119.0, 31.0, 121.0, 33.0)), "123", id="rectangle with its edges"),
        pytest.param(CaseFilter(newest_first=True), "543210", id="the other way round"),
        pytest.param(CaseFilter(states=("nonsense",)), "", id="nothing"),
    ],
)
def test_cases_are_listed_as_asked(store: CaseStore, wanted: CaseFilter, expected: str) -> None:
    page = store.list_cases(wanted)
    assert "".join(case.id[-1] for case in page.cases) == expected
    assert page.cursor is None


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6])
def test_pages_hold_every_case_once_in_order(store: CaseStore, limit: int, newest_first: bool) -> None:
    found, cursor = "", None
    while True:
        page = store.list_cases(CaseFilter(limit=limit, cursor=cursor, newest_first=newest_first))
        found += "".join(case.id[-1] for case in page.cases)
        cursor = page.cursor
        if cursor is None:
            break
        assert len(page.cases) == limit
    assert found == ("543210" if newest_first else "012345")


@pytest.mark.parametrize("cursor", ["nonsense", "é", "", "MjAyNi0xMS0yMlQwNDowMDowMHxjYXNl", "====", "AAAA"])
def test_a_cursor_that_is_none_of_ours_is_bad_input(store: CaseStore, cursor: str) -> None:
    with pytest.raises(BadInput):
        store.list_cases(CaseFilter(cursor=cursor))


def test_a_page_by_its_number_holds_what_the_cursor_would_lead_to(store: CaseStore) -> None:
    everything = [case.id for case in store.list_cases(CaseFilter(newest_first=True)).cases]
    pages = [store.list_cases(CaseFilter(limit=4, offset=4 * n, newest_first=True)).cases for n in range(3)]
    assert [case.id for page in pages for case in page] == everything
    assert [len(page) for page in pages] == [4, 2, 0]
