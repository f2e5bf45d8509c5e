"""From the record of verifications to the figures of `xuncheng verify-report`."""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from inference_server.domain.closing_report import ClosingFigures, Outcome, Share, by_slice, figures
from inference_server.domain.verdict import Side, Verdict
from inference_server.domain.verification import Closing
from inference_server.domain.verification_record import HumanSays, VerificationRecord

SLICES: Final = ("code", "district", "light", "source")
_DAY: Final = range(6, 18)  # hours of the city's clock; a photograph without a time is neither day nor night
_DIGITS: Final = 6


def outcome_of(record: VerificationRecord, zone: tzinfo) -> Outcome | None:
    """The outcome of a verification; None while there is no verdict."""
    verdict = record.verdict
    if verdict is None:
        return None
    known = None if record.answer is None else record.answer.says is HumanSays.FIXED
    return Outcome(
        decision=verdict.decision,
        is_fixed=known,
        reasons=tuple(dict.fromkeys(reason.code.value for reason in verdict.reasons)),
        slices={
            "code": verdict.case.code,
            "district": verdict.case.district or "unknown",
            "light": _light(verdict, zone),
            "source": _source(verdict),
        },
    )


def report(outcomes: Sequence[Outcome], fraud_share: float) -> dict[str, Any]:
    """The whole report as a document: all together, and each slice."""
    document: dict[str, Any] = {"fraud_share": fraud_share, "all": figures_document(figures(outcomes), fraud_share)}
    for name in SLICES:
        groups = by_slice(outcomes, name)
        document[name] = {value: figures_document(found, fraud_share) for value, found in groups.items()}
    return document


def figures_document(found: ClosingFigures, fraud_share: float) -> dict[str, Any]:
    """One set of figures with counts and bounds."""
    return {
        "presented": found.presented,
        "decisions": {one.value: found.decisions.get(one, 0) for one in Closing},
        "auto_decided": _share(found.auto_decided),
        "wrong_of_closed": _share(found.wrong_of_closed),
        "closed_of_not_fixed": _share(found.false_close),
        "closed_of_fixed": _share(found.true_close),
        "wrong_at_fraud_share": _rounded(found.wrong_at(fraud_share)),
        "wrong_at_fraud_share_bound": _rounded(found.wrong_at(fraud_share, bound=True)),
        "checked_share": _rounded(found.checked_share),
        "reasons": dict(found.reasons),
    }


def outcomes_of(records: Iterable[VerificationRecord], zone: tzinfo) -> list[Outcome]:
    """The outcomes of all verdicts."""
    found = (outcome_of(record, zone) for record in records)
    return [one for one in found if one is not None]


def _share(share: Share) -> dict[str, float | int | None]:
    value = None if share.value is None else round(share.value, _DIGITS)
    return {
        "hits": share.hits,
        "of": share.of,
        "value": value,
        "upper_95": round(share.upper, _DIGITS),
        "lower_95": round(share.lower, _DIGITS),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _light(verdict: Verdict, zone: tzinfo) -> str:
    times = [photo.taken_at for photo in verdict.photos if photo.side is Side.AFTER]
    known: list[datetime] = [at for at in times if at is not None]
    if not known:
        return "unknown"
    return "day" if known[0].astimezone(zone).hour in _DAY else "night"


def _source(verdict: Verdict) -> str:
    """Where the photographs before come from: uploads, or frames of the patrol."""
    sources = {
        "upload" if photo.source == "upload" else "patrol" for photo in verdict.photos if photo.side is Side.BEFORE
    }
    return "+".join(sorted(sources)) or "none"
