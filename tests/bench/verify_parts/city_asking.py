"""Asks the shipped use case about cases of a drawn city, as the case system would, over a record of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from inference_server.adapters.opening import Adapters, OpeningOptions, open_adapters
from inference_server.bootstrap import build_judge, build_verification, city_grids, open_looks
from inference_server.closure.judging import Judge
from inference_server.closure.photo_records import photo_record
from inference_server.domain.case import CaseId
from inference_server.domain.catalogue import GB_2026
from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.frame import sha256_of
from inference_server.domain.verdict import CaseFacts, PhotoFacts, Side, Verdict, VerificationRequest
from inference_server.domain.verification import Answer, Closing, Gate
from inference_server.rules import Rules, read_rules
from inference_server.settings import Settings
from verify_parts.city_cases import CityCase, PlaceBefore

_OTHER = CaseId("somebody else's case")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of one verification; no pixels. gates: what each one said that was asked."""

    place: str
    kind: str
    is_fixed: bool
    decision: Closing
    codes: tuple[str, ...]
    gates: Mapping[Gate, tuple[Answer, float]]
    measures: Mapping[str, float]
    milliseconds: float
    told: Mapping[str, str] = field(default_factory=dict)


def answered(cases: Sequence[CityCase]) -> list[Answered]:
    """The answers to all cases of one city, in their order, with one record behind them."""
    with tempfile.TemporaryDirectory() as folder:
        record = open_adapters(None, Path(folder), OpeningOptions(fast_unsafe=True))
        asking = _Asking(record, *_shipped())
        found = [asking.ask(case, f"{number}") for number, case in enumerate(cases)]
        record.close()
    return found


def _measures(verdict: Verdict) -> dict[str, float]:
    """All numbers that the gates gave, with their answers or with their reasons."""
    told = [found for gate in verdict.gates for found in (gate.measures, *(one.measures for one in gate.reasons))]
    return {name: value for found in told for name, value in found.items()}


@cache
def _shipped() -> tuple[Rules, Judge]:
    """The shipped rules, but every class may be closed at the working point; and the shipped gates."""
    settings = Settings()
    rules = read_rules(settings)
    closing = ClosingRules(is_open_to_all=True, spot_share=0.0)
    rules = replace(rules, policy=replace(rules.policy, closing=closing))
    return rules, build_judge(settings, rules, open_looks(settings))


class _Asking:
    """A case system with one record."""

    def __init__(self, record: Adapters, rules: Rules, judge: Judge) -> None:
        self._record, self._rules, self._judge = record, rules, judge
        self._verification = build_verification(rules, record, city_grids(rules, record), lambda: judge)
        self._filed: set[str] = set()

    def ask(self, case: CityCase, key: str) -> Answered:
        """One question and its answer."""
        before = self._file(case.place)
        after = PhotoFacts(
            sha256=self._record.evidence.put(case.after),
            side=Side.AFTER,
            taken_at=case.story.taken_at,
            position=case.story.position,
            accuracy_m=case.story.accuracy_m,
            device="telephone",
        )
        if case.used:
            self._hand_in_elsewhere(case, after)
        request = VerificationRequest(
            key=key,
            caller="bench",
            body_sha256=sha256_of(f"{key} {after.sha256}".encode()),
            case=self._facts(case),
            photos=(before, after),
        )
        verdict = self._verification.verify(request).verdict
        assert verdict is not None
        return Answered(
            place=case.place.name,
            kind=case.kind,
            is_fixed=case.is_fixed,
            decision=verdict.decision,
            codes=tuple(dict.fromkeys(reason.code.value for reason in verdict.reasons)),
            gates={gate.gate: (gate.answer, gate.score) for gate in verdict.gates},
            measures=_measures(verdict),
            milliseconds=verdict.milliseconds,
            told=case.told,
        )

    def _facts(self, case: CityCase) -> CaseFacts:
        rule = self._rules.policy.classes[case.place.class_name]
        assert rule.code is not None
        return CaseFacts(
            number=case.place.name,
            standard=GB_2026,
            kind=rule.kind,
            code=rule.code,
            position=case.place.position,
            accuracy_m=case.place.accuracy_m,
            dispatched_at=case.story.dispatched_at,
            reported_at=case.story.reported_at,
        )

    def _file(self, place: PlaceBefore) -> PhotoFacts:
        """The photograph before, described when the case was filed, as the server does in its spare time."""
        sha256 = self._record.evidence.put(place.photo)
        if sha256 not in self._filed:
            stored = self._judge.describe(place.photo)
            self._record.kept_looks.keep(sha256, self._judge.look_version, stored)
            self._filed.add(sha256)
        return PhotoFacts(sha256=sha256, side=Side.BEFORE, position=place.position, regions=(place.region,))

    def _hand_in_elsewhere(self, case: CityCase, after: PhotoFacts) -> None:
        opened = self._judge.open(after, case.after)
        self._record.photos.remember(photo_record(opened.photo, after, _OTHER, case.story.taken_at)[0])
