"""The page of tips without a place in a real browser: a click on the map, and the tip becomes a case."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support.app import open_app, write_model
from support.axe import axe_script, serious
from support.browser import watched
from support.seeded_city import a_whole_city

pytestmark = pytest.mark.browser
WORDS = {"service_code": "06010", "address_string": "天目山路桥头", "description": "三袋旧衣服，挡住了盲道"}


def test_a_click_on_the_map_places_a_tip(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_app(folder, write_model(tmp_path / "model"), workers=0) as before:
        a_whole_city(before.application.record, cases=6)
    with open_app(folder, tmp_path / "model" / "fixed.json", workers=0) as app, watched(browser) as seen:
        seen.forgiven = ("404",)  # a case that nobody has seen has no picture
        with app.client("open311") as http:
            tips = [
                http.post("/open311/v2/requests.json", data=WORDS | {"description": f"{WORDS['description']} {n}"})
                for n in range(2)
            ]
        first, second = (answer.json()[0]["token"] for answer in tips)
        seen.page.goto(f"{app.url}/console/login?token={app.application.console_secret}")
        page = seen.ready(f"{app.url}/console/tips")
        assert serious(page, axe_script()) == []
        page.get_by_role("link", name=re.compile("天目山路桥头")).first.click()
        page.wait_for_selector("body[data-ready]")
        expect(page.locator(".grid-name").first).to_be_visible()
        page.locator("#map").click(position={"x": 300, "y": 200})
        assert re.fullmatch(r"30\.\d{6}", page.locator("input[name=lat]").input_value())
        expect(page.locator("#map circle, #map path.radius-shape")).to_have_count(1)
        assert serious(page, axe_script()) == []
        page.screenshot(path=str(tmp_path / "tips.png"), full_page=True)
        page.get_by_role("button", name="确定位置").click()
        expect(page).to_have_url(re.compile(f"/console/tips/{second}\\?placed={first}"))
        expect(page.get_by_role("status")).to_contain_text("已定位")
        page.get_by_role("status").get_by_role("link").click()
        page.wait_for_selector("body[data-ready]")
        expect(page.locator("#case")).to_contain_text("天目山路桥头")
        assert seen.faults() == []
