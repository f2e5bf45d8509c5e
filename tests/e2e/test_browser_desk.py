"""The console in a real browser without a network: what an operator sees and does."""

import re

import pytest
from playwright.sync_api import Page, expect
from support.browsed import Browsed, markers
from support.browser import watched

from inference_server.ports import CaseFilter

pytestmark = pytest.mark.browser
SIZES = [(1366, 768), (1920, 1080)]


def open_cases(browsed: Browsed) -> int:
    states = ("review", "filed", "dispatched", "reported_fixed", "suspended")
    return len(browsed.city.record.store.list_cases(CaseFilter(states=states, limit=500)).cases)


def rows(page: Page) -> int:
    return page.locator("#list .row").count()


def test_the_token_opens_one_browser_and_no_second_one(browsed: Browsed) -> None:
    with watched(browsed.browser) as second:
        answer = second.page.goto(browsed.console_url)
        assert answer is not None
        assert answer.status == 401
        expect(second.page.get_by_role("alert")).to_contain_text("令牌无效或已被使用")
        second.forgiven = ("401",)
        assert second.faults() == []
    with browsed.signed_in() as mine:
        mine.ready(browsed.home)
        assert mine.faults() == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_map_shows_every_open_case_and_rules_the_screen(browsed: Browsed, width: int, height: int) -> None:
    with browsed.signed_in(viewport={"width": width, "height": height}) as mine:
        page = mine.ready(browsed.home)
        assert markers(page) == rows(page) == open_cases(browsed)
        assert page.locator("path.grid-shape").count() == 12
        assert page.locator(".vehicle-mark").count() >= 2
        assert page.locator(".leaflet-control-scale-line").inner_text().endswith(" m")
        map_box = page.locator("#map").bounding_box()
        assert map_box is not None
        assert map_box["width"] > 0.6 * width
        assert page.evaluate(
            "document.documentElement.scrollWidth <= innerWidth && document.body.scrollHeight <= innerHeight"
        )
        assert mine.faults() == []


def test_a_case_appears_on_map_and_list_while_the_page_is_open(browsed: Browsed) -> None:
    with browsed.signed_in() as mine:
        page = mine.ready(browsed.home)
        expect(page.locator("#live")).to_have_attribute("data-state", "on")
        before = rows(page)
        case = browsed.city.file("open_manhole", 300.0, 340.0)
        row = page.locator(f"#row-{case.id}")
        expect(row).to_be_visible()
        expect(row).to_have_class(re.compile("is-new"))
        assert rows(page) == before + 1
        expect(page.locator(".case-mark")).to_have_count(before + 1)
        expect(page.locator("#news")).to_have_text("新增 1 件案件")
        browsed.city.moves(case, "closed")
        expect(row).to_have_count(0)
        expect(page.locator(".case-mark")).to_have_count(before)
        assert mine.faults() == []


def test_a_map_that_nobody_has_moved_widens_to_what_comes_and_one_that_was_moved_stays(browsed: Browsed) -> None:
    with browsed.signed_in() as mine:
        page = mine.ready(browsed.home)
        before = markers(page)
        far_off = browsed.city.file("garbage", 1400.0, 300.0, grid=None)
        expect(page.locator(".case-mark")).to_have_count(before + 1)
        expect(page.locator(".case-mark").last).to_be_in_viewport()
        scale = page.locator(".leaflet-control-scale-line")
        widened = scale.inner_text()
        page.locator("#map").press("+")
        expect(scale).not_to_have_text(widened)
        page.wait_for_timeout(400)  # the map glides
        chosen = scale.inner_text()
        browsed.city.moves(far_off, "closed")
        further = browsed.city.file("garbage", 2900.0, 300.0, grid=None)
        expect(page.locator(f"#row-{further.id}")).to_contain_text("无网格")
        expect(page.locator(".case-mark")).to_have_count(before + 1)
        assert scale.inner_text() == chosen
        browsed.city.moves(further, "closed")
        assert mine.faults() == []


def test_an_open_case_changes_before_the_operators_eyes(browsed: Browsed) -> None:
    case = browsed.city.file("garbage", 320.0, 345.0)
    with browsed.signed_in() as mine:
        page = mine.ready(f"{browsed.home}/cases/{case.id}")
        state = page.locator("#case .case-head .state")
        expect(state).to_have_text("立案")
        browsed.city.moves(case, "dispatched")
        expect(state).to_have_text("派遣")
        assert mine.faults() == []


def test_the_trail_grows_while_a_vehicle_drives(browsed: Browsed) -> None:
    with browsed.signed_in() as mine:
        page = mine.ready(browsed.home)
        vehicles = page.locator(".vehicle-mark").count()
        browsed.city.drive(f"car-{vehicles + 1}", [(20.0, 10.0), (300.0, 10.0)], starts_s=2000.0)
        expect(page.locator(".vehicle-mark")).to_have_count(vehicles + 1)
        assert mine.faults() == []


def test_a_stopping_server_does_not_wait_for_the_page_and_the_page_waits_for_the_server(browsed: Browsed) -> None:
    with browsed.signed_in() as mine:
        page = mine.ready(browsed.home)
        expect(page.locator("#live")).to_have_attribute("data-state", "on")
        assert browsed.server.stop(within_s=15.0) == 0
        expect(page.locator("#live")).to_have_attribute("data-state", "off")
        case = browsed.city.file("pothole", 340.0, 345.0)
        browsed.server = browsed.server.again()
        expect(page.locator(f"#row-{case.id}")).to_be_visible(timeout=30_000)
        expect(page.locator("#live")).to_have_attribute("data-state", "on")
        mine.forgiven = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "htmx:")
        assert mine.faults() == []


def test_figures_and_filter_change_list_and_map_together(browsed: Browsed) -> None:
    with browsed.signed_in() as mine:
        page = mine.ready(browsed.home)
        figure = page.locator("#figures a[data-state=closed]")
        count = int(figure.locator("b").inner_text())
        figure.click()
        expect(page.locator("#list .row")).to_have_count(count)
        expect(page.locator(".case-mark.has-ended")).to_have_count(count)
        page.fill("#filter-text", "不会有的文字")
        expect(page.locator("#list .empty")).to_be_visible()
        expect(page.locator(".case-mark")).to_have_count(0)
        assert mine.faults() == []


def test_the_language_switch_leaves_no_word_of_the_other_behind(browsed: Browsed) -> None:
    with browsed.signed_in() as mine:
        page = mine.ready(browsed.home)
        page.locator("#list .row").first.click()
        expect(page.locator("article.case")).to_be_visible()
        page.get_by_role("link", name="English").click()
        page.wait_for_selector("body[data-ready]")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.locator("article.case")).to_be_visible()
        chinese = page.evaluate(
            """() => [...document.body.querySelectorAll("*")].flatMap((element) => [
                ...(element.closest("[lang^=zh]") || element.closest("q, script") ? [] :
                  [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data)),
                element.title, element.getAttribute("aria-label"), element.placeholder, element.alt,
              ]).filter((text) => /[\\u4e00-\\u9fff]/.test(text ?? ""))"""
        )
        assert chinese == []
        assert mine.faults() == []
