"""Who gets into the console."""

from collections.abc import Iterator

import httpx
import pytest
from support.app import OpenApp
from support.parsed_page import parsed

from inference_server.access_ports import SignedIn
from inference_server.console.session import COOKIE, OneTimeToken, Session, is_own_form
from inference_server.domain.account import Role

PRIVATE = (
    "/console",
    "/console/list",
    "/console/cases/any",
    "/console/cases/any/thumbnail",
    "/console/frames/any",
    f"/console/cases/any/pictures/{'0' * 64}",
    "/console/map/grids.json",
    "/console/map/cases.json",
    "/console/map/trail.json",
    "/console/live",
)


@pytest.fixture
def stranger(fresh_app: OpenApp) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fresh_app.url, timeout=30.0) as client:
        yield client


def secret_of(app: OpenApp) -> str:
    assert app.application.console_secret is not None
    return app.application.console_secret


def test_the_one_time_token_lets_the_first_browser_in_and_no_second_one(
    fresh_app: OpenApp, stranger: httpx.Client
) -> None:
    token = {"token": secret_of(fresh_app)}
    first = stranger.get("/console/login", params=token)
    assert (first.status_code, first.headers["location"]) == (303, "/console")
    assert stranger.get("/console").status_code == 200
    with httpx.Client(base_url=fresh_app.url) as another:
        second = another.get("/console/login", params=token)
        assert second.status_code == 401
        assert COOKIE not in second.cookies
        assert another.get("/console").status_code == 401


def test_the_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    fresh_app: OpenApp, stranger: httpx.Client
) -> None:
    answer = stranger.get("/console/login", params={"token": secret_of(fresh_app)})
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/console", "max-age=43200"):
        assert part in cookie
    assert secret_of(fresh_app).lower() not in cookie


@pytest.mark.parametrize("path", PRIVATE)
def test_nothing_is_shown_without_a_session(shared_app: OpenApp, path: str) -> None:
    answer = httpx.get(f"{shared_app.url}{path}", timeout=30.0)
    assert answer.status_code == 401
    assert parsed(answer.text).one("input", id="token").attributes["type"] == "password"


@pytest.mark.parametrize("path", ["/console/list", "/console/cases/any"])
def test_a_script_without_a_session_is_sent_to_the_login_page(shared_app: OpenApp, path: str) -> None:
    answer = httpx.get(f"{shared_app.url}{path}", headers={"HX-Request": "true"}, timeout=30.0)
    assert (answer.status_code, answer.headers["hx-redirect"], answer.text) == (401, "/console/login", "")


def test_the_token_can_be_typed_into_the_login_page(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    wrong = stranger.post("/console/login", data={"token": "guess"})
    assert wrong.status_code == 401
    assert parsed(wrong.text).one(role="alert").text
    right = stranger.post("/console/login", data={"token": f" {secret_of(fresh_app)} "})
    assert right.status_code == 303
    assert stranger.get("/console").status_code == 200


def test_a_wrong_guess_does_not_use_up_the_token(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    for guess in ("", "x", secret_of(fresh_app)[:-1], secret_of(fresh_app) + "x", "巡城", "x" * 5000):
        assert stranger.get("/console/login", params={"token": guess}).status_code == 401
    assert stranger.get("/console/login", params={"token": secret_of(fresh_app)}).status_code == 303


def test_a_forged_cookie_is_no_session(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    stranger.get("/console/login", params={"token": secret_of(fresh_app)})
    cookie = stranger.cookies[COOKIE]
    for forged in (cookie[:-2] + "xx", cookie + "x", "x" * 5000, "1", ""):
        answer = httpx.get(f"{fresh_app.url}/console", cookies={COOKIE: forged}, timeout=30.0)
        assert answer.status_code == 401, forged


def test_the_form_token_of_one_session_does_not_serve_another() -> None:
    who = SignedIn(name="zhang", role=Role.OPERATOR, districts=None)
    mine, other = Session.of(who, "one secret"), Session.of(who, "another secret")
    assert is_own_form(mine, mine.form_token)
    assert not is_own_form(mine, other.form_token)
    assert not is_own_form(mine, "")


def test_only_the_hash_of_the_token_is_kept() -> None:
    token, secret = OneTimeToken.issue()
    kept = " ".join(str(value) for value in vars(token).values())
    assert secret not in kept
    assert token.consume(secret)
    assert not token.consume(secret)


def test_signing_out_needs_the_form_of_the_session_and_ends_it(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    stranger.get("/console/login", params={"token": secret_of(fresh_app)})
    assert stranger.post("/console/logout", data={"form_token": "guess"}).status_code == 409
    page = parsed(stranger.get("/console").text)
    field = page.all("input", name="form_token")[0].attributes["value"]
    cookie = stranger.cookies[COOKIE]
    assert stranger.post("/console/logout", data={"form_token": field}).status_code == 303
    kept = httpx.get(f"{fresh_app.url}/console", cookies={COOKIE: cookie}, timeout=30.0)
    assert kept.status_code == 401, "a copy of the cookie is worth nothing any more"
    assert stranger.get("/console").status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_a_form_that_another_site_sends_is_refused(
    fresh_app: OpenApp, stranger: httpx.Client, headers: dict[str, str]
) -> None:
    answer = stranger.post("/console/login", data={"token": secret_of(fresh_app)}, headers=headers)
    assert answer.status_code == 409
    assert stranger.post("/console/login", data={"token": secret_of(fresh_app)}).status_code == 303
