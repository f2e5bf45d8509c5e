"""Who signs in with a name: what is let in, what is refused and how, what a role may do, and what is written down."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from support.accounts import PASSWORD, add_account, form_token, sign_in, signed_in_as
from support.app import OpenApp, open_app
from support.parsed_page import parsed

from inference_server.adapters.passwords import ArgonPasswords
from inference_server.console.session import COOKIE
from inference_server.domain.account import Role, account_name, checked_districts
from inference_server.domain.errors import BadInput

WRONG = "wrong but long enough 42"


@pytest.fixture
def stranger(fresh_app: OpenApp) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fresh_app.url, headers={"Accept-Language": "en"}, timeout=30.0) as client:
        yield client


def said(app: OpenApp) -> list[tuple[str, str, str]]:
    """Who, role and action of the log, less what was there before anybody signed in."""
    notes = [entry.note for entry in app.application.record.audit.entries()]
    return [(one.who, one.role, str(one.action)) for one in notes if str(one.action).startswith("login.")]


def test_name_and_password_lead_to_the_desk_under_that_name(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    add_account(fresh_app, "zhang")
    page = parsed(stranger.get("/console/login").text)
    assert page.one("input", id="password").attributes["autocomplete"] == "current-password"
    answer = sign_in(stranger, " Zhang ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert "zhang" in parsed(stranger.get("/console").text).text
    assert said(fresh_app) == [("zhang", "operator", "login.accepted")]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_is_new_each_time(
    fresh_app: OpenApp, stranger: httpx.Client
) -> None:
    add_account(fresh_app)
    stranger.cookies.set(COOKIE, "chosen-by-an-attacker", path="/console")
    cookies = []
    for _ in range(2):
        header = sign_in(stranger).headers["set-cookie"]
        for part in ("httponly", "samesite=strict", "path=/console", "max-age=43200"):
            assert part in header.lower()
        assert "secure" not in header.lower(), "over plain http on 127.0.0.1 the browser would not send it back"
        cookies.append(header.partition("=")[2].partition(";")[0])
    assert len({*cookies, "chosen-by-an-attacker"}) == 3
    assert all(len(cookie) >= 43 for cookie in cookies)
    first = httpx.get(f"{fresh_app.url}/console", cookies={COOKIE: cookies[0]}, timeout=30.0)
    assert first.status_code == 401, "signing in again has ended the session before"


def test_an_unknown_name_and_a_disabled_one_are_answered_like_a_wrong_password(
    fresh_app: OpenApp, stranger: httpx.Client
) -> None:
    add_account(fresh_app, "zhang")
    add_account(fresh_app, "gone")
    fresh_app.application.record.accounts.disable("gone", by="operator:test")
    answers = [
        sign_in(stranger, "zhang", WRONG),
        sign_in(stranger, "nobody", WRONG),
        sign_in(stranger, "gone", PASSWORD),
        sign_in(stranger, "no name at all", WRONG),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)
    assert parsed(answers[0].text).one(role="alert").text == "Name or password is wrong."
    refused = "login.refused"
    assert said(fresh_app) == [
        ("zhang", "operator", refused),
        ("unknown", "unknown", refused),
        ("gone", "operator", refused),
        ("unknown", "unknown", refused),
    ]


def test_an_unknown_name_costs_the_work_of_a_hash() -> None:
    passwords, hashes = ArgonPasswords(), []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            hashes.append(extract_parameters(str(hash)))
            return bool(super().verify(hash, password))

    passwords._hasher = Watched(time_cost=2, memory_cost=19_456, parallelism=1)
    assert not passwords.is_right(WRONG, None)
    assert not passwords.is_right(WRONG, passwords.hash(PASSWORD))
    assert len(hashes) == 2
    assert hashes[0] == hashes[1]


def test_what_was_typed_as_a_name_that_nobody_has_is_written_nowhere(
    fresh_app: OpenApp, stranger: httpx.Client
) -> None:
    add_account(fresh_app)
    sign_in(stranger, PASSWORD, "oops")
    assert PASSWORD not in repr(list(fresh_app.application.record.audit.entries()))
    assert "oops" not in repr(list(fresh_app.application.record.audit.entries()))


def test_after_five_wrong_passwords_even_the_right_one_waits(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    add_account(fresh_app, "zhang")
    add_account(fresh_app, "bao")
    assert [sign_in(stranger, "zhang", WRONG).status_code for _ in range(5)] == [401] * 5
    waits = sign_in(stranger, "zhang")
    assert waits.status_code == 429
    assert 1 <= int(waits.headers["retry-after"]) <= 60
    assert re.search(r"again in \d+ s", parsed(waits.text).one(role="alert").text)
    assert sign_in(stranger, "bao").status_code == 303, "others are not held up"


def test_names_that_nobody_has_are_throttled_alike(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    add_account(fresh_app, "zhang")
    statuses = [sign_in(stranger, "nobody", WRONG).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_an_address_that_tries_one_name_after_another_is_throttled(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    add_account(fresh_app, "zhang")
    statuses = [sign_in(stranger, f"name-{number}", WRONG).status_code for number in range(34)]
    assert statuses[:30] == [401] * 30
    assert 429 in statuses[30:]


def test_signing_in_well_forgets_the_slips_before(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    add_account(fresh_app)
    for _ in range(3):
        assert [sign_in(stranger, "zhang", WRONG).status_code for _ in range(4)] == [401] * 4
        assert sign_in(stranger).status_code == 303
        stranger.cookies.clear()


def test_the_one_time_token_is_worth_nothing_once_there_are_accounts(
    fresh_app: OpenApp, stranger: httpx.Client
) -> None:
    token = {"token": fresh_app.application.console_secret or ""}
    add_account(fresh_app)
    assert stranger.get("/console/login", params=token).status_code == 401
    assert stranger.post("/console/login", data=token).status_code == 401
    fresh_app.application.record.accounts.disable("zhang", by="operator:test")
    assert stranger.get("/console/login", params=token).status_code == 303, "nobody else could get in"


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_login_form_of_another_site_is_refused(
    fresh_app: OpenApp, stranger: httpx.Client, headers: dict[str, str]
) -> None:
    add_account(fresh_app)
    answer = stranger.post("/console/login", data={"name": "zhang", "password": PASSWORD}, headers=headers)
    assert (answer.status_code, answer.headers.get("set-cookie")) == (409, None)


def test_disabling_an_account_and_a_new_password_sign_out_at_once(fresh_app: OpenApp) -> None:
    accounts = fresh_app.application.record.accounts
    for name in ("zhang", "bao"):
        add_account(fresh_app, name)
    with signed_in_as(fresh_app, "zhang") as zhang, signed_in_as(fresh_app, "bao") as bao:
        accounts.disable("zhang", by="operator:test")
        accounts.set_password("bao", "any", by="operator:test")
        assert [one.get("/console").status_code for one in (zhang, bao)] == [401, 401]


def test_a_session_ends_after_a_while_without_deeds(tmp_path_factory: pytest.TempPathFactory, card: object) -> None:
    folder = tmp_path_factory.mktemp("idle") / "data"
    with open_app(folder, card, console_idle_s=0.001) as app:  # type: ignore[arg-type]
        add_account(app)
        with signed_in_as(app, "zhang") as http:
            assert http.get("/console").status_code == 401


def test_behind_a_trusted_proxy_with_tls_the_cookie_is_secure_and_each_client_is_throttled_alone(
    tmp_path_factory: pytest.TempPathFactory, card: object
) -> None:
    folder = tmp_path_factory.mktemp("proxied") / "data"
    with open_app(folder, card, trusted_proxies="127.0.0.1") as app:  # type: ignore[arg-type]
        add_account(app)
        mine = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        with httpx.Client(base_url=app.url, headers=mine, timeout=30.0) as http:
            assert "; secure" in sign_in(http).headers["set-cookie"].lower()
        addresses = [e.note.details.get("address") for e in app.application.record.audit.entries()]
        assert addresses[-1] == "192.0.2.7"


def test_what_a_client_says_of_its_address_is_not_believed_without_a_trusted_proxy(
    fresh_app: OpenApp, stranger: httpx.Client
) -> None:
    add_account(fresh_app)
    stranger.headers["X-Forwarded-For"] = "192.0.2.7"
    stranger.headers["X-Forwarded-Proto"] = "https"
    assert "secure" not in sign_in(stranger).headers["set-cookie"].lower()
    addresses = [e.note.details.get("address") for e in fresh_app.application.record.audit.entries()]
    assert addresses[-1] == "127.0.0.1"


def test_a_viewer_looks_a_reviewer_answers_and_an_operator_moves(fresh_app: OpenApp) -> None:
    case = fresh_app.file_a_case()
    for role in Role:
        add_account(fresh_app, f"a-{role.value}", role)
    move = {"state": "dispatched", "expected_state": "filed"}
    found = {}
    for role in Role:
        with signed_in_as(fresh_app, f"a-{role.value}") as http:
            own = {"form_token": form_token(http)}
            page = parsed(http.get(f"/console/cases/{case}").text)
            found[role] = (
                len(page.all("form", class_="moves")),
                http.get("/console/reviews").status_code,
                http.post("/console/reviews/nothing", data={**own, "verdict": "confirm"}).status_code,
                http.post(f"/console/cases/{case}/moves", data={**own, **move}).status_code,
            )
    assert found == {
        Role.VIEWER: (0, 403, 403, 403),
        Role.REVIEWER: (0, 200, 404, 403),
        Role.OPERATOR: (1, 200, 404, 303),
    }
    with fresh_app.client() as client:
        history = client.get(f"/v1/cases/{case}").json()["history"]
    assert history[-1]["by"] == "operator:a-operator"
    entry = fresh_app.application.record.audit.latest(1)[0].note
    assert (entry.who, str(entry.action)) == ("a-operator", "case.moved")


def test_a_hash_of_other_parameters_is_renewed_at_the_next_login(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    accounts = fresh_app.application.record.accounts
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    accounts.add("zhang", Role.VIEWER, None, weak, by="operator:test")
    assert sign_in(stranger).status_code == 303
    kept = accounts.password_hash("zhang")
    assert kept is not None
    found = extract_parameters(kept)
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 19_456, 2, 1)
    stranger.cookies.clear()
    assert sign_in(stranger).status_code == 303


NEW = "window paper 77 chestnut"


def change(http: httpx.Client, current: str = PASSWORD, new: str = NEW, again: str | None = None) -> httpx.Response:
    data = {"form_token": form_token(http), "current": current, "new": new, "again": new if again is None else again}
    return http.post("/console/password", data=data)


def test_somebody_changes_their_own_password_and_every_other_browser_is_signed_out(fresh_app: OpenApp) -> None:
    add_account(fresh_app)
    with signed_in_as(fresh_app, "zhang") as mine, signed_in_as(fresh_app, "zhang") as other:
        assert parsed(mine.get("/console/password").text).one("input", id="new").attributes["minlength"] == "12"
        assert change(mine).status_code == 303
        assert (mine.get("/console").status_code, other.get("/console").status_code) == (200, 401)
        assert sign_in(other).status_code == 401
        assert sign_in(other, password=NEW).status_code == 303
    actions = [str(entry.note.action) for entry in fresh_app.application.record.audit.latest(4)]
    assert actions == ["account.password_set", "login.accepted", "login.refused", "login.accepted"]
    assert NEW not in repr(fresh_app.application.record.audit.latest(9))


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"current": WRONG}, "The current password is wrong."),
        ({"new": "short"}, "too short or would be guessed"),
        ({"new": "password1234"}, "too short or would be guessed"),
        ({"again": "another one"}, "not the same"),
    ],
)
def test_a_change_that_is_not_right_changes_nothing_and_says_why(
    fresh_app: OpenApp, said: dict[str, str], problem: str
) -> None:
    add_account(fresh_app)
    with signed_in_as(fresh_app, "zhang") as http:
        answer = change(http, **said)
        assert answer.status_code == 422
        assert problem in parsed(answer.text).one(role="alert").text
        assert http.get("/console").status_code == 200
        assert sign_in(http).status_code == 303, "the old password still holds"


def test_who_holds_a_session_cannot_try_passwords_without_end(fresh_app: OpenApp) -> None:
    add_account(fresh_app)
    with signed_in_as(fresh_app, "zhang") as http:
        assert [change(http, WRONG).status_code for _ in range(5)] == [422] * 5
        waits = change(http)
        assert waits.status_code == 429
        assert 1 <= int(waits.headers["retry-after"]) <= 60


def test_who_came_with_the_one_time_token_has_no_password(fresh_app: OpenApp, stranger: httpx.Client) -> None:
    stranger.get("/console/login", params={"token": fresh_app.application.console_secret or ""})
    assert stranger.get("/console/password").status_code == 403
    assert change(stranger).status_code == 403


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("short 42 leaf", True),
        ("tooshort42!", False),
        ("x" * 129, False),
        ("password1234", False),
        ("qwertyuiop12", False),
        ("zhangsan1990", False),
        ("xuncheng2026", False),
        ("aaaaaaaaaaaaaaaa", False),
        (PASSWORD, True),
        ("春风又绿江南岸明月何时照我还", True),
    ],
)
def test_a_password_that_would_be_guessed_is_refused(password: str, is_good: bool) -> None:
    passwords = ArgonPasswords()
    if is_good:
        passwords.demand_good(password, "zhangsan")
        assert passwords.is_right(password, passwords.hash(password))
        return
    with pytest.raises(BadInput):
        passwords.demand_good(password, "zhangsan")


@pytest.mark.parametrize("name", ["", " ", "a b", "../x", "console", "System", "x" * 65, "a\x00", "-a"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        account_name(name)


@pytest.mark.parametrize("codes", [[], ["33010"], ["3301061"], ["33010x"], ["330106", ""]])
def test_what_is_no_district_is_refused(codes: list[str]) -> None:
    with pytest.raises(BadInput):
        checked_districts(codes)
