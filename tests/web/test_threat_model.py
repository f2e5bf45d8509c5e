"""docs/threat-model.md tells the truth about its tests, and answers keep what it says of their headers."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from support.app import OpenApp

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = (_ROOT / "docs" / "threat-model.md").read_text("utf-8")
_NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", _PAGE)))
CHAPTERS = 17


@pytest.mark.parametrize(("file", "test"), _NAMED)
def test_every_test_that_the_page_names_exists(file: str, test: str) -> None:
    source = (_ROOT / file).read_text("utf-8")
    assert not test or re.search(rf"^(async )?def {test}\(", source, re.MULTILINE)


def test_the_page_speaks_of_every_chapter() -> None:
    assert {int(number) for number in re.findall(r"^\| V(\d+) ", _PAGE, re.MULTILINE)} == set(range(1, CHAPTERS + 1))


def test_the_files_that_decide_who_gets_in_are_where_the_page_says() -> None:
    decided = re.findall(r"`((?:web|console|adapters)/\w+\.py|\w+\.py)`", _PAGE)
    assert decided
    assert [name for name in decided if not (_ROOT / "inference_server" / name).is_file()] == []


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/tokens", "/healthz", "/v1/nothing"])
def test_answers_of_the_api_are_kept_by_no_cache_and_are_no_page(shared_app: OpenApp, path: str) -> None:
    with shared_app.client() as client:
        headers = client.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


def test_what_may_be_kept_still_says_so_itself(shared_app: OpenApp) -> None:
    headers = httpx.get(f"{shared_app.url}/console/static/icon.svg", timeout=30.0).headers
    assert headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in headers["content-security-policy"]
