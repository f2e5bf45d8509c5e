"""Cases as service requests: looked up by their ids or those of tips, and written down as the specification has it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from inference_server.domain.case import Case, CaseId
from inference_server.domain.errors import NotFound
from inference_server.domain.tip import TIP_SOURCE, Tip, TipId
from inference_server.web.open311.access import Asker
from inference_server.web.services import Services


@dataclass(frozen=True, slots=True)
class Asked:
    """A case, and the tip under whose id it was asked for, if it was one's."""

    case: Case
    tip: Tip | None = None


def find_tip(services: Services, asker: Asker, wanted: str) -> Tip | None:
    """The tip of an id, where there is one that they may see: their own, and those of cases that they see."""
    try:
        tip = services.open311.tips.tip(TipId(wanted))
    except NotFound:
        return None
    if asker.told(tip) or asker.reach.is_whole:
        return tip
    seen = tip.case_id is not None and asker.reach.covers(services.store.case(tip.case_id).grid)
    return tip if seen else None


def find_request(services: Services, asker: Asker, wanted: str) -> Asked:
    """The case of an id; raises NotFound."""
    tip = find_tip(services, asker, wanted)
    try:
        if tip is None:
            return Asked(services.sight.case(CaseId(wanted), asker.reach))
        if tip.case_id is not None:
            return Asked(services.store.case(tip.case_id), tip)
    except NotFound:
        raise NotFound("there is no such service request", field="service_request_id") from None
    raise NotFound("nobody has placed it yet: ask for it as a token", field="service_request_id")


def find_those_there(services: Services, asker: Asker, wanted: Iterable[str]) -> list[Asked]:
    """The cases of those ids that there are, in their order."""
    found = []
    for one in wanted:
        try:
            found.append(find_request(services, asker, one))
        except NotFound:
            continue
    return found


def documents(services: Services, asker: Asker, found: Sequence[Asked], base_url: str) -> list[dict[str, Any]]:
    """The requests as they are answered. Nothing that a person wrote is in them."""
    pictures = services.store.near_pictures([one.case.id for one in found]) if asker.sees_pictures else {}
    return [_document(services, one, _link(one.case, pictures.get(one.case.id), base_url)) for one in found]


def _document(services: Services, asked: Asked, media_url: str | None) -> dict[str, Any]:
    case, tip, place = asked.case, asked.tip, services.open311
    state, zone = place.states.states[case.state], ZoneInfo(place.policy.timezone)
    found_by = "told by a person" if case.source == TIP_SOURCE else "seen by a patrol vehicle"
    return {
        "service_request_id": case.id if tip is None else tip.id,
        "status": "open" if state.open else "closed",
        "status_notes": f"{state.name_zh} ({state.name_en})",
        "service_name": case.name,
        "service_code": case.code if case.kind == "matter" else f"c{case.code}",
        "description": f"{case.class_name}, {found_by}",
        "agency_responsible": None,
        "service_notice": None,
        "requested_datetime": _moment(case.filed_at if tip is None else tip.received_at, zone),
        "updated_datetime": _moment(case.changed_at, zone),
        "expected_datetime": None if case.deadline_at is None else _moment(case.deadline_at, zone),
        "address": None,
        "address_id": case.grid,
        "zipcode": None,
        "lat": round(case.position.lat, 7),
        "long": round(case.position.lon, 7),
        "media_url": media_url,
    }


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


def _link(case: Case, sha256: str | None, base_url: str) -> str | None:
    return None if sha256 is None else f"{base_url}v1/cases/{case.id}/evidence/{sha256}"
