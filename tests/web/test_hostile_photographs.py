"""Awkward and malicious picture files as photographs of a verification: a clear refusal, or never a closing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.app import open_app
from support.reported import a_request, ask, before, cleared, counted_calibration, write_blind_model
from support.rounds import rounds
from support.shared import shared_or_skip

pytestmark = [pytest.mark.shared, pytest.mark.crash, pytest.mark.timeout(rounds(600, 7200))]

_EVERY = rounds(4, 1)  # each readable one goes through all gates: `make test` takes a part of them


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Whoever may ask an app that may close garbage cases."""
    folder = tmp_path_factory.mktemp("hostile")
    card, calibration = write_blind_model(folder), counted_calibration(folder)
    with (
        open_app(folder / "data", card, closing_calibration=calibration, workers=0) as app,
        app.client("verify") as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def files() -> list[Path]:
    found = sorted(path for path in shared_or_skip("hostile").iterdir() if path.is_file())
    assert len(found) >= 190
    return found


def fault(path: Path, answer: httpx.Response, decisions: set[str]) -> str | None:
    """What is wrong with the answer to a file; None where nothing is."""
    told = answer.json()
    if answer.status_code == 200:
        is_clear = told["decision"] in decisions
    else:
        is_clear = answer.status_code in (413, 415, 422) and told["code"].startswith(("picture_", "bad_input"))
    return None if is_clear else f"{path.name}: {answer.status_code} {told.get('code')} {told.get('decision')}"


def test_no_hostile_file_after_closes_a_case_or_breaks_the_server(client: httpx.Client, files: list[Path]) -> None:
    answers = {
        path: ask(client, a_request(f"a{n}"), before_1=before(), after_1=path.read_bytes())
        for n, path in enumerate(files[::_EVERY])
    }
    faults = [fault(path, answer, {"human", "need_photo"}) for path, answer in answers.items()]
    assert [one for one in faults if one] == []


def test_no_hostile_file_before_closes_a_case_or_breaks_the_server(client: httpx.Client, files: list[Path]) -> None:
    answers = {
        path: ask(client, a_request(f"b{n}"), before_1=path.read_bytes(), after_1=cleared(n))
        for n, path in enumerate(files[:: 3 * _EVERY])
    }
    faults = [fault(path, answer, {"human", "need_photo"}) for path, answer in answers.items()]
    assert [one for one in faults if one] == []
