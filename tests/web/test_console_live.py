"""Live events and the form under a case: what changes while the page is open."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.app import open_app
from support.console import Desk, signed_in
from support.parsed_page import parsed
from support.seeded_city import SeededCity

from inference_server.console.live import signature_of
from inference_server.domain.case import Case


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[Desk]:
    with open_app(tmp_path_factory.mktemp("desk") / "data", card) as app:
        city = SeededCity(record=app.application.record)
        with signed_in(app, city) as opened:
            yield opened


def events(answer: httpx.Response) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif fields:
            yield fields
            fields = {}


def test_a_page_hears_of_a_new_case_within_seconds(desk: Desk) -> None:
    seen = str(signature_of(desk.city.record.store))
    with desk.http.stream("GET", f"/console/live?seen={seen}") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        assert next(stream) == {"retry": "1000"}
        filing = threading.Timer(0.2, desk.city.file, ("garbage", 30.0, 40.0))
        filing.start()
        began_s = time.monotonic()
        event = next(stream)
        assert time.monotonic() - began_s < 10.0
        filing.join()
    assert event["event"] == "changed"
    assert event["id"] != seen
    assert json.loads(event["data"])["cases"] != seen.split(".")[0]


def test_a_page_that_comes_back_is_told_at_once_what_it_missed_and_only_then(desk: Desk) -> None:
    before = str(signature_of(desk.city.record.store))
    desk.city.file("garbage", 30.0, 40.0)
    after = str(signature_of(desk.city.record.store))
    with desk.http.stream("GET", "/console/live", headers={"Last-Event-ID": before}) as answer:
        stream = events(answer)
        next(stream)
        told = next(stream)["id"]
        assert told != before
        while told != after:  # what was known a moment ago comes first, if another page listens
            told = next(stream)["id"]
    waits = httpx.Timeout(5.0, read=2.5)
    with desk.http.stream("GET", "/console/live", headers={"Last-Event-ID": after}, timeout=waits) as answer:
        stream = events(answer)
        next(stream)
        with pytest.raises(httpx.ReadTimeout):
            next(stream)


@pytest.mark.parametrize("state", ["dispatched", "suspended", "void"])
def test_the_signature_changes_with_every_move(desk: Desk, state: str) -> None:
    case = desk.city.file("garbage", 30.0, 40.0)
    before = signature_of(desk.city.record.store)
    desk.city.moves(case, state)
    after = signature_of(desk.city.record.store)
    assert after.cases != before.cases
    assert after.trail == before.trail


def test_the_signature_of_the_trail_changes_with_the_newest_frame(desk: Desk) -> None:
    before = signature_of(desk.city.record.store)
    desk.city.drive("car-1", [(0.0, 0.0), (0.0, 30.0)])
    after = signature_of(desk.city.record.store)
    assert after.trail != before.trail
    assert after.cases == before.cases


def filed(desk: Desk, state: str = "filed") -> Case:
    return desk.city.file("garbage", 30.0, 40.0, state=state)


def state_of(desk: Desk, case: Case) -> str:
    after: Case = desk.city.record.store.case(case.id)
    return after.state


def test_only_legal_moves_are_offered_and_those_that_need_a_reason_say_so(desk: Desk) -> None:
    page = desk.page(f"/console/cases/{filed(desk).id}", piece=True)
    offered = {button.attributes["value"]: button.text for button in page.all("button", name="state")}
    assert set(offered) == {"dispatched", "closed", "suspended", "void"}
    assert not offered["dispatched"].endswith("*")
    assert offered["void"].endswith("*")


def test_a_move_is_carried_out_and_written_into_the_history(desk: Desk) -> None:
    case = filed(desk)
    answer = desk.move(case.id, state="dispatched", expected_state="filed")
    assert answer.status_code == 200
    assert state_of(desk, case) == "dispatched"
    last = desk.city.record.store.history(case.id)[-1]
    assert (last.from_state, last.to_state, last.by) == ("filed", "dispatched", "operator:console")
    assert parsed(answer.text).one("article").attributes["data-version"].startswith("dispatched.")


def test_a_move_can_be_undone_where_the_rules_know_a_way_back(desk: Desk) -> None:
    case = filed(desk)
    page = parsed(desk.move(case.id, state="dispatched", expected_state="filed").text)
    undo = {node.attributes["name"]: node.attributes["value"] for node in page.one(class_="notice").all("input")}
    assert undo["state"] == "filed"
    assert desk.http.post(f"/console/cases/{case.id}/moves", data=undo).status_code == 303
    assert state_of(desk, case) == "filed"
    page = parsed(desk.move(case.id, state="void", expected_state="filed", reason="no such thing").text)
    assert not page.all(class_="notice")


def test_a_move_without_its_reason_is_refused_in_words_and_with_the_text_kept(desk: Desk) -> None:
    case = filed(desk)
    answer = desk.move(case.id, state="void", expected_state="filed", reason="  ")
    assert answer.status_code == 409
    assert parsed(answer.text).one(role="alert").text == "This move needs a reason."
    assert state_of(desk, case) == "filed"
    answer = desk.move(case.id, state="closed", expected_state="dispatched", reason="typed by hand")
    assert parsed(answer.text).one("input", id="reason").attributes["value"] == "typed by hand"


def test_a_move_from_a_stale_page_changes_nothing(desk: Desk) -> None:
    case = filed(desk)
    desk.city.moves(case, "dispatched")
    answer = desk.move(case.id, state="suspended", expected_state="filed", reason="waits")
    assert answer.status_code == 409
    assert "Somebody else" in parsed(answer.text).one(role="alert").text
    assert state_of(desk, case) == "dispatched"


@pytest.mark.parametrize("state", ["review", "reported_fixed", "nonsense", ""])
def test_an_illegal_move_is_refused(desk: Desk, state: str) -> None:
    case = filed(desk)
    assert desk.move(case.id, state=state, expected_state="filed", reason="x").status_code == 409
    assert state_of(desk, case) == "filed"


def test_a_reason_that_is_too_long_is_a_fault_on_the_page_and_no_json(desk: Desk) -> None:
    case = filed(desk)
    answer = desk.move(case.id, state="void", expected_state="filed", reason="x" * 501)
    assert answer.status_code == 422
    assert parsed(answer.text).one(role="alert").attributes["data-code"] == "bad_input"
    assert state_of(desk, case) == "filed"


def test_a_move_without_the_sessions_form_is_refused(desk: Desk) -> None:
    case = filed(desk)
    path, fields = f"/console/cases/{case.id}/moves", {"state": "dispatched", "expected_state": "filed"}
    assert desk.http.post(path, data=fields).status_code == 409
    foreign = {"Origin": "http://evil.example"}
    answer = desk.http.post(path, data={**fields, "form_token": desk.form_token}, headers=foreign)
    assert answer.status_code == 409
    assert state_of(desk, case) == "filed"


def test_without_scripts_a_move_leads_back_to_the_case(desk: Desk) -> None:
    case = filed(desk)
    answer = desk.move(case.id, piece=False, state="dispatched", expected_state="filed")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/cases/{case.id}")


def test_what_people_write_is_shown_as_text(desk: Desk) -> None:
    case = filed(desk)
    nasty = "<script>alert(1)</script><b onclick=x>"
    answer = desk.move(case.id, state="void", expected_state="filed", reason=nasty)
    page = parsed(answer.text)
    assert page.all("q")[-1].text == nasty
    assert not page.all("script")
