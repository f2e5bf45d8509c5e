"""The page of verifications in a real browser: looked at, answered by keys, undone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.app import OpenApp, open_app
from support.axe import axe_script, serious
from support.browser import Watched, watched
from support.reported import (
    Reported,
    before,
    cleared,
    counted_calibration,
    question,
    remaining,
    report_fixed,
    write_blind_model,
)

from inference_server.domain.verification_record import VerificationRecord

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """A server with verifications that wait for a person, and a browser that has signed in."""

    app: OpenApp
    browser: Browser
    cookies: Any

    def report(self, seed: int, *, is_fixed: bool = True) -> tuple[Reported, VerificationRecord]:
        """A case whose verification waits: road damage is on no list."""
        reported = report_fixed(self.app.application.record, seed, class_name="pothole")
        photo = cleared(seed) if is_fixed else remaining(seed)
        asked = question(reported, photo, f"key-{seed}")
        return reported, self.app.application.services.asking.verification.verify(asked)

    def state(self, reported: Reported) -> str:
        return self.app.application.record.store.case(reported.case.id).state


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Desk]:
    """The server, in this process."""
    folder = tmp_path_factory.mktemp("verify")
    card, calibration = write_blind_model(folder), counted_calibration(folder)
    with (
        open_app(folder / "data", card, closing_calibration=calibration, workers=0) as app,
        watched(browser) as first,
    ):
        first.page.goto(f"{app.url}/console/login?token={app.application.console_secret}")
        yield Desk(app, browser, first.context.storage_state())


@pytest.fixture
def seen(desk: Desk) -> Iterator[Watched]:
    """A page of the one who signed in."""
    with watched(desk.browser, storage_state=desk.cookies) as mine:
        yield mine
        assert mine.faults() == []


def opened(desk: Desk, seen: Watched, path: str = "") -> Page:
    return seen.ready(f"{desk.app.url}/console/verifications{path}")


def test_both_photographs_lie_under_a_slider_and_the_machines_answer_is_hidden(
    desk: Desk, seen: Watched, tmp_path: Path
) -> None:
    _, record = desk.report(0)
    page = opened(desk, seen, f"/{record.id}")
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    expect(page.locator("#slider polygon.box")).to_have_count(1)
    before = page.locator("#slider .over").evaluate("(over) => getComputedStyle(over).clipPath")
    page.keyboard.press("ArrowRight")
    after = page.locator("#slider .over").evaluate("(over) => getComputedStyle(over).clipPath")
    assert before != after
    expect(page.locator("#answer")).to_contain_text("盲查")
    expect(page.locator("#reasons")).to_have_count(0)
    page.screenshot(path=str(tmp_path / "verification.png"), full_page=True)


def test_y_closes_the_case_moves_on_and_u_takes_it_back(desk: Desk, seen: Watched) -> None:
    first, record = desk.report(1)
    desk.report(2)
    page = opened(desk, seen, f"/{record.id}")
    page.keyboard.press("y")
    expect(page).to_have_url(re.compile(r"/console/verifications/\w{26}\?undo=" + record.id))
    expect(page.locator("#undo")).to_contain_text("已解决")
    assert desk.state(first) == "closed"
    page.wait_for_selector("body[data-ready]")
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(f"/console/verifications/{record.id}$"))
    expect(page.locator("#answer")).to_be_visible()
    assert desk.state(first) == "reported_fixed"


def test_n_sends_the_case_back_and_the_machines_answer_shows_afterwards(desk: Desk, seen: Watched) -> None:
    reported, record = desk.report(3)
    page = opened(desk, seen, f"/{record.id}")
    page.fill("#reason", "还有一半")
    page.locator("#no").click()
    page.wait_for_url(re.compile("undo="))
    assert desk.state(reported) == "dispatched"
    opened(desk, seen, f"/{record.id}")
    expect(page.locator("#reasons")).to_contain_text("人工判断")
    expect(page.locator(".reasons")).to_contain_text("该类别不可自动结案")


def test_keys_do_nothing_while_somebody_writes_and_question_mark_shows_them(desk: Desk, seen: Watched) -> None:
    reported, record = desk.report(7)
    page = opened(desk, seen, f"/{record.id}")
    page.locator("#reason").press_sequentially("yny")
    assert desk.state(reported) == "reported_fixed"
    page.locator("h2").first.click()
    page.keyboard.press("?")
    expect(page.locator("#window")).to_be_visible()
    page.keyboard.press("y")
    assert desk.state(reported) == "reported_fixed"
    page.keyboard.press("Escape")
    expect(page.locator("#window")).not_to_be_visible()


def test_the_page_speaks_english_too_and_axe_finds_nothing_serious(desk: Desk, seen: Watched) -> None:
    _, record = desk.report(5)
    page = opened(desk, seen, f"/{record.id}")
    page.get_by_role("link", name="English").click()
    opened(desk, seen, f"/{record.id}")
    expect(page.locator("#answer")).to_contain_text("Is the problem gone?")
    for address in ("", f"/{record.id}"):
        opened(desk, seen, address)
        assert serious(page, axe_script()) == []


def test_a_suspicion_of_forgery_is_shown_before_the_answer(desk: Desk, seen: Watched) -> None:
    reported = report_fixed(desk.app.application.record, 7, class_name="pothole")
    asked = question(reported, before(7), "same")
    record = desk.app.application.services.asking.verification.verify(asked)
    opened(desk, seen, f"/{record.id}")
    expect(seen.page.locator("article .problem")).to_contain_text("与处置前照片相同")
    expect(seen.page.locator("#reasons")).to_have_count(0)


def test_an_answer_of_somebody_else_is_told(desk: Desk, seen: Watched) -> None:
    _, record = desk.report(6)
    page = opened(desk, seen, f"/{record.id}")
    with desk.app.client("cases:write") as writer:
        reply = writer.post(f"/v1/verifications/{record.id}/answer", json={"says": "fixed"})
        assert reply.status_code == 200
    seen.forgiven = ("409",)
    page.keyboard.press("n")
    expect(page.get_by_role("alert")).to_contain_text("已有人作答")
