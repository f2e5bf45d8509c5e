"""POST /v1/verifications over real HTTP, with the real gates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.app import OpenApp, open_app
from support.reported import (
    REGION,
    a_request,
    ask,
    before,
    cleared,
    counted_calibration,
    remaining,
    write_blind_model,
)

GATES = ["authentic", "same_scene", "problem_gone"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenApp]:
    """An app that may close garbage cases."""
    folder = tmp_path_factory.mktemp("verifications")
    card, calibration = write_blind_model(folder), counted_calibration(folder)
    with open_app(folder / "data", card, closing_calibration=calibration, workers=0) as opened:
        yield opened


@pytest.fixture
def client(app: OpenApp) -> Iterator[httpx.Client]:
    """Whoever may ask."""
    with app.client("verify") as opened:
        yield opened


def codes(answer: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in answer["reasons"]]


def test_a_cleared_heap_is_closed_with_all_that_it_stands_on(client: httpx.Client) -> None:
    reply = ask(client, a_request("cleared"), before_1=before(), after_1=cleared())
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert answer["decision"] == "close", answer
    assert [gate["gate"] for gate in answer["gates"]] == GATES
    assert all(score >= 0.5 for score in answer["sub_scores"].values())
    assert answer["probability"] >= 0.9
    assert answer["pairs"][0]["region"] == REGION
    assert len(answer["pairs"][0]["region_after"]) == 4
    assert set(answer["versions"]) == {"xuncheng", "policy", "calibration", "opencv", "model"}
    again = client.get(reply.headers["Location"])
    assert again.json() == answer
    for sha256 in (answer["aligned"], answer["overlay"], answer["photos"][0]["sha256"]):
        picture = client.get(f"{reply.headers['Location']}/evidence/{sha256}")
        assert picture.headers["content-type"] == "image/jpeg"


def test_a_heap_that_is_still_there_goes_back_to_the_handler(client: httpx.Client) -> None:
    answer = ask(client, a_request("remains"), before_1=before(1), after_1=remaining(1)).json()
    assert answer["decision"] == "rework"
    assert "PROBLEM_REMAINS" in codes(answer)


def test_another_place_never_closes(client: httpx.Client) -> None:
    answer = ask(client, a_request("elsewhere"), before_1=before(2), after_1=cleared(3)).json()
    assert answer["decision"] in ("human", "need_photo")
    assert answer["sub_scores"]["same_scene"] < 0.5


def test_the_photograph_before_sent_as_the_one_after_goes_to_a_person(client: httpx.Client) -> None:
    answer = ask(client, a_request("same"), before_1=before(4), after_1=before(4)).json()
    assert answer["decision"] == "human"
    assert "SAME_AS_BEFORE" in codes(answer)


def test_a_photograph_that_was_used_for_another_case_goes_to_a_person(client: httpx.Client) -> None:
    first = ask(client, a_request("first-use"), before_1=before(5), after_1=cleared(5)).json()
    assert first["decision"] == "close"
    second = ask(client, a_request("second-use"), before_1=before(5), after_1=cleared(5)).json()
    assert second["decision"] == "human"
    assert "DUPLICATE_PHOTO" in codes(second)


def test_a_photograph_from_before_the_order_goes_to_a_person(client: httpx.Client) -> None:
    early = a_request("early")
    early["after"][0]["taken_at"] = "2026-01-01T00:00:00Z"
    answer = ask(client, early, before_1=before(6), after_1=cleared(6)).json()
    assert (answer["decision"], codes(answer)[0]) == ("human", "TIME_BEFORE_DISPATCH")


def test_of_several_photographs_the_best_pair_decides_and_the_worst_suspicion_counts(client: httpx.Client) -> None:
    several = a_request("several")
    several["after"].append({**several["after"][0], "part": "after_2", "kind": "far"})
    good = ask(client, several, before_1=before(7), after_1=cleared(7), after_2=cleared(8)).json()
    assert good["decision"] == "close"
    assert len(good["pairs"]) == 2
    several["key"], several["case"]["number"] = "several-bad", "HZ-several-bad"
    bad = ask(client, several, before_1=before(9), after_1=cleared(9), after_2=before(9)).json()
    assert bad["decision"] == "human"
    assert "SAME_AS_BEFORE" in codes(bad)


def test_a_second_photograph_that_shows_the_heap_stops_the_closing(client: httpx.Client) -> None:
    both = a_request("contradiction")
    both["after"].append({**both["after"][0], "part": "after_2"})
    answer = ask(client, both, before_1=before(10), after_1=cleared(10), after_2=remaining(10)).json()
    assert answer["decision"] == "human"
    assert "PROBLEM_REMAINS" in codes(answer)


def test_the_same_key_and_contents_give_the_stored_answer(client: httpx.Client) -> None:
    request = a_request("twice")
    first = ask(client, request, before_1=before(11), after_1=cleared(11))
    second = ask(client, request, before_1=before(11), after_1=cleared(11))
    assert second.status_code == 200
    assert second.json() == first.json()


def test_the_same_key_with_other_contents_is_a_conflict(client: httpx.Client) -> None:
    request = a_request("reused")
    ask(client, request, before_1=before(12), after_1=cleared(12)).raise_for_status()
    refused = ask(client, request, before_1=before(12), after_1=cleared(13))
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def test_without_a_photograph_after_one_is_asked_for(client: httpx.Client) -> None:
    answer = ask(client, a_request("no-after", after=[]), before_1=before()).json()
    assert (answer["decision"], codes(answer)) == ("need_photo", ["MISSING_PHOTO"])


def test_without_a_photograph_before_a_person_decides(client: httpx.Client) -> None:
    answer = ask(client, a_request("no-before", before=[]), after_1=cleared(14)).json()
    assert (answer["decision"], codes(answer)) == ("human", ["NOT_VISIBLE_IN_BEFORE"])


def test_a_photograph_that_breaks_off_is_refused_and_one_damaged_inside_is_asked_for_again(
    client: httpx.Client,
) -> None:
    whole = cleared(15)
    cut = ask(client, a_request("cut"), before_1=before(15), after_1=whole[: len(whole) // 2])
    assert (cut.status_code, cut.json()["code"]) == (422, "picture_unreadable")
    middle = len(whole) // 2
    damaged = whole[:middle] + b"\xff\xd9" + whole[middle:]
    answer = ask(client, a_request("damaged"), before_1=before(15), after_1=damaged).json()
    assert (answer["decision"], codes(answer)) == ("need_photo", ["PHOTO_UNREADABLE"])


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"no picture at all", 415, "picture_format_refused"),
        (b"", 422, "bad_input"),
        (b"\xff\xd8\xff\xe0 and nothing", 422, "picture_unreadable"),
    ],
)
def test_what_is_no_photograph_is_refused(client: httpx.Client, data: bytes, status: int, code: str) -> None:
    refused = ask(client, a_request("broken"), before_1=before(), after_1=data)
    assert refused.status_code in (status, 415, 422), refused.text
    assert refused.headers["content-type"] == "application/problem+json"


def _without_case(request: dict[str, Any]) -> None:
    del request["case"]


def _part_twice(request: dict[str, Any]) -> None:
    request["after"][0]["part"] = "before_1"


def _bad_region(request: dict[str, Any]) -> None:
    request["before"][0]["regions"] = [[5, 5, 1, 1]]


def _bad_datum(request: dict[str, Any]) -> None:
    request["case"]["position"] = {"lat": 30.0, "lon": 120.0, "datum": "hangzhou"}


def _bad_code(request: dict[str, Any]) -> None:
    request["case"]["code"] = "99999"


def _bad_callback(request: dict[str, Any]) -> None:
    request["callback_url"] = "gopher://example.org"


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (_without_case, "request"),
        (_part_twice, "request"),
        (_bad_region, "request.before.0"),
        (_bad_datum, "request.case.position.datum"),
        (_bad_code, "request.case.code"),
        (_bad_callback, "request"),
    ],
)
def test_a_wrong_request_is_refused_by_its_field(client: httpx.Client, spoil: Any, field: str) -> None:
    request = a_request("wrong")
    spoil(request)
    refused = ask(client, request, before_1=before(), after_1=cleared())
    assert refused.status_code == 422, refused.text
    assert refused.json()["field"].startswith(field)


def test_a_part_that_is_not_named_and_a_photograph_that_did_not_come_are_refused(client: httpx.Client) -> None:
    missing = ask(client, a_request("missing"), before_1=before())
    assert (missing.status_code, missing.json()["field"]) == (422, "after_1")
    surplus = ask(client, a_request("surplus"), before_1=before(), after_1=cleared(), after_2=cleared())
    assert (surplus.status_code, surplus.json()["field"]) == (422, "after_2")


def test_a_stored_picture_may_be_named_by_its_hash(client: httpx.Client) -> None:
    first = ask(client, a_request("stored-1"), before_1=before(16), after_1=cleared(16)).json()
    stored = next(photo["sha256"] for photo in first["photos"] if photo["side"] == "before")
    request = a_request("stored-2", before=[{"sha256": stored, "regions": [REGION]}])
    request["case"]["number"] = "HZ-stored-1"
    answer = ask(client, request, after_1=cleared(16, 10)).json()
    assert answer["decision"] == "close", answer
    unknown = a_request("stored-3", before=[{"sha256": "0" * 64}])
    assert ask(client, unknown, after_1=cleared(16)).status_code == 404


def test_only_a_token_for_it_may_ask(app: OpenApp) -> None:
    with app.client("cases:read") as reader:
        assert ask(reader, a_request("reader"), before_1=before(), after_1=cleared()).status_code == 403
    with app.client(None) as nobody:
        assert ask(nobody, a_request("nobody"), before_1=before(), after_1=cleared()).status_code == 401


def test_an_unknown_verification_is_not_found(client: httpx.Client) -> None:
    assert client.get("/v1/verifications/01JD9GZ3T2V8Q4W6R1X5Y7Z9AB").status_code == 404
