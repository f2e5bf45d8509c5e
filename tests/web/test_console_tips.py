"""A case that somebody told of, on the console: it says so, and shows what they wrote to those who judge it."""

from __future__ import annotations

from support.accounts import add_account, signed_in_as
from support.app import OpenApp

from inference_server.domain.account import Role

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
