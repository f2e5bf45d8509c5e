"""`xuncheng verify`, `verify-pairs`, `verify-reproduce`, `verify-report` and `closing` from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from support.reported import (
    a_verification,
    before,
    cleared,
    counted_calibration,
    question,
    remaining,
    report_fixed,
    write_blind_model,
)
from support.verdicts import record as a_record

from inference_server.adapters.opening import OpeningOptions, open_adapters
from inference_server.cli import run
from inference_server.domain.verification import Closing
from inference_server.domain.verification_record import HumanSays

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a model that finds nothing."""
    return write_blind_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, card: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A record of this test's own, and a calibration that closes."""
    monkeypatch.setenv("XUNCHENG_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("XUNCHENG_WEIGHTS", str(card))
    monkeypatch.setenv("XUNCHENG_CLOSING_CALIBRATION", str(counted_calibration(card.parent)))
    yield
    structlog.reset_defaults()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a pair that is fixed, one that is not, and one that is another place."""
    pairs = {
        "fixed": (before(0), cleared(0)),
        "remains": (before(1), remaining(1)),
        "elsewhere": (before(2), cleared(3)),
    }
    lines = ["category,before,after,place,x1,y1,x2,y2"]
    for name, (first, second) in pairs.items():
        (tmp_path / f"{name}_a.jpg").write_bytes(first)
        (tmp_path / f"{name}_b.jpg").write_bytes(second)
        lines.append(f"{name},{name}_a.jpg,{name}_b.jpg,place {name},280,230,350,290")
    (tmp_path / "pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_two_files_are_verified_by_the_citys_rules(folder: Path, capsys: Captured) -> None:
    files = [str(folder / "fixed_a.jpg"), str(folder / "fixed_b.jpg")]
    assert run(["verify", *files, "--code", "06010", "--region", "280,230,350,290", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["decision"] == "close"
    assert set(answer["sub_scores"]) == {"authentic", "same_scene", "problem_gone"}
    assert run(["verify", *files, "--code", "06013", "--region", "280,230,350,290", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["decision"] == "human"


def test_every_pair_of_a_folder_gets_a_line_and_each_gate_alone(folder: Path, capsys: Captured) -> None:
    assert run(["verify-pairs", str(folder), "--json"]) == 0
    lines = {line["category"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {name: line["decision"] for name, line in lines.items()} == {
        "fixed": "close",
        "remains": "rework",
        "elsewhere": lines["elsewhere"]["decision"],
    }
    assert lines["elsewhere"]["decision"] in ("human", "need_photo")
    assert lines["remains"]["alone"] == {"authentic": "close", "same_scene": "close", "problem_gone": "rework"}
    assert lines["fixed"]["place"] == "place fixed"
    assert lines["fixed"]["milliseconds"] > 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("category,before,after\nx,,b.jpg", "line 2: no before"),
        ("category,before,after\nx,a.jpg,b.jpg", "a.jpg is not there"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_by_its_line(
    tmp_path: Path, capsys: Captured, text: str, told: str
) -> None:
    (tmp_path / "pairs.csv").write_text(text, encoding="utf-8")
    assert run(["verify-pairs", str(tmp_path)]) == 3
    assert told in capsys.readouterr().err


def test_a_verdict_is_reproduced_by_one_command(tmp_path: Path, card: Path, capsys: Captured) -> None:
    record = open_adapters(None, tmp_path / "data", OpeningOptions(fast_unsafe=True))
    done = a_verification(record, card).verify(question(report_fixed(record), cleared()))
    record.close()
    capsys.readouterr()  # the log of opening the record here
    assert run(["verify-reproduce", done.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"verification": done.id, "is_same": True, "differences": {}}
    assert run(["verify-reproduce", "01JD9GZ3T2V8Q4W6R1X5Y7Z9AB"]) == 3


def test_the_report_has_both_rates_with_their_bounds(tmp_path: Path, capsys: Captured) -> None:
    record = open_adapters(None, tmp_path / "data", OpeningOptions(fast_unsafe=True))
    with record.store.work(()) as work:
        for number in range(1, 11):
            work.save_verification(a_record(number, says=HumanSays.NOT_FIXED if number == 1 else HumanSays.FIXED))
        for number in range(11, 16):
            waited = a_record(number, says=HumanSays.NOT_FIXED, decision=Closing.HUMAN, proposed=Closing.HUMAN)
            work.save_verification(waited)
    record.close()
    capsys.readouterr()  # the log of opening the record here
    assert run(["verify-report", "--fraud-share", "0.2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["all"]["presented"] == 15
    wrong = report["all"]["wrong_of_closed"]
    assert (wrong["hits"], wrong["of"], wrong["value"]) == (1, 10, 0.1)
    assert 0.39 < wrong["upper_95"] < 0.40
    closed = report["all"]["closed_of_not_fixed"]
    assert (closed["hits"], closed["of"]) == (1, 6)
    assert report["all"]["wrong_at_fraud_share"] == pytest.approx((0.2 / 6) / (0.2 / 6 + 0.8))
    assert set(report["code"]) == {"06010"}
    assert set(report["light"]) == {"day"}
    assert run(["verify-report"]) == 0
    assert "district 330106" in capsys.readouterr().out


def test_the_kill_switch_is_thrown_listed_and_taken_back(capsys: Captured) -> None:
    assert run(["closing", "off", "06010@330106", "--why", "complaints"]) == 0
    assert run(["closing", "on", "06010@330106", "--why", "looked into"]) == 0
    assert run(["closing", "off", "*", "--why", "a storm"]) == 0
    assert run(["closing", "list", "--json"]) == 0
    switches = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["scope"], one["is_off"]) for one in switches] == [("*", True), ("06010@330106", False)]
    assert run(["closing", "off", "garbage", "--why", "x"]) == 3
