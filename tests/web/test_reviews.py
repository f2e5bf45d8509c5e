"""People answer over HTTP: cases in the middle band are filed or rejected, drops are judged, nothing is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.app import OpenApp, open_app
from support.onnx_model import FixedModel, write_model
from support.posting import BOX, a_picture, around_a_thing, post

STARTED_AT = datetime(2025, 6, 3, 4, 0, tzinfo=UTC)  # the same frames each time: the sample goes by their ids
UNSURE = 0.5  # between `review` and `file` of the card


def middle_band(folder: Path) -> Path:
    """A model whose thing is neither sure nor nothing, with a weak box beside it in every picture."""
    x1, y1, x2, y2 = BOX
    boxes = [(x1, y1, x2, y2, UNSURE, 0), (100.0, 500.0, 180.0, 560.0, 0.08, 1)]
    limits = {"file": 0.9, "review": 0.3, "drop_below": 0.1}
    line = {"scores": [0.0, 1.0], "probabilities": [0.1, 0.5]}
    card = {"thresholds": {"garbage": limits, "pothole": limits}, "calibration": {"garbage": line}}
    return write_model(
        folder, FixedModel(detections=boxes, classes=("garbage", "pothole"), picture_px=(1280, 720), card=card)
    )


@dataclass
class Asked:
    """A server with one case in review, and two people with tokens."""

    app: OpenApp
    case: str

    def api(self, name: str = "wang") -> httpx.Client:
        """A client of a person."""
        scopes = frozenset({"cases:write", "cases:read"})
        secret = self.app.application.record.registry.issue_token(name, scopes, None, None)[1]
        return httpx.Client(base_url=self.app.url, headers={"Authorization": f"Bearer {secret}"}, timeout=30.0)

    def state(self) -> tuple[str, str]:
        """State and class of the case."""
        with self.app.client() as client:
            found = client.get(f"/v1/cases/{self.case}").json()
        return found["state"], found["class_name"]

    def item(self) -> str:
        """The id of the item of the case."""
        return f"case-{self.case}"


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped rules, but half of what is dropped for its score goes to people."""
    shipped = Path(__file__).resolve().parents[2] / "inference_server/policy/hangzhou.toml"
    folder = tmp_path_factory.mktemp("policy")
    (folder / "shipped.toml").write_text(shipped.read_text("utf-8"), encoding="utf-8")
    path = folder / "asking.toml"
    path.write_text('extends = "shipped.toml"\n[review]\nsample_share = 0.5\n', encoding="utf-8")
    return path


@contextmanager
def a_question(folder: Path, policy: Path) -> Iterator[Asked]:
    """A drive past one thing that the score alone does not decide about."""
    with open_app(folder / "data", middle_band(folder), policy=policy) as app:
        with app.client("device") as device:
            for number, meta in enumerate(around_a_thing(starts_at=STARTED_AT)):
                post(device, meta, a_picture(number), wait=True)
        with app.client() as client:
            (case,) = client.get("/v1/cases").json()["cases"]
        assert case["state"] == "review"
        yield Asked(app, case["id"])


@pytest.fixture
def asked(tmp_path: Path, policy: Path) -> Iterator[Asked]:
    with a_question(tmp_path, policy) as question:
        yield question


@pytest.fixture(scope="module")
def module_asked(tmp_path_factory: pytest.TempPathFactory, policy: Path) -> Iterator[Asked]:
    """One server for tests that change nothing."""
    with a_question(tmp_path_factory.mktemp("asked"), policy) as question:
        yield question


def items(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    return list(client.get("/v1/reviews", params=query).raise_for_status().json()["reviews"])


def test_cases_of_the_middle_band_and_sampled_drops_wait_with_their_pictures(asked: Asked) -> None:
    with asked.api() as client:
        (case,) = items(client, kind="middle_band")
        drops = items(client, kind="sampled_drop")
        assert (case["id"], case["case"], case["case_state"], case["state"]) == (
            asked.item(),
            asked.case,
            "review",
            "open",
        )
        assert case["score"] == pytest.approx(UNSURE, abs=1e-3)
        assert case["probability"] == pytest.approx(0.3, abs=1e-3), "the card calibrates this class"
        assert {drop["probability"] for drop in drops} == {None}, "and not that one"
        assert case["box"] == pytest.approx(BOX, abs=1.0)
        assert 0 < len(drops) < 7, "a seeded half of seven"
        assert {drop["class_name"] for drop in drops} == {"pothole"}
        for item in (case, *drops):
            picture = client.get(item["picture"])
            assert picture.status_code == 200
            assert picture.headers["content-type"] == "image/jpeg"
        assert items(client, state="answered") == []
        assert items(client, class_name="graffiti") == []


def test_confirming_files_the_case_and_rejecting_ends_it_with_the_reason(asked: Asked) -> None:
    with asked.api() as client:
        said = client.post(f"/v1/reviews/{asked.item()}", json={"answer": "confirm"}).raise_for_status().json()
        assert (said["state"], said["case_state"]) == ("answered", "filed")
        assert asked.state() == ("filed", "garbage")
        assert client.delete(f"/v1/reviews/{asked.item()}/answer").json()["state"] == "open"
        assert asked.state() == ("review", "garbage")
        client.post(f"/v1/reviews/{asked.item()}", json={"answer": "reject", "reason": "a shadow"}).raise_for_status()
        assert asked.state() == ("rejected", "garbage")
    with asked.app.client() as client:
        case = client.get(f"/v1/cases/{asked.case}").json()
    moves = [(move["to_state"], move["by"], move["reason"]) for move in case["history"]]
    assert moves[1:] == [
        ("filed", "operator:wang", "reviewed: confirm garbage"),
        ("review", "system", "operator:wang took back the answer confirm"),
        ("rejected", "operator:wang", "a shadow"),
    ]
    assert case["deadline_at"] is None
    noted = [(entry.note.who, str(entry.note.action)) for entry in asked.app.application.record.audit.entries()]
    assert [one for one in noted if one[0] == "wang"] == [
        ("wang", "case.moved"),
        ("wang", "review.answered"),
        ("wang", "review.undone"),
        ("wang", "case.moved"),
        ("wang", "review.answered"),
    ]


def test_another_class_changes_what_the_case_is_about(asked: Asked) -> None:
    with asked.api() as client:
        client.post(
            f"/v1/reviews/{asked.item()}", json={"answer": "reclassify", "class_name": "soil_heap"}
        ).raise_for_status()
        with asked.app.client() as admin:
            case = admin.get(f"/v1/cases/{asked.case}").json()
        assert (case["state"], case["class_name"], case["code"], case["name"]) == (
            "filed",
            "soil_heap",
            "06011",
            "积存垃圾渣土",
        )
        assert case["deadline_at"] is not None
        client.delete(f"/v1/reviews/{asked.item()}/answer").raise_for_status()
        assert asked.state() == ("review", "garbage")
        client.post(
            f"/v1/reviews/{asked.item()}", json={"answer": "reclassify", "class_name": "bin"}
        ).raise_for_status()
        assert asked.state() == ("rejected", "garbage"), "a bin is nobody's case"


def test_a_new_box_is_kept_and_files_the_case(asked: Asked) -> None:
    with asked.api() as client:
        said = client.post(f"/v1/reviews/{asked.item()}", json={"answer": "redraw", "box": [590, 400, 700, 480]})
        assert said.raise_for_status().json()["answers"][0]["box"] == [590.0, 400.0, 700.0, 480.0]
    assert asked.state() == ("filed", "garbage")


def test_two_people_who_disagree_are_both_kept_and_the_case_stays(asked: Asked) -> None:
    with asked.api("wang") as wang, asked.api("li") as li:
        wang.post(f"/v1/reviews/{asked.item()}", json={"answer": "confirm"}).raise_for_status()
        said = li.post(f"/v1/reviews/{asked.item()}", json={"answer": "reject"}).raise_for_status().json()
        assert said["state"] == "disputed"
        assert [(one["by"], one["answer"], one["moved_to"]) for one in said["answers"]] == [
            ("operator:wang", "confirm", "filed"),
            ("operator:li", "reject", None),
        ]
        assert asked.state() == ("filed", "garbage")
        assert [one["id"] for one in items(li, state="disputed")] == [asked.item()]
        after = wang.delete(f"/v1/reviews/{asked.item()}/answer").raise_for_status().json()
        assert (after["state"], len(after["answers"])) == ("answered", 2)
        assert asked.state() == ("filed", "garbage"), "somebody else has answered: the case waits for a person's move"


def test_an_answer_may_be_repeated_but_not_changed_in_silence(asked: Asked) -> None:
    with asked.api() as client:
        first = client.post(f"/v1/reviews/{asked.item()}", json={"answer": "confirm"}).json()
        assert client.post(f"/v1/reviews/{asked.item()}", json={"answer": "confirm"}).json() == first
        other = client.post(f"/v1/reviews/{asked.item()}", json={"answer": "reject"})
        assert (other.status_code, other.json()["code"]) == (409, "conflict")


def test_after_the_case_has_gone_on_only_the_answer_is_taken_back(asked: Asked) -> None:
    with asked.api() as client:
        client.post(f"/v1/reviews/{asked.item()}", json={"answer": "confirm"}).raise_for_status()
        client.patch(f"/v1/cases/{asked.case}", json={"state": "dispatched"}).raise_for_status()
        after = client.delete(f"/v1/reviews/{asked.item()}/answer").raise_for_status().json()
        assert (after["state"], after["case_state"]) == ("settled", "dispatched")
        assert client.delete(f"/v1/reviews/{asked.item()}/answer").status_code == 409
        client.post(f"/v1/reviews/{asked.item()}", json={"answer": "reject"}).raise_for_status()
    assert asked.state() == ("dispatched", "garbage")


def test_a_drop_is_judged_without_a_case(asked: Asked) -> None:
    with asked.api() as client:
        drop = items(client, kind="sampled_drop")[0]
        said = client.post(f"/v1/reviews/{drop['id']}", json={"answer": "confirm"}).raise_for_status().json()
        assert (said["state"], said["case"], said["answers"][0]["moved_to"]) == ("answered", None, None)
        assert client.delete(f"/v1/reviews/{drop['id']}/answer").json()["state"] == "open"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"answer": "maybe"}, "answer", id="no such answer"),
        pytest.param({"answer": "reclassify"}, "class_name", id="reclassify without a class"),
        pytest.param({"answer": "reclassify", "class_name": "garbage"}, "class_name", id="to the class that it has"),
        pytest.param({"answer": "reclassify", "class_name": "zebra"}, "class_name", id="to an unknown class"),
        pytest.param({"answer": "confirm", "class_name": "bin"}, "class_name", id="confirm with a class"),
        pytest.param({"answer": "redraw"}, "box", id="redraw without a box"),
        pytest.param({"answer": "confirm", "box": [0, 0, 9, 9]}, "box", id="confirm with a box"),
        pytest.param({"answer": "redraw", "box": [0, 0, 1300, 9]}, "box", id="a box beyond the picture"),
        pytest.param({"answer": "redraw", "box": [9, 9, 9, 20]}, "box", id="a box without width"),
        pytest.param({"answer": "redraw", "box": [0, 0, 9]}, "box", id="three numbers"),
        pytest.param({"answer": "confirm", "reson": "typo"}, "reson", id="an unknown field"),
    ],
)
def test_a_wrong_answer_is_refused_by_its_field_and_changes_nothing(
    module_asked: Asked, body: dict[str, Any], field: str
) -> None:
    with module_asked.api() as client:
        answer = client.post(f"/v1/reviews/{module_asked.item()}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
        assert answer.json()["field"].startswith(field)
        assert client.get(f"/v1/reviews/{module_asked.item()}").json()["answers"] == []


def test_who_may_only_read_cannot_answer_and_unknown_items_are_not_found(module_asked: Asked) -> None:
    with module_asked.app.client("cases:read") as client:
        assert client.post(f"/v1/reviews/{module_asked.item()}", json={"answer": "confirm"}).status_code == 403
        assert client.delete(f"/v1/reviews/{module_asked.item()}/answer").status_code == 403
        assert client.get("/v1/reviews/none").status_code == 404
        assert client.get("/v1/reviews", params={"state": "lost"}).status_code == 422
    with module_asked.app.client(None) as stranger:
        assert stranger.get("/v1/reviews").status_code == 401


def test_pages_of_items_follow_each_other(module_asked: Asked) -> None:
    with module_asked.app.client("cases:read") as client:
        whole = [one["id"] for one in items(client)]
        seen, cursor = [], None
        while True:
            page = client.get("/v1/reviews", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
            seen += [one["id"] for one in page["reviews"]]
            cursor = page["next"]
            if cursor is None:
                break
    assert seen == whole
    assert len(whole) > 2
