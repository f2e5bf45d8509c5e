"""The operator moves a case: one form, one use case, an undo instead of a question."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from inference_server.casework import MoveRequest
from inference_server.console.details import case_detail
from inference_server.console.login import demand_own_form
from inference_server.console.replies import Replies, is_from_script
from inference_server.console.services import ConsoleServices
from inference_server.console.session import Session, demand
from inference_server.domain.case import CaseId
from inference_server.domain.errors import BadInput, Conflict, IllegalMove


def add_moves(router: APIRouter, services: ConsoleServices, replies: Replies) -> None:
    """The route of the form under a case."""

    @router.post("/cases/{case_id}/moves")
    def move(
        request: Request,
        session: Annotated[Session, Depends(replies.session)],
        case_id: str,
        state: Annotated[str, Form()] = "",
        expected_state: Annotated[str, Form()] = "",
        reason: Annotated[str, Form(max_length=500)] = "",
        form_token: Annotated[str, Form()] = "",
    ) -> Response:
        demand_own_form(request, session, form_token)
        demand(session.role.may_move)
        wanted = MoveRequest(
            case_id=services.sight.case(CaseId(case_id), session.reach).id,
            by=session.by,
            state=state or None,
            reason=reason.strip() or None,
            expected_state=expected_state or None,
        )
        problem, undo = None, None
        try:
            services.casework.move(wanted)
            undo = expected_state if (state, expected_state) in services.states.moves else None
        except Conflict:
            problem = "move.stale"
        except (IllegalMove, BadInput) as fault:
            problem = "move.needs_reason" if fault.field == "reason" else "move.refused"
        if not is_from_script(request) and problem is None:
            return RedirectResponse(f"/console/cases/{case_id}", status_code=303)
        texts = replies.language(request)
        detail = case_detail(services, CaseId(case_id), texts, session.reach)
        if undo not in {choice.state for choice in detail.choices}:
            undo = None
        values = {
            "detail": detail,
            "session": session,
            "problem": problem,
            "undo": undo,
            "typed": reason if problem else "",
        }
        return replies.page(request, "_case.html", values, 409 if problem else 200)
