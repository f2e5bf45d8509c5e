"""Legal holds as rows, and back."""

from typing import Any

from inference_server.adapters.column_types import AnyRow
from inference_server.domain.case import CaseId
from inference_server.domain.hold import Held, Hold, HoldId, Lifted


def hold_values(hold: Hold) -> dict[str, Any]:
    """The columns of a hold that is set."""
    held = hold.held
    return {
        "id": hold.id,
        "case_id": held.case_id,
        "device": held.device,
        "since": held.since,
        "until": held.until,
        "at": hold.at,
        "by": hold.by,
        "reason": hold.reason,
    }


def hold_of(row: AnyRow) -> Hold:
    """The hold of a row."""
    lifted = None
    if row.lifted_at is not None:
        lifted = Lifted(at=row.lifted_at, by=row.lifted_by, reason=row.lift_reason)
    case_id = None if row.case_id is None else CaseId(row.case_id)
    return Hold(
        id=HoldId(row.id),
        held=Held(case_id=case_id, device=row.device, since=row.since, until=row.until),
        at=row.at,
        by=row.by,
        reason=row.reason,
        lifted=lifted,
    )
