"""The page on which somebody changes their own password."""

import math
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from inference_server.console.login import Entrance, demand_own_form
from inference_server.console.replies import Replies
from inference_server.console.services import ConsoleServices
from inference_server.console.session import Session, demand
from inference_server.domain.account import LONGEST_PASSWORD, SHORTEST_PASSWORD
from inference_server.domain.errors import BadInput
from inference_server.signing_in import SignInRefused, TooManyTries


def add_own_password(router: APIRouter, services: ConsoleServices, replies: Replies) -> None:
    """The page and its form."""
    SignedIn = Annotated[Session, Depends(replies.session)]
    entrance = Entrance(services, replies)

    def page(request: Request, session: Session, problem: str | None = None, status: int = 200) -> Response:
        texts = replies.language(request)
        values = {
            "session": session,
            "problem": None if problem is None else texts(problem),
            "explain": texts("password.explain", least=SHORTEST_PASSWORD),
            "least": SHORTEST_PASSWORD,
            "most": LONGEST_PASSWORD,
        }
        return replies.page(request, "password.html", values, status)

    @router.get("/password")
    def show(request: Request, session: SignedIn) -> Response:
        demand(session.has_account)
        return page(request, session)

    @router.post("/password")
    def change(
        request: Request,
        session: SignedIn,
        current: Annotated[str, Form()] = "",
        new: Annotated[str, Form()] = "",
        again: Annotated[str, Form()] = "",
        form_token: Annotated[str, Form()] = "",
    ) -> Response:
        demand_own_form(request, session, form_token)
        demand(session.has_account)
        if new != again:
            return page(request, session, "password.differ", 422)
        address = request.client.host if request.client else ""
        try:
            return entrance.let_in(request, services.signing_in.change_password(session.who, current, new, address))
        except SignInRefused:
            return page(request, session, "password.wrong", 422)
        except BadInput:
            return page(request, session, "password.poor", 422)
        except TooManyTries as fault:
            reply = page(request, session, "password.throttled", 429)
            reply.headers["Retry-After"] = str(math.ceil(fault.retry_after_s))
            return reply
