"""Every route x role x district. A route that is in no table here fails: who adds one says who may use it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from support.accounts import add_account, form_token, signed_in_as
from support.app import SCOPES, open_app
from support.two_districts import HERE, Things, TwoDistricts, two_districts

from inference_server.domain.account import Role
from inference_server.domain.hold import HoldId

READ, WRITE, VERIFY, ADMIN, DEVICE = "cases:read", "cases:write", "verify", "admin", "device"
OPEN311 = "open311"
HOLDS = "holds"
EVERYBODY = None
NO_SUCH = {"hold": "nothing", "case": "nothing", "frame": "0" * 32, "review": "nothing", "verification": "0" * 26}


@dataclass(frozen=True, kw_only=True)
class Row:
    """Who may use a route. `thing`: what its address names, of which those of other districts are not there."""

    who: frozenset[Any] | None
    thing: str | None = None
    sends: dict[str, Any] = field(default_factory=dict)
    stranger: int = 401  # what somebody without a token is told


def of(*who: Any, thing: str | None = None, **sends: Any) -> Row:
    """A row. What `admin` may do beyond its own is filled in by the test."""
    return Row(who=frozenset(who), thing=thing, sends=sends)


def of311(*who: Any, thing: str | None = None, **sends: Any) -> Row:
    """A row of Open311, which knows no 401."""
    return Row(who=frozenset(who), thing=thing, sends=sends, stranger=403)


OPEN = Row(who=EVERYBODY)
API: dict[tuple[str, str], Row] = {
    ("POST", "/v1/frames"): of(DEVICE),
    ("GET", "/v1/frames/{frame_id}"): of(READ, thing="frame"),  # and a device its own: see test_frames.py
    ("GET", "/v1/cases"): of(READ),
    ("GET", "/v1/cases/{case_id}"): of(READ, thing="case"),
    ("PATCH", "/v1/cases/{case_id}"): of(WRITE, thing="case", json={"by": "operator", "external_number": "HZ-1"}),
    ("GET", "/v1/cases/{case_id}/evidence/{sha256}"): of(READ, thing="case"),
    ("GET", "/v1/grids"): of(READ),
    ("GET", "/v1/devices"): of(),
    ("POST", "/v1/devices"): of(json={"id": "car-9", "name": "nine"}),
    ("GET", "/v1/devices/{device_id}"): of(),
    ("PUT", "/v1/devices/{device_id}/cameras/{camera}"): of(json={}),
    ("GET", "/v1/tokens"): of(),
    ("POST", "/v1/tokens"): of(json={"name": "x", "scopes": [READ]}),
    ("DELETE", "/v1/tokens/{token_id}"): of(),
    ("GET", "/v1/models"): of(READ),
    ("POST", "/v1/models/reload"): of(),
    ("GET", "/v1/models/shadow-report"): of(READ),
    ("GET", "/v1/reviews"): of(READ),
    ("GET", "/v1/reviews/{review_id}"): of(READ, thing="review"),
    ("GET", "/v1/reviews/{review_id}/picture"): of(READ, thing="review"),
    ("POST", "/v1/reviews/{review_id}"): of(WRITE, thing="review", json={"answer": "confirm"}),
    ("DELETE", "/v1/reviews/{review_id}/answer"): of(WRITE, thing="review"),
    ("POST", "/v1/verifications"): of(VERIFY),  # its case is in its body: see test_districts.py
    ("GET", "/v1/verifications/{verification_id}"): of(READ, VERIFY, thing="verification"),
    ("GET", "/v1/verifications/{verification_id}/evidence/{sha256}"): of(READ, VERIFY, thing="verification"),
    ("POST", "/v1/verifications/{verification_id}/answer"): of(WRITE, thing="verification", json={"says": "fixed"}),
    ("GET", "/v1/cases/{case_id}/tips"): of(WRITE, thing="case"),
    ("GET", "/v1/tips"): of(WRITE),  # those without a place: see test_open311.py
    ("PUT", "/v1/tips/{tip_id}/position"): of(WRITE, json={"lat": 30.27, "lon": 120.15, "datum": "wgs84"}),
    ("GET", "/open311/v2/discovery.{format}"): OPEN,
    ("GET", "/open311/v2/services.{format}"): of311(READ, OPEN311),
    ("GET", "/open311/v2/services/{service_code}.{format}"): of311(READ, OPEN311),
    ("GET", "/open311/v2/requests.{format}"): of311(READ, OPEN311),
    ("GET", "/open311/v2/requests/{service_request_id}.{format}"): of311(READ, OPEN311, thing="case"),
    ("GET", "/open311/v2/tokens/{token}.{format}"): of311(READ, OPEN311),
    ("POST", "/open311/v2/requests.{format}"): of311(OPEN311, data={"service_code": "06010"}),
    ("POST", "/v1/holds"): of(HOLDS, json={"case": "nothing", "reason": "x"}),  # its case is in its body: test_holds.py
    ("GET", "/v1/holds"): of(READ, HOLDS),
    ("GET", "/v1/holds/{hold_id}"): of(READ, HOLDS, thing="hold"),
    ("POST", "/v1/holds/{hold_id}/lift"): of(HOLDS, thing="hold", json={"reason": "x"}),
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): OPEN,
}
NOT_IN_THE_DOCUMENT = {"/openapi.json", "/v1/stream"}  # the stream asks for the scope device: see test_stream.py

ALL = tuple(Role)
ANSWERS, MOVES = (Role.REVIEWER, Role.OPERATOR), (Role.OPERATOR,)
CONSOLE: dict[tuple[str, str], Row] = {
    ("GET", "/console"): of(*ALL),
    ("GET", "/console/list"): of(*ALL),
    ("GET", "/console/cases/{case_id}"): of(*ALL, thing="case"),
    ("GET", "/console/cases/{case_id}/thumbnail"): of(*ALL, thing="case"),
    ("GET", "/console/cases/{wanted}/pictures/{sha256}"): of(*ALL, thing="case"),
    ("POST", "/console/cases/{case_id}/moves"): of(*MOVES, thing="case", data={"state": "void", "reason": "x"}),
    ("GET", "/console/frames/{frame_id}"): of(*ALL, thing="frame"),
    ("GET", "/console/frames/{wanted}/pictures/{sha256}"): of(*ALL, thing="frame"),
    ("GET", "/console/map/grids.json"): of(*ALL),
    ("GET", "/console/map/cases.json"): of(*ALL),
    ("GET", "/console/map/trail.json"): of(*ALL),
    ("GET", "/console/live"): of(*ALL),
    ("GET", "/console/reviews"): of(*ANSWERS),
    ("GET", "/console/reviews/items.json"): of(*ALL),
    ("GET", "/console/reviews/{wanted}/pictures/{sha256}"): of(*ALL, thing="review"),
    ("POST", "/console/reviews/{review_id}"): of(*ANSWERS, thing="review", data={"verdict": "confirm"}),
    ("POST", "/console/reviews/{review_id}/undo"): of(*ANSWERS, thing="review"),
    ("GET", "/console/verifications"): of(*ALL),
    ("GET", "/console/verifications/{verification_id}"): of(*ALL, thing="verification"),
    ("GET", "/console/verifications/{wanted}/pictures/{sha256}"): of(*ALL, thing="verification"),
    ("POST", "/console/verifications/{verification_id}/answer"): of(
        *ANSWERS, thing="verification", data={"says": "fixed"}
    ),
    ("GET", "/console/tips"): of(*MOVES),
    ("GET", "/console/tips/{tip_id}"): of(*MOVES),
    ("POST", "/console/tips/{tip_id}"): of(*MOVES, data={"lat": "30.27", "lon": "120.15", "datum": "wgs84"}),
    ("GET", "/console/password"): of(*ALL),
    ("POST", "/console/password"): of(*ALL, data={"current": "wrong", "new": "x", "again": "y"}),
    ("POST", "/console/logout"): of(*ALL),
    ("GET", "/console/login"): OPEN,
    ("POST", "/console/login"): OPEN,
    ("GET", "/console/language/{language}"): OPEN,
    ("GET", "/console/static/{path:path}"): OPEN,
}

OF_NO_DISTRICT = {"/console/tips/{tip_id}"}  # who has some districts only finds none: see test_console_tips.py


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[TwoDistricts]:
    """Both districts, and an account of each role for one of them and for the whole city."""
    with open_app(tmp_path_factory.mktemp("matrix") / "data", card) as app:
        for role in Role:
            add_account(app, f"{role.value}-here", role, (HERE,))
            add_account(app, f"{role.value}-all", role)
        yield two_districts(app)


def leaves(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """All routes, also those of routers that FastAPI keeps whole."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from leaves(inner.routes)


def test_every_route_of_the_document_has_a_row(city: TwoDistricts) -> None:
    paths = city.app.application.app.openapi()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == set(API)


def test_every_other_route_of_the_app_has_a_row_too(city: TwoDistricts) -> None:
    found = list(leaves(city.app.application.app.routes))
    of_api = [route for route in found if isinstance(route, APIRoute)]
    assert {(method, route.path) for route in of_api for method in route.methods} == {*API, *CONSOLE}
    others = {getattr(route, "path", "") for route in found if not isinstance(route, APIRoute)}
    assert others == NOT_IN_THE_DOCUMENT


def address(path: str, things: Things | None, thing: str | None) -> str:
    """The address of something, or of what is not there."""
    pictures = {"verification": "photo", "review": "review_sha256"}
    values = (
        dict(NO_SUCH)
        if things is None
        else {
            "case": things.case.id,
            "frame": things.frame,
            "review": things.review,
            "verification": things.verification,
            "hold": things.hold,
        }
    )
    sha256 = "0" * 64 if things is None else str(getattr(things, pictures.get(thing or "", "sha256")))
    named = {"device_id": "car-9", "camera": "front", "token_id": "nothing", "language": "en", "path:path": "icon.svg"}
    named |= {"tip_id": "nothing", "token": "nothing", "service_code": "06010", "format": "json"}
    wanted = "" if thing is None else values[thing]
    return path.format_map(
        _Named(
            named
            | {"sha256": sha256, "wanted": wanted, "service_request_id": wanted}
            | {f"{name}_id": value for name, value in values.items()}
        )
    )


class _Named(dict[str, str]):
    def __missing__(self, name: str) -> str:
        raise AssertionError(f"nothing stands for {{{name}}}")


def ask(http: httpx.Client, method: str, path: str, **sends: Any) -> httpx.Response:
    """The answer; of a stream that does not end only its head."""
    with http.stream(method, path, **sends) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
        return answer


@pytest.mark.parametrize(("method", "path"), API, ids=lambda part: part)
def test_a_scope_opens_what_its_row_says_and_nothing_else(city: TwoDistricts, method: str, path: str) -> None:
    row = API[method, path]
    got = {}
    for scope in (None, DEVICE, *SCOPES):
        with city.app.client(scope) as http:
            where = address(path.replace("path:path", "path"), city.here, row.thing)
            got[scope] = ask(http, method, where, **row.sends).status_code
    refused = {scope: status for scope, status in got.items() if status in (401, 403)}
    if row.who is EVERYBODY:
        assert refused == {}
        return
    allowed = row.who | (set() if row.who == {DEVICE} else {ADMIN})
    expected = {scope: 403 for scope in (DEVICE, *SCOPES) if scope not in allowed} | {None: row.stranger}
    assert refused == expected
    assert all(status < 500 for status in got.values())


NAMED = [key for key, row in API.items() if row.thing is not None]


@pytest.mark.parametrize(("method", "path"), NAMED, ids=lambda part: part)
def test_a_token_of_a_district_does_not_find_what_lies_elsewhere(city: TwoDistricts, method: str, path: str) -> None:
    row = API[method, path]
    assert row.who is not None
    for scope in row.who:
        with city.client(scope) as http:
            here, there, nothing = (
                ask(http, method, address(path, things, row.thing), **row.sends)
                for things in (city.here, city.there, None)
            )
        assert here.status_code in (200, 409), here.text  # 409: there is no answer to take back
        assert (there.status_code, nothing.status_code) == (404, 404)
        assert _less_names(there, city.there) == _less_names(nothing, None), "told apart from what is not there"
        with city.client(scope, district=None) as http:
            if method == "GET":
                assert ask(http, method, address(path, city.there, row.thing)).status_code == 200
    untouched(city)


def _less_names(answer: httpx.Response, things: Things | None) -> str:
    names = list(NO_SUCH.values()) if things is None else [things.case.id, things.frame, things.review]
    names += [] if things is None else [things.verification, things.hold]
    text = answer.text
    for name in sorted([*names, "0" * 64], key=len, reverse=True):
        text = text.replace(name, "?")
    for sha256 in () if things is None else (things.sha256, things.photo, things.review_sha256):
        text = text.replace(sha256, "?")
    return text


def untouched(city: TwoDistricts) -> None:
    """What lies elsewhere is as it was."""
    record = city.app.application.record
    assert record.store.case(city.there.case.id) == city.there.case
    assert record.holds.find(HoldId(city.there.hold)).lifted is None
    assert record.reviews.review(city.there.review).answers == ()
    assert next(v for v in record.verifications.all() if v.id == city.there.verification).answer is None


def console_sends(row: Row, token: str | None) -> dict[str, Any]:
    data = dict(row.sends.get("data", {}))
    return {} if token is None else {"data": {**data, "form_token": token}}


@pytest.mark.parametrize(("method", "path"), CONSOLE, ids=lambda part: part)
def test_a_role_opens_what_its_row_says_and_nothing_else(city: TwoDistricts, method: str, path: str) -> None:
    row = CONSOLE[method, path]
    where = address(path.replace("{path:path}", "icon.svg"), city.here, row.thing)
    with httpx.Client(base_url=city.app.url, timeout=30.0) as nobody:
        stranger = ask(nobody, method, where)
    if row.who is EVERYBODY:
        is_login = path.endswith("/login")
        assert stranger.status_code == (401 if is_login else 303 if "language" in path else 200)
        return
    assert stranger.status_code == 401
    got = {}
    for role in Role:
        with signed_in_as(city.app, f"{role.value}-here") as http:
            token = form_token(http) if method == "POST" else None
            if token is not None:
                assert ask(http, method, where, data=row.sends.get("data", {})).status_code in (409, 422), (
                    "no form token"
                )
            got[role] = ask(http, method, where, **console_sends(row, token)).status_code
    assert {role for role, status in got.items() if status == 403} == set(Role) - row.who
    assert {401, 404} & set(got.values()) == ({404} if path in OF_NO_DISTRICT else set())
    assert all(status < 500 for status in got.values())


CONSOLE_NAMED = [key for key, row in CONSOLE.items() if row.thing is not None]


@pytest.mark.parametrize(("method", "path"), CONSOLE_NAMED, ids=lambda part: part)
def test_an_account_of_a_district_does_not_find_what_lies_elsewhere(city: TwoDistricts, method: str, path: str) -> None:
    row = CONSOLE[method, path]
    with signed_in_as(city.app, "operator-here") as http:
        token = form_token(http) if method == "POST" else None
        there, nothing = (
            ask(http, method, address(path, things, row.thing), **console_sends(row, token))
            for things in (city.there, None)
        )
    assert (there.status_code, nothing.status_code) == (404, 404)
    assert there.text == nothing.text
    if method == "GET":
        with signed_in_as(city.app, "viewer-all") as http:
            assert ask(http, method, address(path, city.there, row.thing)).status_code == 200
    untouched(city)
