"""Signing in with a name in a real browser: refused, let in, signed out; in both languages; and nothing for axe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from support.accounts import PASSWORD, add_account
from support.app import OpenApp, open_app, write_model
from support.axe import axe_script, serious
from support.browser import Watched, watched

from inference_server.domain.account import Role

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenApp]:
    folder = tmp_path_factory.mktemp("login")
    with open_app(folder / "data", write_model(folder)) as opened:
        add_account(opened, "zhang", Role.VIEWER)
        yield opened


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Watched]:
    with watched(browser) as mine:
        yield mine
        mine.forgiven = ("401", "429")  # the browser's own note about a refused login
        assert mine.faults() == []


def test_a_person_signs_in_by_keyboard_and_out_again(app: OpenApp, stranger: Watched) -> None:
    page = stranger.page
    page.goto(f"{app.url}/console")
    expect(page.get_by_label("用户名")).to_be_focused()
    page.keyboard.type("zhang")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong but long enough")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("用户名或密码不正确。")
    assert page.input_value("#password") == ""
    assert serious(page, axe_script()) == []
    page.fill("#name", "Zhang")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")
    assert page.url == f"{app.url}/console"
    expect(page.locator(".who")).to_have_text("zhang")
    expect(page.get_by_role("link", name="审核")).to_have_count(0)
    cookie = next(one for one in stranger.context.cookies() if one["name"] == "xuncheng_session")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/console")
    assert "xuncheng_session" not in page.evaluate("document.cookie")
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_label("密码")).to_be_visible()
    page.goto(f"{app.url}/console")
    expect(page.get_by_label("密码")).to_be_visible()


def test_the_page_of_ones_own_password_is_reached_by_ones_name_and_is_sound(app: OpenApp, browser: Browser) -> None:
    add_account(app, "li", Role.OPERATOR)
    with watched(browser) as mine:
        page = mine.page
        page.goto(f"{app.url}/console/login")
        page.fill("#name", "li")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("body[data-ready]")
        page.get_by_role("link", name="li", exact=True).click()
        expect(page.get_by_label("当前密码")).to_be_focused()
        assert serious(page, axe_script()) == []
        page.get_by_label("当前密码").fill(PASSWORD)
        for label in ("新密码", "再次输入新密码"):
            page.get_by_label(label, exact=True).fill("window paper 77 chestnut")
        page.get_by_role("button", name="保存").click()
        page.wait_for_selector("body[data-ready]")
        mine.forgiven = ("401",)  # the browser's own note about the page of the login
        assert mine.faults() == []


def test_a_throttled_person_is_told_how_long_to_wait_in_their_language(app: OpenApp, stranger: Watched) -> None:
    page = stranger.page
    page.goto(f"{app.url}/console/login")
    page.get_by_role("link", name="English").click()
    for _ in range(6):
        page.goto(f"{app.url}/console/login")
        page.get_by_label("Name").fill("somebody")
        page.get_by_label("Password").fill("wrong but long enough")
        page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert")).to_contain_text("Too many tries. Try again in")
