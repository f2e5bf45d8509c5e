"""The OpenAPI document is true: what it allows never ends in a 5xx, and answers are as it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.app import OpenApp
from support.posting import DEVICE
from support.rounds import rounds

from inference_server.bootstrap import describe

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

_EXAMPLES = rounds(12, 120)  # of each operation
_FEWEST = rounds(250, 2_500)  # of each of the four runs: ten thousand in `make test-long`


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The OpenAPI document, as `xuncheng openapi` writes it."""
    return describe()


def _operations(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, item in document["paths"].items() for method in item]


def test_each_operation_says_what_it_is_for_and_how_it_may_be_refused(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation.get("description") or operation.get("summary"), (method, path)
            if path.startswith("/v1/"):
                assert {"401", "403"} <= set(operation["responses"]), (method, path)
                assert operation["security"] == [{"HTTPBearer": []}], (method, path)
            if path.startswith("/open311/") and "discovery" not in path:
                assert "403" in operation["responses"], (method, path)
                assert {"APIKeyQuery": []} in operation["security"], (method, path)


def test_what_comes_in_has_examples(document: dict[str, Any]) -> None:
    for name in (
        "FrameMeta",
        "VerificationIn",
        "ClosureAnswerIn",
        "ReviewAnswerIn",
        "CasePatch",
        "DeviceIn",
        "CameraModel",
        "TokenIn",
    ):
        assert document["components"]["schemas"][name]["examples"], name


def test_the_document_has_no_loose_ends(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])


@pytest.mark.crash
@pytest.mark.timeout(rounds(600, 7200))
@pytest.mark.parametrize("scope", ["admin", "device"])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_requests_made_from_the_document_are_answered_as_it_says(
    fresh_app: OpenApp, document: dict[str, Any], scope: str, mode: GenerationMode
) -> None:
    known = {"case_id": fresh_app.file_a_case(), "device_id": DEVICE}
    schema = schemathesis.openapi.from_dict(document)
    asked = 0
    for method, path in _operations(document):
        if mode is GenerationMode.NEGATIVE and not _takes_input(document["paths"][path][method.lower()]):
            continue
        names = {name: value for name, value in known.items() if f"{{{name}}}" in path}
        operation = schema[path][method]
        asked += _try(fresh_app, scope, operation.as_strategy(generation_mode=mode))
        if names and "{" not in path.format(**names, sha256="{", camera="{"):
            asked += _try(fresh_app, scope, operation.as_strategy(generation_mode=mode, path_parameters=names))
    assert asked >= _FEWEST
    with fresh_app.client() as client:
        assert client.get("/readyz").status_code == 200


def _takes_input(operation: dict[str, Any]) -> bool:
    return bool(operation.get("parameters") or operation.get("requestBody"))


def _try(app: OpenApp, scope: str, cases: SearchStrategy[schemathesis.Case]) -> int:
    """How many requests were made."""
    asked = 0

    @settings(
        max_examples=_EXAMPLES,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=cases)
    def answered_as_documented(case: schemathesis.Case) -> None:
        nonlocal asked
        asked += 1
        response = case.call(base_url=app.url, headers=app.authorization(scope), timeout=20)
        case.validate_response(response, checks=_CHECKS)

    answered_as_documented()
    return asked
