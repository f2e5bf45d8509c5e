"""A real headless Chromium that can reach this machine and nothing else, and that keeps what went wrong in a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

_ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_KEEP_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@dataclass
class Watched:
    """A page, and all that should not have happened in it."""

    page: Page
    context: BrowserContext
    strayed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ()

    def faults(self) -> list[str]:
        """Requests to other machines, errors on the console, violations of the policy."""
        errors = [error for error in self.errors if not any(part in error for part in self.forgiven)]
        return [*self.strayed, *errors, *self.page.evaluate("window.violations ?? []")]

    def ready(self, address: str) -> Page:
        """The page once its scripts have drawn the map."""
        self.page.goto(address)
        self.page.wait_for_selector("body[data-ready]", timeout=20_000)
        return self.page


def chromium_or_skip() -> str:
    """The path of Chromium; without one the test is skipped, but not where everything must be tested (CI)."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("no Chromium is installed: apt-get install chromium")
    if found is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    return found


@contextmanager
def a_browser() -> Iterator[Browser]:
    """The browser."""
    path = chromium_or_skip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def watched(browser: Browser, **options: Any) -> Iterator[Watched]:
    """A page of its own; everything that is not for 127.0.0.1 is cut off and written down."""
    context = browser.new_context(**{"viewport": {"width": 1366, "height": 768}, "locale": "zh-CN", **options})
    context.add_init_script(_KEEP_VIOLATIONS)
    context.set_default_timeout(15_000)
    seen = Watched(context.new_page(), context)

    def check(route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            seen.strayed.append(route.request.url)
            route.abort()

    context.route("**/*", check)
    seen.page.on("console", lambda said: seen.errors.append(said.text) if said.type in ("error", "warning") else None)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    yield seen
    context.close()
