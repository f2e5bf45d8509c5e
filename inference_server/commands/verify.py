"""xuncheng verify|verify-pairs|verify-reproduce|verify-report"""

import csv
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from inference_server.adapters.clock import SystemClock
from inference_server.bootstrap import build_judge, build_verification, city_grids, open_looks, open_record
from inference_server.closure.answer_document import gate_document, reason_documents
from inference_server.closure.matters import Matters
from inference_server.closure.offline import PairVerdict, PairVerifier, alone
from inference_server.closure.reporting import SLICES, outcomes_of, report
from inference_server.commands.talk import ExitCode, answer, answer_json, answer_table, talk
from inference_server.domain.catalogue import GB_2026
from inference_server.domain.closing import Decider, RiskBand
from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.errors import BadInput
from inference_server.domain.grid import GridIndex
from inference_server.domain.observation import Box
from inference_server.domain.verdict import CaseFacts, VerificationId
from inference_server.domain.verification import Closing, Gate
from inference_server.reproduce import Reproduction
from inference_server.rules import Rules, read_rules
from inference_server.settings import Settings

_DIGITS = 4
_COLUMNS = ("before", "after")

Code = Annotated[str, typer.Option(help="Code of the matter in GB/T 47678.5-2026.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, one line.")]


def verify(
    before: Annotated[Path, typer.Argument(help="Photograph before.", exists=True, dir_okay=False)],
    after: Annotated[Path, typer.Argument(help="Photograph after.", exists=True, dir_okay=False)],
    code: Code = "06010",
    kind: Annotated[str, typer.Option(help="matter or component.")] = "matter",
    region: Annotated[
        list[str] | None, typer.Option(help="x1,y1,x2,y2 of the problem before; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether the problem of the one photograph is gone in the other, by the city's rules; nothing is stored."""
    settings = Settings()
    rules = read_rules(settings)
    verifier = pair_verifier(settings, rules, rules.policy.closing, code, kind)
    regions = [_region(text) for text in region or []]
    done = verifier.verify(before.read_bytes(), after.read_bytes(), regions)
    if as_json:
        answer_json(document(done))
        return
    answer(f"{done.decided.decision}  probability {done.decided.probability:.2f}")
    for gate, result in done.judged.gates.items():
        answer(f"  {gate}: {result.answer}, {result.score:.3f}")
    for reason in reason_documents(done.decided.reasons):
        answer(f"  {reason['code']} {reason['measures']}")


def verify_pairs(
    folder: Annotated[Path, typer.Argument(help="Folder with pairs.csv: category, before, after, place.")],
    code: Code = "06010",
    kind: Annotated[str, typer.Option(help="matter or component.")] = "matter",
    as_json: AsJson = False,
) -> None:
    """Verify every pair of a folder with every class allowed to close: one line for each, and each gate alone."""
    settings = Settings()
    rules = read_rules(settings)
    verifier = pair_verifier(settings, rules, ClosingRules(is_open_to_all=True, spot_share=0.0), code, kind)
    counts: dict[str, int] = {}
    pairs = list(read_pairs(folder))
    for pair in pairs:
        done = verifier.verify(pair.before.read_bytes(), pair.after.read_bytes(), pair.regions)
        counts[done.decided.decision.value] = counts.get(done.decided.decision.value, 0) + 1
        line = {"category": pair.category, "place": pair.place, "before": pair.before.name, "after": pair.after.name}
        if as_json:
            answer_json(line | document(done))
        else:
            scores = " ".join(
                f"{done.judged.gates[gate].score:.2f}" if gate in done.judged.gates else "-" for gate in Gate
            )
            answer(f"{pair.category:16} {pair.place:20} {done.decided.decision.value:10} {scores}")
    talk(f"{len(pairs)} pairs: {', '.join(f'{name} {count}' for name, count in sorted(counts.items())) or 'none'}")


def verify_reproduce(
    verification: Annotated[str, typer.Argument(help="Id of the verification.")], as_json: AsJson = False
) -> None:
    """Make a verdict again from its record and compare; exit code 1 where anything that decides is different."""
    settings = Settings()
    rules = read_rules(settings)
    judge = build_judge(settings, rules, open_looks(settings))
    with closing(open_record(settings, rules)) as record:
        reproduction = Reproduction(build_verification(rules, record, city_grids(rules, record), lambda: judge))
        done = reproduction.reproduce(VerificationId(verification))
    if as_json:
        answer_json({"verification": done.id, "is_same": done.is_same, "differences": dict(done.differences)})
    else:
        answer(f"{done.id}: {'the same' if done.is_same else 'DIFFERENT'}")
        for name, (old, new) in done.differences.items():
            answer(f"  {name}: was {old}, is {new}")
    if not done.is_same:
        raise typer.Exit(ExitCode.CHECK_FAILED)


def verify_report(
    fraud_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of what is presented that is taken to be not fixed.")
    ] = 0.1,
    as_json: AsJson = False,
) -> None:
    """Both rates of wrong closings with their bounds, and what became of all, by class, district, light and source."""
    settings = Settings()
    rules = read_rules(settings)
    with closing(open_record(settings, rules)) as record:
        outcomes = outcomes_of(record.verifications.all(), ZoneInfo(rules.policy.timezone))
    document = report(outcomes, fraud_share)
    if as_json:
        answer_json(document)
        return
    answer_table(_REPORT_COLUMNS, _report_rows(document))
    for code, count in document["all"]["reasons"].items():
        answer(f"  {code}: {count}")
    talk(f"{len(outcomes)} verifications; bounds are exact, one-sided, 95 %; a person looked at what counts as known")


_REPORT_COLUMNS = (
    "of",
    "presented",
    "close",
    "rework",
    "need_photo",
    "human",
    "auto-decided",
    "wrong of checked closings",
    "closed of not fixed",
    "wrong at fraud share",
)


def _report_rows(document: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    yield _report_row("all", document["all"])
    for name in SLICES:
        for value, found in document[name].items():
            yield _report_row(f"{name} {value}", found)


def _report_row(name: str, found: dict[str, Any]) -> tuple[Any, ...]:
    decisions = found["decisions"]
    shares = [
        f"{one['hits']}/{one['of']} <= {one['upper_95']:.4f}"
        for one in (found["wrong_of_closed"], found["closed_of_not_fixed"])
    ]
    wrong = found["wrong_at_fraud_share"]
    at_fraud = "-" if wrong is None else f"{wrong:.4f} <= {found['wrong_at_fraud_share_bound']:.4f}"
    counts = [decisions[one.value] for one in (Closing.CLOSE, Closing.REWORK, Closing.NEED_PHOTO, Closing.HUMAN)]
    auto = found["auto_decided"]["value"]
    return (name, found["presented"], *counts, "-" if auto is None else f"{auto:.1%}", *shares, at_fraud)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePair:
    """A line of pairs.csv. regions: from its optional columns x1, y1, x2, y2, in pixels of the photograph before."""

    category: str
    place: str
    before: Path
    after: Path
    regions: tuple[Box, ...] = ()


def pair_verifier(settings: Settings, rules: Rules, closing: ClosingRules, code: str, kind: str) -> PairVerifier:
    """A verifier of files for one code; raises BadInput for a code that the standard does not have."""
    looks = open_looks(settings)
    grids = GridIndex([], zone=ZoneInfo(rules.policy.timezone))
    matters = Matters(policy=rules.policy, catalogue=rules.catalogue, grids=grids, clock=SystemClock())
    facts = CaseFacts(number="command line", standard=GB_2026, kind=kind, code=code)
    return PairVerifier(
        judge=build_judge(settings, rules, looks),
        decider=Decider(rules=closing, calibration=rules.calibration),
        matter=matters.matter(facts, RiskBand.STANDARD),
    )


def document(done: PairVerdict) -> dict[str, Any]:
    """The line of a pair."""
    gates, decided = done.judged.gates, done.decided
    return {
        "decision": decided.decision.value,
        "probability": round(decided.probability, _DIGITS),
        "sub_scores": {gate.value: round(gates[gate].score, _DIGITS) if gate in gates else 0.0 for gate in Gate},
        "reasons": reason_documents(decided.reasons),
        "alone": {gate.value: closing.value for gate, closing in alone(gates).items()},
        "gates": [gate_document(result) for result in gates.values()],
        "milliseconds": round(done.milliseconds, 1),
    }


def read_pairs(folder: Path) -> Iterator[FilePair]:
    """The pairs of a folder; raises BadInput that names the line where something is missing."""
    table = folder / "pairs.csv"
    if not table.is_file():
        raise BadInput(f"{folder} has no pairs.csv", field="folder")
    with table.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            missing = [name for name in _COLUMNS if not row.get(name)]
            if missing:
                raise BadInput(f"pairs.csv line {number}: no {missing[0]}", field=missing[0])
            paths = [folder / str(row[name]) for name in _COLUMNS]
            for path in paths:
                if not path.is_file():
                    raise BadInput(f"pairs.csv line {number}: {path.name} is not there", field="before")
            yield FilePair(
                category=row.get("category") or "",
                place=row.get("place") or "",
                before=paths[0],
                after=paths[1],
                regions=_regions_of(row, number),
            )


def _regions_of(row: dict[str, str], number: int) -> tuple[Box, ...]:
    corners = [row.get(name) or "" for name in ("x1", "y1", "x2", "y2")]
    if not any(corners):
        return ()
    try:
        return (_region(",".join(corners)),)
    except BadInput as error:
        raise BadInput(f"pairs.csv line {number}: {error.message}", field="x1") from None


def _region(text: str) -> Box:
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"{text!r} is not x1,y1,x2,y2", field="region") from None
    if not (0 <= x1 < x2 and 0 <= y1 < y2):
        raise BadInput(f"{text!r}: x1 < x2 and y1 < y2 are needed", field="region")
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)
