"""What people told with an address in words only: an operator reads it, finds the place, and the tip becomes a case."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from inference_server.console.login import demand_own_form
from inference_server.console.replies import Replies
from inference_server.console.services import ConsoleServices
from inference_server.console.session import Session, demand
from inference_server.domain.datum import DATUMS, to_wgs84
from inference_server.domain.errors import BadInput, Conflict, NotFound
from inference_server.domain.tip import Tip, TipId

_HOME = "/console/tips"
_SHOWN = 100
_MOST_CHARACTERS = 24  # of a coordinate


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form."""

    lat: str = ""
    lon: str = ""
    datum: str = DATUMS[0]


def add_tips(router: APIRouter, services: ConsoleServices, replies: Replies) -> None:
    """The page, and the route of its form."""
    SignedIn = Annotated[Session, Depends(replies.session)]

    def page(request: Request, session: Session, more: dict[str, Any], status: int = 200) -> Response:
        values = {"session": session, "queue": _queue(services, session), "datums": DATUMS, "typed": Typed()}
        return replies.page(
            request, "tips.html", {**values, "tip": None, "placed": None, "problem": None, **more}, status
        )

    @router.get("/tips")
    def index(request: Request, session: SignedIn, placed: str = "") -> Response:
        demand(session.role.may_move)
        return page(request, session, {"placed": _placed(services, session, placed)})

    @router.get("/tips/{tip_id}")
    def one(request: Request, session: SignedIn, tip_id: str, placed: str = "") -> Response:
        demand(session.role.may_move)
        return page(
            request, session, {"tip": _tip(services, session, tip_id), "placed": _placed(services, session, placed)}
        )

    @router.post("/tips/{tip_id}")
    def place(
        request: Request,
        session: SignedIn,
        tip_id: str,
        lat: Annotated[str, Form(max_length=_MOST_CHARACTERS)] = "",
        lon: Annotated[str, Form(max_length=_MOST_CHARACTERS)] = "",
        datum: Annotated[str, Form()] = DATUMS[0],
        form_token: Annotated[str, Form()] = "",
    ) -> Response:
        demand_own_form(request, session, form_token)
        demand(session.role.may_move)
        tip, typed = _tip(services, session, tip_id), Typed(lat, lon, datum)
        try:
            position = to_wgs84(_degrees(lat, "lat"), _degrees(lon, "lon"), datum)
            services.tipping.place(tip.id, position, session.by)
        except Conflict:
            return page(request, session, {"tip": tip, "problem": "tips.stale"}, 409)
        except BadInput as fault:
            problem = "tips.no_number" if fault.field in ("lat", "lon", "datum") else "tips.refused"
            return page(request, session, {"tip": tip, "typed": typed, "problem": problem, "why": fault.message}, 422)
        left = _queue(services, session)
        home = f"{_HOME}/{left[0].id}" if left else _HOME
        return RedirectResponse(f"{home}?placed={tip.id}", status_code=303)


def _queue(services: ConsoleServices, session: Session) -> list[Tip]:
    """They belong to no district: whoever has some districts only sees none."""
    return services.tips.unplaced(_SHOWN) if session.reach.is_whole else []


def _tip(services: ConsoleServices, session: Session, tip_id: str) -> Tip:
    if not session.reach.is_whole:
        raise NotFound(f"no tip {tip_id}", field="tip")
    return services.tips.tip(TipId(tip_id))


def _placed(services: ConsoleServices, session: Session, tip_id: str) -> Tip | None:
    """The tip that was placed just now."""
    tip = _tip(services, session, tip_id) if tip_id else None
    return tip if tip is not None and tip.case_id is not None else None


def _degrees(text: str, field: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"{text!r} is no number of degrees", field=field) from None
