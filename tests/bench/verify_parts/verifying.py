"""The gates on a staged pair, in the order of what they cost; what they measured is kept between runs."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import inference_server.scene
from detector.detections import Detections
from detector.image import Limits
from inference_server.closure.judging import Opened
from inference_server.closure.offline import PairVerifier, alone
from inference_server.commands.verify import pair_verifier
from inference_server.domain.closing import Decided, Switches
from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.frame import sha256_of
from inference_server.domain.observation import Box
from inference_server.domain.verdict import PhotoFacts, Side
from inference_server.domain.verification import Answer, Closing, Gate, GateResult
from inference_server.rules import read_rules
from inference_server.scene.alignment import SceneMatch
from inference_server.scene.authentic import PhotoStory, authentic
from inference_server.scene.gone import judged, measured
from inference_server.scene.gone_rules import GoneRules
from inference_server.scene.photo import ScenePhoto, open_photo
from inference_server.scene.same_scene import compare
from inference_server.settings import Settings
from verify_parts.staged import Photos, Staged, photos_of, region_of
from verify_parts.things import CODES
from verify_parts.work import Known, kept, kept_look

_MAKERS = ("things", "pasting", "photographing", "staged", "forging")
_DECIDE_LATER = frozenset({"gone", "gone_rules"})  # they judge what was measured, which is asked for anew
_OF_THE_THIRD = _DECIDE_LATER | {"gone_measures", "after_view", "change", "moved", "settle", "region", "hidden"}
_DIGITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the gates say of a staged pair. `asked_last`: whether the first gate was asked; it costs most, and is asked
    only where it can still change the decision, or where the caller wants to know."""

    pair: Staged
    gates: Mapping[Gate, GateResult]
    decided: Decided
    asked_last: bool

    @property
    def closes(self) -> bool:
        """Whether the machine would close."""
        return self.decided.decision is Closing.CLOSE

    @property
    def gone_alone(self) -> Closing:
        """What the third gate leads to with the others switched off."""
        return alone(self.gates)[Gate.PROBLEM_GONE]

    def line(self) -> dict[str, Any]:
        """As `xuncheng verify-pairs --json` prints it; a gate that was not asked counts as passed."""
        return {
            "category": self.pair.kind,
            "place": self.pair.before.stem,
            "before": self.pair.before.name,
            "after": self.pair.after.name,
            "decision": self.decided.decision.value,
            "sub_scores": {gate.value: round(result.score, _DIGITS) for gate, result in self.gates.items()},
            "reasons": [reason.code.value for reason in self.decided.reasons],
            "alone": {gate.value: closing.value for gate, closing in alone(self.gates).items()},
        }


@cache
def verifier(code: str) -> PairVerifier:
    """As `xuncheng verify-pairs` does it: every class may be closed, every gate is asked."""
    settings = Settings()
    return pair_verifier(
        settings, read_rules(settings), ClosingRules(is_open_to_all=True, spot_share=0.0), code, "matter"
    )


def gone_rules() -> GoneRules:
    """The shipped rules of the third gate."""
    return verifier("06010").judge.gone


def verdict_asking_all(pair: Staged) -> Verdict:
    """All gates on a pair."""
    return _verdict(pair, asks_all=True)


def verdict(pair: Staged) -> Verdict:
    """The gates on a pair; the first one is asked only where the others pass."""
    return _verdict(pair, asks_all=False)


def _verdict(pair: Staged, *, asks_all: bool) -> Verdict:
    scene, measures = measured_of(pair)
    gone = judged(measures, gone_rules())
    asks = asks_all or (scene.answer is Answer.PASS and gone.answer is Answer.PASS)
    first = _authentic_of(pair) if asks else GateResult(gate=Gate.AUTHENTIC, answer=Answer.PASS, score=1.0)
    gates = {Gate.AUTHENTIC: first, Gate.SAME_SCENE: scene, Gate.PROBLEM_GONE: gone}
    asked = verifier(CODES[pair.class_name])
    decided = asked.decider.decide(pair.name, gates, asked.matter, Switches())
    return Verdict(pair, gates, decided, asks)


def measured_of(pair: Staged) -> tuple[GateResult, dict[str, float]]:
    """What the second gate says, and the measures that the third one judges."""
    return kept("gone_measures", _key(pair, _measuring()), (), lambda: _measured(pair))


def _measured(pair: Staged) -> tuple[GateResult, dict[str, float]]:
    match, before, after = matched_of(pair)
    measures = measured(before, after, match.alignment, scaled_region(pair, before), pair.class_name, gone_rules())
    return match.result, measures


def scaled_region(pair: Staged, before: ScenePhoto) -> Box:
    """The region in pixels that are compared."""
    return region_of(pair).scaled(before.scale)


def matched_of(pair: Staged) -> tuple[SceneMatch, ScenePhoto, ScenePhoto]:
    """What the second gate says, and both photographs for the third; what costs most is kept between runs."""
    match, *found = kept("matched", _key(pair, _sources(_OF_THE_THIRD)), (), lambda: _matched(pair))
    photos = [
        replace(open_photo(data, Limits(), Known(Detections.empty(())), 1.0), found=seen)
        for data, seen in zip(_handed_in(pair, photos_of(pair)), found, strict=True)
    ]
    return match, photos[0], photos[1]


def _matched(pair: Staged) -> tuple[SceneMatch, Detections, Detections]:
    before, after = _opened(pair)
    match = compare(before.look, after.look, scaled_region(pair, before.photo))
    return match, before.photo.found, after.photo.found


def _handed_in(pair: Staged, photos: Photos) -> tuple[bytes, bytes]:
    return photos.before or pair.before.read_bytes(), photos.after or pair.after.read_bytes()


def _authentic_of(pair: Staged) -> GateResult:
    def asked() -> GateResult:
        _, before, after = matched_of(pair)
        return authentic([before], after, PhotoStory())

    return kept("authentic", _key(pair, _sources(_OF_THE_THIRD)), (), asked)


def _opened(pair: Staged) -> tuple[Opened, Opened]:
    judge, photos = verifier("06010").judge, photos_of(pair)
    before, after = _handed_in(pair, photos)
    return (
        judge.open(PhotoFacts(sha256=sha256_of(before), side=Side.BEFORE), before, _look(pair.before, photos.before)),
        judge.open(PhotoFacts(sha256=sha256_of(after), side=Side.AFTER), after, _look(pair.after, photos.after)),
    )


def _look(path: Path, made: bytes | None) -> bytes | None:
    """The kept look of a photograph that is handed in as it is."""
    return None if made is not None else kept_look(path).to_bytes()


def _key(pair: Staged, code: str) -> str:
    return f"{pair} {code} {verifier('06010').judge.model_version}"


@cache
def _measuring() -> str:
    return f"{_sources(_DECIDE_LATER)} {inspect.getsource(measured)}"


@cache
def _sources(left_out: frozenset[str]) -> str:
    """The hash of the code of the gates and of the makers of pairs."""
    scene = sorted(Path(inference_server.scene.__path__[0]).glob("*.py"))
    files = [path for path in scene if path.stem not in left_out]
    files += [Path(__file__).with_name(f"{name}.py") for name in _MAKERS]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
