"""What somebody told, on the console: a case shows their words; a tip without a place is given one by an operator."""

from __future__ import annotations

import httpx
import pytest
from support.accounts import add_account, form_token, signed_in_as
from support.app import OpenApp

from inference_server.domain.account import Role
from inference_server.domain.audit import AuditAction
from inference_server.domain.geo import LatLon, distance_m

TOLD = {"service_code": "06010", "lat": "30.2741", "long": "120.1551", "description": "<b>三袋旧衣服</b>在桥头"}


def test_a_case_that_somebody_told_of_says_so_and_shows_their_words_to_who_may_answer(fresh_app: OpenApp) -> None:
    with fresh_app.client("open311") as http:
        told = http.post("/open311/v2/requests.json", data=TOLD).json()[0]["service_request_id"]
    for role in Role:
        add_account(fresh_app, f"{role.value}-one", role)
    shown = {}
    for role in Role:
        with signed_in_as(fresh_app, f"{role.value}-one") as http:
            http.get("/console/language/zh")
            page = http.get(f"/console/cases/{told}", headers={"HX-Request": "true"})
            assert page.status_code == 200
            assert http.get("/console/list").status_code == 200
            assert http.get(f"/console/cases/{told}/thumbnail").status_code == 404, "nobody has seen it yet"
            shown[role] = page.text
    for text in shown.values():
        assert "公众举报" in text
        assert "市民" in text, "the history says who"
        assert "<b>" not in text.partition('id="tips"')[2].partition("</section>")[0].replace("<b>待审", "")
    assert {role for role, text in shown.items() if "&lt;b&gt;三袋旧衣服" in text} == {Role.REVIEWER, Role.OPERATOR}


IN_WORDS = {"service_code": "06010", "address_string": "桥头 <b>3</b> 号", "description": "三袋旧衣服"}
PLACE = {"lat": "30.2741", "lon": "120.1551", "datum": "wgs84"}


def told_in_words(app: OpenApp, **words: str) -> str:
    """The id of a tip without a place."""
    with app.client("open311") as http:
        return str(http.post("/open311/v2/requests.json", data=IN_WORDS | words).json()[0]["token"])


def placed(http: httpx.Client, tip: str, **place: str) -> httpx.Response:
    return http.post(f"/console/tips/{tip}", data=PLACE | place | {"form_token": form_token(http)})


def test_an_operator_gives_a_tip_a_place_and_it_becomes_a_case(fresh_app: OpenApp) -> None:
    first, second = told_in_words(fresh_app), told_in_words(fresh_app, description="还有一袋")
    add_account(fresh_app)
    with signed_in_as(fresh_app, "zhang") as http:
        assert 'href="/console/tips"' in http.get("/console").text
        page = http.get(f"/console/tips/{first}").text
        assert "桥头 &lt;b&gt;3&lt;/b&gt; 号" in page
        answer = placed(http, first, datum="gcj02")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/console/tips/{second}?placed={first}"
        tip = fresh_app.application.record.tips.tip(first)  # type: ignore[arg-type]
        assert tip.case_id is not None
        assert tip.words.position is not None
        assert distance_m(tip.words.position, LatLon(30.2741, 120.1551)) > 200, "the datum counts"
        assert f"/console/cases/{tip.case_id}" in http.get(answer.headers["location"]).text
        assert first not in http.get("/console/tips").text
        assert placed(http, first).status_code == 409
    notes = [entry.note for entry in fresh_app.application.record.audit.entries()]
    assert [note.who for note in notes if note.action is AuditAction.TIP_PLACED] == ["zhang"]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"lat": "here"}, "degrees"),
        ({"lat": "nan"}, "degrees"),
        ({"lat": "91"}, "degrees"),
        ({"datum": "mars"}, "degrees"),
        ({"lat": "9" * 25}, "The request is not in order"),
    ],
)
def test_what_is_no_place_is_refused_and_what_was_typed_stays(
    fresh_app: OpenApp, place: dict[str, str], says: str
) -> None:
    tip = told_in_words(fresh_app)
    add_account(fresh_app)
    with signed_in_as(fresh_app, "zhang") as http:
        answer = placed(http, tip, **place)
        assert answer.status_code == 422
        assert says in answer.text
        assert says == "The request is not in order" or 'value="120.1551"' in answer.text
    assert [one.id for one in fresh_app.application.record.tips.unplaced(10)] == [tip]


def test_only_operators_of_the_whole_city_see_tips_without_a_place(fresh_app: OpenApp) -> None:
    tip = told_in_words(fresh_app)
    add_account(fresh_app, "all", Role.REVIEWER)
    add_account(fresh_app, "here", Role.OPERATOR, ("330106",))
    with signed_in_as(fresh_app, "all") as http:
        assert 'href="/console/tips"' not in http.get("/console").text
        assert [http.get(path).status_code for path in ("/console/tips", f"/console/tips/{tip}")] == [403, 403]
        assert placed(http, tip).status_code == 403
    with signed_in_as(fresh_app, "here") as http:
        assert 'href="/console/tips"' not in http.get("/console").text
        assert tip not in http.get("/console/tips").text
        assert http.get(f"/console/tips/{tip}").status_code == 404
        assert placed(http, tip).status_code == 404
    with signed_in_as(fresh_app, "here") as http:
        assert http.post(f"/console/tips/{tip}", data=PLACE).status_code == 409, "a form that is not our own"
