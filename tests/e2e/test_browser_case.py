"""One case in a real browser: keyboard, pictures with boxes, moves; and nothing serious for axe."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.axe import axe_script, serious
from support.browsed import Browsed
from support.browser import Watched, watched

from inference_server.domain.case import Case

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def axe() -> str:
    return axe_script()


@pytest.fixture
def desk(browsed: Browsed) -> Iterator[Watched]:
    with browsed.signed_in() as mine:
        mine.ready(browsed.home)
        yield mine
        assert mine.faults() == []


def focused(page: Page) -> Any:
    return page.evaluate(
        "document.activeElement.id || document.activeElement.dataset.case || document.activeElement.tagName"
    )


def row_ids(page: Page) -> list[str]:
    ids: list[str] = page.locator("#list .row").evaluate_all("rows => rows.map((row) => row.id)")
    return ids


def test_a_case_is_found_opened_and_closed_by_keyboard_alone(desk: Watched) -> None:
    page, ids = desk.page, row_ids(desk.page)
    for key, expected in (("j", ids[0]), ("j", ids[1]), ("ArrowDown", ids[2]), ("k", ids[1]), ("ArrowUp", ids[0])):
        page.keyboard.press(key)
        assert focused(page) == expected
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("article.case")).to_be_visible()
    assert page.url.endswith(f"/console/cases/{ids[1].removeprefix('row-')}")
    assert focused(page) == "case-heading"
    page.keyboard.press("j")
    expect(page.locator("article.case")).to_have_attribute("data-case", ids[2].removeprefix("row-"))
    page.keyboard.press("Escape")
    expect(page.locator("article.case")).to_have_count(0)
    assert page.url.endswith("/console")
    assert focused(page) == ids[2]


def test_keys_are_left_to_fields_while_somebody_writes(desk: Watched) -> None:
    page = desk.page
    page.keyboard.press("/")
    assert focused(page) == "filter-text"
    page.keyboard.type("jk?m/")
    assert page.input_value("#filter-text") == "jk?m/"
    assert not page.locator("#window").is_visible()
    page.fill("#filter-text", "")
    page.keyboard.press("Escape")
    assert focused(page) == "BODY"


def test_the_question_mark_shows_the_keys_and_escape_hides_them(desk: Watched) -> None:
    page = desk.page
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="键盘快捷键")
    expect(dialog).to_be_visible()
    assert dialog.locator("kbd").count() >= 9
    page.keyboard.press("j")  # nothing moves behind an open window
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_click_on_the_map_opens_the_case_and_the_back_button_closes_it(desk: Watched) -> None:
    page = desk.page
    page.keyboard.press("f")
    page.locator(".case-mark").last.dispatch_event("click")
    expect(page.locator("article.case")).to_be_visible()
    expect(page.locator(".case-mark.is-selected")).to_have_count(1)
    page.go_back()
    expect(page.locator("article.case")).to_have_count(0)
    page.go_forward()
    expect(page.locator("article.case")).to_be_visible()


def test_boxes_lie_on_the_picture_where_the_detector_saw_the_thing(browsed: Browsed, desk: Watched) -> None:
    case = browsed.city.file("garbage", 250.0, 345.0)
    page = desk.ready(f"{browsed.home}/cases/{case.id}")
    kept = {item.kind: item.box for item in browsed.city.record.store.evidence(case.id)}
    for number, kind in enumerate(("near", "far")):
        figure = page.locator("#case figure.evidence").nth(number)
        expect(figure.locator("svg.boxes")).to_be_visible()
        picture, box = figure.locator("img").bounding_box(), figure.locator("rect").bounding_box()
        assert picture is not None
        assert box is not None
        scale = picture["width"] / 960
        x1, y1, x2, y2 = kept[kind]
        expected = (x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale)
        found = (box["x"] - picture["x"], box["y"] - picture["y"], box["width"], box["height"])
        assert found == pytest.approx(expected, abs=3.5)  # the line has a width
    page.keyboard.press("b")
    expect(page.locator("#case svg.boxes").first).to_be_hidden()
    page.locator("#case [data-enlarge]").first.click()
    expect(page.get_by_role("dialog").locator("img")).to_be_visible()


def test_a_frame_opens_from_the_evidence_and_leads_back_to_its_case(browsed: Browsed, desk: Watched) -> None:
    case = browsed.city.file("garbage", 260.0, 345.0)
    page = desk.ready(f"{browsed.home}/cases/{case.id}")
    page.locator("#case figcaption a[data-frame]").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("table")).to_contain_text("暴露垃圾")
    dialog.locator("a[data-case]").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("article.case")).to_have_attribute("data-case", case.id)


def test_the_grids_a_case_may_lie_in_are_marked_on_the_map(browsed: Browsed, desk: Watched) -> None:
    page = desk.page
    page.check("input[name=on_border]")
    expect(page.locator("#list .row")).to_have_count(1)
    page.keyboard.press("Tab")
    page.locator("#list .row").click()
    expect(page.locator("path.grid-shape.is-candidate")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator("path.grid-shape.is-candidate")).to_have_count(0)


def test_a_case_is_moved_and_the_slip_undone(browsed: Browsed, desk: Watched) -> None:
    case: Case = browsed.city.file("graffiti", 270.0, 345.0)
    page = desk.ready(f"{browsed.home}/cases/{case.id}")
    state = page.locator("#case .case-head .state")
    page.get_by_role("button", name="转为：派遣").click()
    expect(state).to_have_text("派遣")
    assert browsed.city.record.store.case(case.id).state == "dispatched"
    page.get_by_role("button", name="撤销").click()
    expect(state).to_have_text("立案")
    page.get_by_role("button", name="转为：作废 *").click()
    expect(page.get_by_role("alert")).to_have_text("此操作必须填写理由。")
    page.fill("#reason", "重复上报")
    page.get_by_role("button", name="转为：作废 *").click()
    expect(state).to_have_text("作废")
    expect(page.locator("#case q").last).to_have_text("重复上报")
    assert browsed.city.record.store.case(case.id).state == "void"
    desk.forgiven = ("409",)  # the browser's own note about the refused move


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_view(browsed: Browsed, axe: str, scheme: str) -> None:
    with browsed.signed_in(color_scheme=scheme) as mine:
        page = mine.ready(browsed.home)
        assert serious(page, axe) == []
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.locator("article.case")).to_be_visible()
        assert serious(page, axe) == []
        page.keyboard.press("?")
        assert serious(page, axe) == []
        page.keyboard.press("Escape")
        page.locator("#case figcaption a[data-frame]").first.click()
        expect(page.get_by_role("dialog").locator("table")).to_be_visible()
        assert serious(page, axe) == []
    with watched(browsed.browser, color_scheme=scheme) as stranger:
        stranger.page.goto(f"{browsed.home}/login")
        assert serious(stranger.page, axe) == []
