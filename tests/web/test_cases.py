"""Cases: lists, one case with all that happened, moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.app import OpenApp, open_app
from support.posting import a_picture

from inference_server.domain.case import Case, CaseId
from inference_server.domain.geo import cell_of, cells_around
from inference_server.ports import Registry


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[tuple[OpenApp, str]]:
    """An app in which a drive has made one case, and that case's id."""
    with open_app(tmp_path_factory.mktemp("filed") / "data", card) as opened:
        yield opened, opened.file_a_case()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[tuple[OpenApp, list[Case]]]:
    """An app with one case that was filed, and nine copies of it that differ in what can be asked for."""
    with open_app(tmp_path_factory.mktemp("many") / "data", card) as opened:
        store = opened.application.record.store
        first = store.case(CaseId(opened.file_a_case()))
        cases = [first] + [_copy(first, i) for i in range(1, 10)]
        with store.work([cell_of(first.position)]) as work:
            (candidate,) = work.candidates(cells_around(first.position, 5.0))
            for case in cases[1:]:
                work.save_candidate(replace(candidate, id=case.candidate_id, case_id=case.id))
                work.save_case(case)
        yield opened, cases


def _copy(case: Case, i: int) -> Case:
    return replace(
        case,
        id=CaseId(f"{case.id[:-2]}{i:02d}"),
        candidate_id=f"{case.candidate_id}-{i}",  # type: ignore[arg-type]
        state="closed" if i % 2 else "filed",
        class_name="pothole" if i % 3 == 0 else "garbage",
        grid="330102001001007" if i < 5 else None,  # type: ignore[arg-type]
        on_border=i == 4,
        campaign="spring" if i in (7, 8) else None,
        filed_at=case.filed_at + timedelta(minutes=i),
        position=replace(case.position, lon=case.position.lon + i * 0.01),
    )


def test_a_page_is_in_order_of_filing_and_the_cursor_leads_through_all(many: tuple[OpenApp, list[Case]]) -> None:
    opened, cases = many
    seen: list[str] = []
    cursor: str | None = None
    with opened.client("cases:read") as client:
        while True:
            query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
            page = client.get("/v1/cases", params=query).json()
            seen += [case["id"] for case in page["cases"]]
            cursor = page["next"]
            if cursor is None:
                break
    assert seen == [case.id for case in cases]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        pytest.param({"state": "closed"}, {1, 3, 5, 7, 9}, id="by state"),
        pytest.param({"state": ["closed", "filed"]}, set(range(10)), id="by two states"),
        pytest.param({"class_name": "pothole"}, {3, 6, 9}, id="by class"),
        pytest.param({"class_name": "pothole", "state": "closed"}, {3, 9}, id="by class and state"),
        pytest.param({"grid": "330102001001007"}, {1, 2, 3, 4}, id="by grid"),
        pytest.param({"border": "true"}, {4}, id="on a border"),
        pytest.param({"campaign": "spring"}, {7, 8}, id="by campaign"),
        pytest.param({"bbox": "120.175,30,120.205,31"}, {3, 4, 5}, id="in a box"),
        pytest.param({"state": "nowhere"}, set(), id="in a state that none has"),
    ],
)
def test_filters_find_what_they_say(many: tuple[OpenApp, list[Case]], query: dict[str, Any], wanted: set[int]) -> None:
    opened, cases = many
    with opened.client("cases:read") as client:
        found = {case["id"] for case in client.get("/v1/cases", params=query).json()["cases"]}
    assert found == {cases[i].id for i in wanted}


def test_a_span_of_filing_times_includes_its_begin_and_not_its_end(many: tuple[OpenApp, list[Case]]) -> None:
    opened, cases = many
    query = {"since": cases[2].filed_at.isoformat(), "until": cases[5].filed_at.isoformat()}
    with opened.client("cases:read") as client:
        found = [case["id"] for case in client.get("/v1/cases", params=query).json()["cases"]]
    assert found == [case.id for case in cases[2:5]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"since": "2026-11-22T00:00:00"}, "since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "3,2,1,4"}, "bbox"),
        ({"bbox": "nan,2,3,4"}, "bbox"),
        ({"cursor": "made up"}, "cursor"),
        ({"border": "perhaps"}, "border"),
        ({"format": "xml"}, "format"),
        ({"colour": "red"}, "colour"),
        ({"grid": "\0"}, "grid"),
    ],
)
def test_a_wrong_filter_is_named(many: tuple[OpenApp, list[Case]], query: dict[str, str], field: str) -> None:
    with many[0].client("cases:read") as client:
        answer = client.get("/v1/cases", params=query)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "bad_input", field)


@pytest.mark.parametrize("by_header", [True, False])
def test_cases_can_be_had_as_geojson(many: tuple[OpenApp, list[Case]], by_header: bool) -> None:
    opened, cases = many
    with opened.client("cases:read") as client:
        headers, query = ({"Accept": "application/geo+json"}, {}) if by_header else ({}, {"format": "geojson"})
        answer = client.get("/v1/cases", params={"limit": "2", **query}, headers=headers)
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert (body["type"], len(body["features"]), body["next"] is None) == ("FeatureCollection", 2, False)
    feature = body["features"][0]
    assert feature["geometry"] == {
        "type": "Point",
        "coordinates": [cases[0].position.lon, cases[0].position.lat],
    }
    assert (feature["id"], feature["properties"]["class_name"]) == (cases[0].id, "garbage")


def test_a_case_tells_its_history_and_shows_its_pictures(filed: tuple[OpenApp, str]) -> None:
    opened, case_id = filed
    with opened.client("cases:read") as client:
        case = client.get(f"/v1/cases/{case_id}").json()
        picture = client.get(case["evidence"][0]["href"])
    assert [(line["from_state"], line["to_state"], line["by"]) for line in case["history"]] == [
        (None, "filed", "system")
    ]
    assert (case["source"], case["code"], case["standard"]) == ("车载智能采集", "06010", "GB/T 47678.5-2026")
    assert set(case["state_times"]) == {"filed"}
    assert case["deadline_at"] > case["filed_at"]
    assert picture.content in {a_picture(i) for i in range(7)}
    assert picture.headers["content-type"] == "image/jpeg"
    assert "sandbox" in picture.headers["content-security-policy"]


def test_only_a_cases_own_pictures_are_shown(filed: tuple[OpenApp, str]) -> None:
    opened, case_id = filed
    other = opened.application.record.evidence.put(b"\xff\xd8\xff a picture of another case")
    with opened.client("cases:read") as client:
        for sha256 in (other, "0" * 64):
            answer = client.get(f"/v1/cases/{case_id}/evidence/{sha256}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/cases", {"cases:read", "admin"}),
        ("GET", "/v1/cases/x", {"cases:read", "admin"}),
        ("GET", "/v1/cases/x/evidence/" + "0" * 64, {"cases:read", "admin"}),
        ("PATCH", "/v1/cases/x", {"cases:write", "admin"}),
        ("GET", "/v1/grids", {"cases:read", "admin"}),
        ("GET", "/v1/devices", {"admin"}),
        ("POST", "/v1/devices", {"admin"}),
        ("PUT", "/v1/devices/x/cameras/y", {"admin"}),
        ("GET", "/v1/tokens", {"admin"}),
        ("POST", "/v1/tokens", {"admin"}),
        ("DELETE", "/v1/tokens/x", {"admin"}),
        ("POST", "/v1/frames", {"device"}),
        ("GET", "/v1/frames/" + "0" * 32, {"device", "cases:read", "admin"}),
    ],
)
def test_each_address_wants_its_scope(filed: tuple[OpenApp, str], method: str, path: str, allowed: set[str]) -> None:
    opened, _ = filed
    json = {} if method in ("PATCH", "PUT") or (method == "POST" and path != "/v1/frames") else None
    for scope in ("device", "cases:read", "cases:write", "admin"):
        with opened.client(scope) as client:
            status = client.request(method, path, json=json).status_code
        assert (status == 403) == (scope not in allowed), (scope, status)
    with opened.client(None) as client:
        answer = client.request(method, path, json=json)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="xuncheng"')


def _patch(client: httpx.Client, case_id: str, **what: Any) -> httpx.Response:
    return client.patch(f"/v1/cases/{case_id}", json=what)


def test_a_case_goes_its_legal_way_and_each_step_is_told(fresh_app: OpenApp) -> None:
    case_id = fresh_app.file_a_case()
    with fresh_app.client("cases:write") as client:
        _patch(client, case_id, state="dispatched", external_number="HZ-2026-0001").raise_for_status()
        _patch(client, case_id, state="reported_fixed").raise_for_status()
        case = _patch(client, case_id, state="closed").json()
    assert (case["state"], case["external_number"]) == ("closed", "HZ-2026-0001")
    assert [line["to_state"] for line in case["history"]] == ["filed", "dispatched", "reported_fixed", "closed"]
    assert {line["by"] for line in case["history"][1:]} == {"case_system:cases:write"}
    assert set(case["state_times"]) == {"filed", "dispatched", "reported_fixed", "closed"}
    due = fresh_app.application.record.outbox.due(datetime.now(UTC) + timedelta(days=1), 100)
    assert [item.event.type.split(".")[2] for item in due][:1] == ["filed"]
    assert fresh_app.application.record.store.counts()["events.pending"] == 4


def test_dispatching_starts_the_handlers_clock_anew_and_rework_does_not(fresh_app: OpenApp) -> None:
    case_id = fresh_app.file_a_case()
    with fresh_app.client("cases:write") as client:
        filed = client.get(f"/v1/cases/{case_id}", headers=fresh_app.authorization("admin")).json()
        dispatched = _patch(client, case_id, state="dispatched").json()
        _patch(client, case_id, state="reported_fixed").raise_for_status()
        rework = _patch(client, case_id, state="dispatched", reason="not clean").json()
    assert dispatched["deadline_at"] >= filed["deadline_at"]
    assert rework["deadline_at"] == dispatched["deadline_at"]


@pytest.mark.parametrize(
    ("what", "status", "code", "field"),
    [
        pytest.param({"state": "reported_fixed"}, 409, "illegal_move", "state", id="a step that is left out"),
        pytest.param({"state": "filed"}, 409, "illegal_move", "state", id="where it is already"),
        pytest.param({"state": "closed"}, 409, "illegal_move", "reason", id="a move that needs a reason"),
        pytest.param({"state": "nowhere"}, 409, "illegal_move", "state", id="a state that is none"),
        pytest.param(
            {"state": "dispatched", "at": "2020-01-01T00:00:00Z"}, 409, "illegal_move", "at", id="before filing"
        ),
        pytest.param(
            {"state": "dispatched", "at": "2190-01-01T00:00:00Z"}, 409, "illegal_move", "at", id="in the future"
        ),
        pytest.param(
            {"state": "dispatched", "expected_state": "review"}, 409, "conflict", "expected_state", id="stale"
        ),
        pytest.param({"state": "dispatched", "at": "2026-11-22T00:00:00"}, 422, "bad_input", "at", id="no zone"),
        pytest.param({}, 422, "bad_input", "state", id="nothing to change"),
        pytest.param({"external_number": " "}, 422, "bad_input", "external_number", id="a blank number"),
        pytest.param({"external_number": "a\nb"}, 422, "bad_input", "external_number", id="a number of two lines"),
        pytest.param({"state": "dispatched", "by": "system"}, 422, "bad_input", "by", id="as if by the system"),
        pytest.param({"state": 5}, 422, "bad_input", "state", id="a number for a state"),
        pytest.param({"status": "closed"}, 422, "bad_input", "status", id="a field that does not exist"),
    ],
)
def test_an_illegal_move_is_refused_and_changes_nothing(
    filed: tuple[OpenApp, str], what: dict[str, Any], status: int, code: str, field: str
) -> None:
    opened, case_id = filed
    with opened.client() as client:
        before = client.get(f"/v1/cases/{case_id}").json()
        answer = _patch(client, case_id, **what)
        assert client.get(f"/v1/cases/{case_id}").json() == before
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)


def test_the_same_move_again_changes_nothing(fresh_app: OpenApp) -> None:
    case_id = fresh_app.file_a_case()
    move = {"state": "dispatched", "at": datetime.now(UTC).isoformat(), "expected_state": "filed"}
    with fresh_app.client() as client:
        first, again = _patch(client, case_id, **move), _patch(client, case_id, **move)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()


def test_an_unknown_case_is_not_found(shared_app: OpenApp) -> None:
    with shared_app.client() as client:
        assert client.get("/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV").status_code == 404
        assert _patch(client, "01ARZ3NDEKTSV4RRFFQ69G5FAV", state="closed").status_code == 404
        assert client.get("/v1/cases/no%20id").status_code == 422


def test_an_older_case_of_the_same_thing_cannot_be_moved_any_more(fresh_app: OpenApp) -> None:
    record = fresh_app.application.record
    old = record.store.case(CaseId(fresh_app.file_a_case()))
    with record.store.work([cell_of(old.position)]) as work:
        work.save_case(replace(old, state="closed"))
        work.save_case(
            replace(old, id=CaseId("01ZZZZZZZZZZZZZZZZZZZZZZZZ"), filed_at=old.filed_at + timedelta(days=60))
        )
    with fresh_app.client() as client:
        answer = _patch(client, old.id, state="filed", reason="seen again")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_an_expired_or_revoked_token_opens_nothing(shared_app: OpenApp) -> None:
    registry: Registry = shared_app.application.record.registry
    past = datetime.now(UTC) - timedelta(seconds=1)
    _, expired = registry.issue_token("old", frozenset({"cases:read"}), None, past)
    token, revoked = registry.issue_token("gone", frozenset({"cases:read"}), None, None)
    with shared_app.client() as client:
        assert client.get("/v1/cases", headers={"Authorization": f"Bearer {revoked}"}).status_code == 200
        assert client.delete(f"/v1/tokens/{token.id}").status_code == 204
        for shown in (
            f"Bearer {expired}",
            f"Bearer {revoked}",
            "Bearer xc_" + "a" * 500,
            "Bearer é",
            "Basic eDp5",
            "Bearer",
        ):
            answer = client.get("/v1/cases", headers=[(b"Authorization", shown.encode("latin-1"))])
            assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
