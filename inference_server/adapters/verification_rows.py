"""Verifications as rows, and back."""

from typing import Any

from inference_server.adapters.column_types import AnyRow
from inference_server.domain.plain import made, plain
from inference_server.domain.verdict import Verdict, VerificationId, VerificationRequest
from inference_server.domain.verification_record import (
    HumanAnswer,
    HumanSays,
    Switch,
    VerificationRecord,
    VerificationState,
)


def verification_values(record: VerificationRecord) -> dict[str, Any]:
    """The columns of a verification."""
    request, verdict, answer = record.request, record.verdict, record.answer
    return {
        "id": record.id,
        "caller": request.caller,
        "key": request.key,
        "body_sha256": request.body_sha256,
        "case_id": request.case_id,
        "state": record.state.value,
        "created_at": record.created_at,
        "code": None if verdict is None else verdict.case.code,
        "district": None if verdict is None else verdict.case.district,
        "decision": None if verdict is None else verdict.decision.value,
        "proposed": None if verdict is None else verdict.proposed.value,
        "is_spot_check": verdict is not None and verdict.is_spot_check,
        "awaits_person": record.awaits_person,
        "request": plain(request),
        "verdict": None if verdict is None else plain(verdict),
        "fault": record.fault,
        "says": None if answer is None else answer.says.value,
        "answered_by": None if answer is None else answer.by,
        "answered_at": None if answer is None else answer.at,
        "is_blind": None if answer is None else answer.is_blind,
        "answer_reason": None if answer is None else answer.reason,
    }


def verification_of(row: AnyRow) -> VerificationRecord:
    """The verification of a row."""
    answer = None
    if row.says is not None:
        answer = HumanAnswer(
            says=HumanSays(row.says),
            by=row.answered_by,
            at=row.answered_at,
            is_blind=row.is_blind,
            reason=row.answer_reason,
        )
    return VerificationRecord(
        id=VerificationId(row.id),
        request=made(VerificationRequest, row.request),
        state=VerificationState(row.state),
        created_at=row.created_at,
        verdict=None if row.verdict is None else made(Verdict, row.verdict),
        answer=answer,
        fault=row.fault,
    )


def switch_values(switch: Switch) -> dict[str, Any]:
    """The columns of a switch."""
    return {"scope": switch.scope, "is_off": switch.is_off, "why": switch.why, "by": switch.by, "at": switch.at}


def switch_of(row: AnyRow) -> Switch:
    """The switch of a row."""
    return Switch(scope=row.scope, is_off=row.is_off, why=row.why, by=row.by, at=row.at)
