"""docs/api.md tells the truth: its requests are posted in their order, its answers compared, its tables too."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.app import OpenApp
from support.posting import a_picture, form
from support.reported import ask, before, cleared

from detector.picture_errors import PictureError
from inference_server.domain.errors import InspectionError
from inference_server.domain.observation import DropReason
from inference_server.domain.report import Outcome
from inference_server.web.deps import SCOPES
from inference_server.web.errors import PROBLEMS, refusal

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_PAIR = re.compile(r"```http\n(\w+) (\S+)\n(.*?)```\n```http\n(\d+)\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One request of the page, and the answer that it promises (of members it may show only some)."""

    method: str
    path: str
    scope: str
    kind: str
    body: str
    status: int
    answer: Any

    def send(self, client: httpx.Client, known: dict[str, str]) -> httpx.Response:
        """The real answer."""
        path, body = (_filled(text, known) for text in (self.path, self.body))
        if body.startswith("meta:"):
            meta = body.removeprefix("meta:").partition("image:")[0]
            return client.request(self.method, path, files=form(meta.strip(), a_picture()))
        if body.startswith("request:"):
            request = body.removeprefix("request:").partition("before_1:")[0]
            return ask(client, json.loads(request), before_1=before(), after_1=cleared())
        headers = {"Content-Type": self.kind} if body else {}
        return client.request(self.method, path, content=body or None, headers=headers)


def _filled(text: str, known: dict[str, str]) -> str:
    for name in ("frame", "verification"):
        text = text.replace(f"{{{name}}}", known.get(name, ""))
    return text.replace("{case}", known["case"])


def _examples() -> list[Example]:
    found = []
    for method, path, rest, status, answer in _PAIR.findall((_DOCS / "api.md").read_text("utf-8")):
        head, _, body = rest.partition("\n\n")
        scope = re.search(r"Bearer \{(.+)\}", head)
        assert scope is not None, path
        kind = re.search(r"Content-Type: (\S+)", head)
        sent = "" if kind is None else kind.group(1)
        found.append(Example(method, path, scope.group(1), sent, body.strip(), int(status), json.loads(answer)))
    return found


def _shows(promised: Any, real: Any, known: dict[str, str]) -> bool:
    """Whether a promised answer is part of the real one; "..." stands for anything."""
    if isinstance(promised, dict):
        return isinstance(real, dict) and all(k in real and _shows(v, real[k], known) for k, v in promised.items())
    if isinstance(promised, list):
        return isinstance(real, list) and all(any(_shows(one, other, known) for other in real) for one in promised)
    if isinstance(promised, str):
        return promised == "..." or _filled(promised, known) == real
    return bool(promised == real)


def test_the_examples_of_the_page_are_true(fresh_app: OpenApp) -> None:
    known = {"case": fresh_app.file_a_case()}
    examples = _examples()
    assert len(examples) >= 9
    for example in examples:
        with fresh_app.client(example.scope) as client:
            answer = example.send(client, known)
        assert answer.status_code == example.status, (example.method, example.path, answer.text)
        assert _shows(example.answer, answer.json(), known), (example.method, example.path, answer.text)
        known |= {name: answer.json()[name] for name in ("frame", "verification") if name in answer.json()}


def test_every_code_of_the_table_is_on_the_page_with_its_status_and_the_other_way_round() -> None:
    text = (_DOCS / "api.md").read_text("utf-8")
    told = {code: (int(status), title) for code, status, title in re.findall(r"\| `(\w+)` \| (\d+) \| (.+) \|", text)}
    assert told == dict(PROBLEMS)


def _kinds(kind: type[Exception]) -> list[type[Exception]]:
    return [one for sub in kind.__subclasses__() for one in (sub, *_kinds(sub))]


@pytest.mark.parametrize("kind", [*_kinds(InspectionError), *_kinds(PictureError)], ids=lambda kind: kind.__name__)
def test_every_refusal_has_an_answer_of_the_callers_kind(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    error.message = "why"  # type: ignore[attr-defined]
    answer = refusal(error)  # type: ignore[arg-type]
    assert 400 <= answer.status_code < 500 or answer.status_code == 503
    assert json.loads(bytes(answer.body))["code"] == kind.code  # type: ignore[attr-defined]


def test_the_page_names_every_scope_and_every_outcome() -> None:
    text = (_DOCS / "api.md").read_text("utf-8")
    for word in (*SCOPES, *(one.value for one in Outcome)):
        assert f"`{word}`" in text, word


def test_every_drop_reason_is_explained_in_operating() -> None:
    text = (_DOCS / "operating.md").read_text("utf-8")
    for reason in DropReason:
        assert f"`{reason.value}`" in text, reason
