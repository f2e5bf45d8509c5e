"""Photographs of a heap that was there and is gone, or not; and forms that ask about them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from support.builders import a_frame
from support.onnx_model import write_fixed_model
from support.seeded_case import Wanted, a_case, candidate_of, history_of
from support.two_looks import BOX, from_there, ground, with_thing

from inference_server.adapters.opening import Adapters
from inference_server.bootstrap import build_judge, build_verification, city_grids, open_looks
from inference_server.domain.case import Case
from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.frame import sha256_of
from inference_server.domain.grid import grid_id
from inference_server.domain.report import Report
from inference_server.domain.verdict import PhotoFacts, Side, VerificationRequest
from inference_server.ports import Event
from inference_server.rules import read_rules
from inference_server.settings import Settings
from inference_server.verify import Verification

HERE = {"lat": 30.2741, "lon": 120.1551, "datum": "wgs84", "accuracy_m": 5.0}
REGION = [BOX.x1, BOX.y1, BOX.x2, BOX.y2]
_CLEAR = 1  # ground 0 lies a hair beside the limit of the third gate; on number 4 it asks for another photograph
COUNTED = {"points": [[0.0, 0.0], [0.5, 0.9], [1.0, 1.0]], "not_fixed": 5000, "wrong_scores": []}


@cache
def before(seed: int = 0) -> bytes:
    """JPEG of the heap at a place; each seed is another place."""
    return _jpeg(with_thing(ground(_CLEAR + seed), BOX))


@cache
def cleared(seed: int = 0, grain: int = 9) -> bytes:
    """JPEG of the place without the heap, from another view in another light; `grain` is another exposure."""
    return _jpeg(from_there(ground(_CLEAR + seed), seed=grain))


@cache
def remaining(seed: int = 0) -> bytes:
    """JPEG of the place with the heap, from the other view."""
    return _jpeg(from_there(with_thing(ground(_CLEAR + seed), BOX)))


def write_blind_model(folder: Path) -> Path:
    """The card of a model that finds nothing: the pixels alone decide then."""
    return write_fixed_model(folder, (), ("garbage", "pothole"))


def counted_calibration(folder: Path) -> Path:
    """A calibration that closes from the working point on."""
    path = folder / "closing_calibration.json"
    path.write_text(json.dumps({"pooled": COUNTED}), encoding="utf-8")
    return path


def a_request(key: str = "key-1", **changes: Any) -> dict[str, Any]:
    """The part `request` of a question about a heap that somebody says he has cleared."""
    now = datetime.now(UTC)
    asked = {
        "key": key,
        "case": {
            "number": f"HZ-{key}",
            "code": "06010",
            "position": HERE,
            "dispatched_at": (now - timedelta(hours=3)).isoformat(),
            "reported_at": (now - timedelta(minutes=5)).isoformat(),
        },
        "before": [{"part": "before_1", "regions": [REGION]}],
        "after": [
            {
                "part": "after_1",
                "taken_at": (now - timedelta(minutes=10)).isoformat(),
                "position": HERE,
                "device": "p-1",
            }
        ],
    }
    return asked | changes


def ask(client: httpx.Client, request: dict[str, Any], **photos: bytes) -> httpx.Response:
    """The answer to a question; `photos` are the parts of the form by their names."""
    parts: dict[str, Any] = {"request": (None, json.dumps(request), "application/json")}
    parts |= {name: (f"{name}.jpg", data, "image/jpeg") for name, data in photos.items()}
    return client.post("/v1/verifications", files=parts)


def _jpeg(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A record in which one heap was filed, sent out, and is said to be cleared."""

    record: Adapters
    case: Case

    @property
    def state(self) -> str:
        """Where the case stands now."""
        return self.record.store.case(self.case.id).state

    @property
    def case_photo(self) -> str:
        """The hash of its photograph before."""
        return self.record.store.evidence(self.case.id)[0].sha256

    def events(self) -> list[Event]:
        """What the case system will be told of it."""
        items = self.record.outbox.due(datetime.now(UTC) + timedelta(days=1), 100)
        return [item.event for item in items]


def report_fixed(record: Adapters, seed: int = 0, *, class_name: str = "garbage", kind: str = "matter") -> Reported:
    """The case of `before(seed)`, filed an hour ago by a patrol and reported fixed five minutes ago."""
    now = datetime.now(UTC)
    filed_at = now - timedelta(hours=1)
    wanted = Wanted(class_name=class_name, place_m=(seed * 40.0, 20.0), grid=grid_id("330106001001001"))
    times = {
        "filed": filed_at,
        "dispatched": filed_at + timedelta(minutes=5),
        "reported_fixed": now - timedelta(minutes=5),
    }
    case = a_case(wanted, filed_at)
    case = replace(case, kind=kind, state="reported_fixed", changed_at=times["reported_fixed"], state_times=times)
    frame = a_frame(seed, taken_at=filed_at, claimed_at=filed_at, received_at=filed_at, sha256=sha256_of(before(seed)))
    with record.store.work(()) as work:
        work.save_candidate(candidate_of(case))
        work.save_case(case)
        work.finish(frame, Report(frame_id=frame.id, analysed_at=filed_at, model_version="seeded 1"))
        work.add_evidence(case.id, frame.id, record.evidence.put(before(seed)), "near", tuple(REGION))
        for move in history_of(replace(case, state="filed")):
            work.add_move(move)
    return Reported(record=record, case=case)


def after_photo(record: Adapters, data: bytes, **said: Any) -> PhotoFacts:
    """A handler's photograph, stored."""
    taken_at = datetime.now(UTC) - timedelta(minutes=10)
    return PhotoFacts(sha256=record.evidence.put(data), side=Side.AFTER, **{"taken_at": taken_at, **said})


def question(reported: Reported, data: bytes, key: str = "key-1", **changes: Any) -> VerificationRequest:
    """What the case system asks of the case."""
    photo = after_photo(reported.record, data)
    digest = sha256_of(f"{key}{photo.sha256}".encode())
    request = VerificationRequest(
        key=key, caller="caller", body_sha256=digest, case_id=reported.case.id, photos=(photo,)
    )
    return replace(request, **changes)


def a_verification(record: Adapters, card: Path, closing: ClosingRules | None = None) -> Verification:
    """The use case with the real gates, the shipped policy and a calibration that closes."""
    settings = Settings(data_folder=card.parent, weights=card, closing_calibration=counted_calibration(card.parent))
    rules = read_rules(settings)
    if closing is not None:
        rules = replace(rules, policy=replace(rules.policy, closing=closing))
    judge = build_judge(settings, rules, open_looks(settings))
    return build_verification(rules, record, city_grids(rules, record), lambda: judge)
