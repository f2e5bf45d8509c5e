"""Who sees some districts only: lists, counts, the map, live events, pages and questions hold nothing of the others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
import shapely
from support.accounts import add_account, signed_in_as
from support.app import OpenApp, open_app
from support.drive import at
from support.parsed_page import parsed
from support.reported import a_request, ask, before, cleared
from support.two_districts import HERE, THERE, TwoDistricts, two_districts

from inference_server.adapters.clock import SystemClock
from inference_server.areas import DistrictAreas
from inference_server.console.live import signature_of
from inference_server.domain.account import Role
from inference_server.domain.grid import Grid, GridId
from inference_server.domain.reach import Reach
from inference_server.ports import CaseFilter

READ, WRITE, VERIFY = "cases:read", "cases:write", "verify"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[TwoDistricts]:
    with open_app(tmp_path_factory.mktemp("districts") / "data", card, workers=0) as app:
        add_account(app, "here", Role.OPERATOR, (HERE,))
        add_account(app, "all", Role.OPERATOR)
        yield two_districts(app)


@pytest.fixture
def clerk(city: TwoDistricts) -> Iterator[httpx.Client]:
    with city.client(READ, WRITE, VERIFY) as http:
        yield http


@pytest.fixture
def desk(city: TwoDistricts) -> Iterator[httpx.Client]:
    with signed_in_as(city.app, "here") as http:
        yield http


def test_the_api_lists_cases_and_reviews_of_the_district_in_every_form(city: TwoDistricts, clerk: httpx.Client) -> None:
    every = city.app.application.record.store.list_cases(CaseFilter(limit=1000)).cases
    mine = {case.id for case in every if (case.grid or "").startswith(HERE)}
    assert {case["id"] for case in clerk.get("/v1/cases").json()["cases"]} == mine
    assert {one["id"] for one in clerk.get("/v1/cases?format=geojson").json()["features"]} == mine
    assert clerk.get("/v1/cases", params={"grid": city.there.case.grid}).json()["cases"] == []
    assert [one["id"] for one in clerk.get("/v1/reviews").json()["reviews"]] == [city.here.review]
    with city.client(READ, district=None) as http:
        assert len(http.get("/v1/cases").json()["cases"]) == len(every) > len(mine)
        assert len(http.get("/v1/reviews").json()["reviews"]) == 2


def test_a_frame_lies_where_its_fix_does_and_is_seen_with_the_case_that_it_shows(
    city: TwoDistricts, clerk: httpx.Client
) -> None:
    assert clerk.get(f"/v1/frames/{city.here.driven}").status_code == 200
    assert clerk.get(f"/v1/frames/{city.there.driven}").status_code == 404
    case = city.city.file("graffiti", 450.0, 12.0, grid=GridId(f"{HERE}001001001"))  # seen from across the border
    near = city.app.application.record.store.evidence(case.id)[0]
    answer = clerk.get(f"/v1/frames/{near.frame_id}")
    assert answer.status_code == 200


def test_a_report_does_not_name_the_cases_of_other_districts(city: TwoDistricts, clerk: httpx.Client) -> None:
    case = city.city.file("soil_heap", 60.0, 12.0, grid=GridId(f"{THERE}001001001"))
    near = next(one for one in city.app.application.record.store.evidence(case.id) if one.kind == "near")
    report = clerk.get(f"/v1/frames/{near.frame_id}").json()["report"]
    assert [one["case"] for one in report["detections"]] == [None]
    with city.client(READ, district=None) as http:
        assert [one["case"] for one in http.get(f"/v1/frames/{near.frame_id}").json()["report"]["detections"]] == [
            case.id
        ]


def test_the_desk_shows_and_counts_the_cases_of_the_district(city: TwoDistricts, desk: httpx.Client) -> None:
    page = desk.get("/console?state=all").text
    assert city.here.case.id in page
    for foreign in (city.there.case.id, city.there.in_review.id, city.nowhere.id):
        assert foreign not in page
    counts = city.app.application.record.store.counts(Reach((HERE,)))
    figures = {one.attributes["data-state"]: one.text for one in parsed(page).one(id="figures").all("a")}
    assert str(sum(counts.values())) in figures["all"]
    assert parsed(page).all("details", class_="why") == [], "frames are counted for the whole city only"
    shown = {one["id"] for one in desk.get("/console/map/cases.json?state=all").json()["features"]}
    assert city.here.case.id in shown
    assert not shown & {city.there.case.id, city.there.in_review.id, city.nowhere.id}


def test_the_map_shows_where_vehicles_were_in_the_district_only(city: TwoDistricts, desk: httpx.Client) -> None:
    border = at(400.0, 0.0).lon
    mine = desk.get("/console/map/trail.json").json()["points"]
    with signed_in_as(city.app, "all") as http:
        everything = http.get("/console/map/trail.json").json()["points"]
    assert mine
    assert all(point[3] <= border for point in mine)
    assert {point[0] for point in everything if at(20.0, 0.0).lon < point[3] < border} == {point[0] for point in mine}
    assert any(point[3] > border for point in everything)


def test_queues_hold_what_waits_in_the_district(city: TwoDistricts, desk: httpx.Client) -> None:
    items = desk.get("/console/reviews/items.json").json()["items"]
    assert {item["id"] for item in items} == {city.here.review}
    queue = parsed(desk.get("/console/verifications").text)
    links = [one.attributes["href"] for one in queue.all("a") if "data-queued" in one.attributes]
    assert f"/console/verifications/{city.here.verification}" in links
    assert f"/console/verifications/{city.there.verification}" not in links
    assert city.there.verification not in desk.get("/console/verifications").text
    assert desk.get(f"/console/verifications?undo={city.there.verification}").status_code == 404


def test_a_picture_is_shown_for_what_it_belongs_to_and_not_by_its_hash(city: TwoDistricts, desk: httpx.Client) -> None:
    own, foreign = city.here, city.there.sha256
    assert desk.get(f"/console/cases/{own.case.id}/pictures/{own.sha256}").status_code == 200
    for place in (f"cases/{own.case.id}", f"frames/{own.frame}", f"reviews/{own.review}"):
        assert desk.get(f"/console/{place}/pictures/{foreign}").status_code == 404
    assert desk.get(f"/console/verifications/{own.verification}/pictures/{foreign}").status_code == 404


def test_a_new_case_elsewhere_is_no_news(city: TwoDistricts) -> None:
    store, mine = city.app.application.record.store, Reach((HERE,))
    before_ = signature_of(store, mine).cases, signature_of(store).cases
    city.city.file("garbage", 560.0, 12.0, grid=GridId(f"{THERE}001001001"))
    after = signature_of(store, mine).cases, signature_of(store).cases
    assert (before_[0] == after[0], before_[1] == after[1]) == (True, False)
    city.city.file("garbage", 160.0, 12.0, grid=GridId(f"{HERE}001001001"))
    assert signature_of(store, mine).cases != after[0]


def test_the_stream_of_the_desk_tells_of_its_district(city: TwoDistricts, desk: httpx.Client) -> None:
    store = city.app.application.record.store
    with desk.stream("GET", "/console/live?seen=x") as answer:
        lines = answer.iter_lines()
        data = next(line for line in lines if line.startswith("data:"))
    assert json.loads(data.removeprefix("data:"))["cases"] in {
        signature_of(store, Reach((HERE,))).cases,
    }


def test_a_question_about_a_case_elsewhere_is_not_taken(city: TwoDistricts, clerk: httpx.Client) -> None:
    foreign = a_request("key-1", case=None, case_id=city.there.case.id, before=[])
    answer = ask(clerk, foreign, after_1=cleared())
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    described = a_request("key-2")
    described["case"]["district"] = THERE
    answer = ask(clerk, described, before_1=before(), after_1=cleared())
    assert (answer.status_code, answer.json()["field"]) == (403, "request.case.district")
    described["case"]["district"] = HERE
    assert ask(clerk, described, before_1=before(), after_1=cleared()).status_code == 200


def test_a_token_of_a_district_names_no_picture_by_its_hash(city: TwoDistricts, clerk: httpx.Client) -> None:
    described = a_request("key-3")
    described["case"]["district"] = HERE
    described["before"][0].pop("part")
    described["before"][0]["sha256"] = city.there.sha256
    answer = ask(clerk, described, after_1=cleared())
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("scopes", [["admin"], ["cases:read", "admin"]])
def test_what_belongs_to_no_district_is_not_kept_to_one(city: TwoDistricts, scopes: list[str]) -> None:
    with city.app.client() as admin:
        answer = admin.post("/v1/tokens", json={"name": "x", "scopes": scopes, "districts": [HERE]})
        assert (answer.status_code, answer.json()["field"]) == (422, "districts")
        for wrong in ([], ["33010"], ["west"]):
            body = {"name": "x", "scopes": ["cases:read"], "districts": wrong}
            assert admin.post("/v1/tokens", json=body).status_code == 422


def test_a_token_is_issued_listed_and_noted_with_its_districts(city: TwoDistricts) -> None:
    with city.app.client() as admin:
        body = {"name": "west", "scopes": ["cases:read"], "districts": [HERE, THERE, HERE]}
        issued = admin.post("/v1/tokens", json=body).json()
        assert issued["districts"] == [THERE, HERE]
        assert next(one for one in admin.get("/v1/tokens").json() if one["id"] == issued["id"])["districts"] == [
            THERE,
            HERE,
        ]
    note = city.app.application.record.audit.latest(1)[0].note
    assert list(note.details["districts"]) == [THERE, HERE]  # type: ignore[arg-type]


def a_grid(name: str, west: float, **more: date) -> Grid:
    box = shapely.box(west, 30.0, west + 0.01, 30.01)
    return Grid(id=GridId(name), polygon=box, valid_from=more.pop("valid_from", date(2020, 1, 1)), **more)


def test_the_ground_of_a_district_is_that_of_its_valid_grids(fresh_app: OpenApp) -> None:
    store, mine = fresh_app.application.record.store, Reach((HERE,))
    over = a_grid(f"{HERE}001001002", 120.05, valid_until=date(2021, 1, 1))
    store.replace_grids("g", [a_grid(f"{HERE}001001001", 120.0), a_grid(f"{THERE}001001001", 120.02), over])
    areas = DistrictAreas(store, SystemClock(), every_s=0.0)
    places = [type(at(0, 0))(30.005, lon) for lon in (120.005, 120.025, 120.055)]
    assert areas.hold(mine, places) == [True, False, False]
    assert areas.hold(Reach(), places) == [True, True, True]
    assert areas.hold(Reach(("999999",)), places) == [False, False, False]
    assert areas.box(Reach(("999999",))) is None
    assert areas.box(mine) == pytest.approx((120.0, 30.0, 120.01, 30.01))
    store.replace_grids("g", [a_grid(f"{HERE}001001001", 120.02)])
    time.sleep(0.01)
    assert areas.hold(mine, places) == [False, True, False], f"as of {datetime.now(UTC)}"
