"""The way in and out: accounts, the one-time token, the session cookie, the language."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from inference_server.console.languages import COOKIE as LANGUAGE_COOKIE
from inference_server.console.languages import LANGUAGES
from inference_server.console.replies import Replies
from inference_server.console.services import ConsoleServices
from inference_server.console.session import COOKIE, Session, is_own_form
from inference_server.domain.errors import Conflict
from inference_server.signing_in import SignInRefused, TooManyTries

HOME = "/console"
_YEAR_S = 365 * 24 * 3600


class ForeignForm(Conflict):
    """The form did not come from a page of this session: load the page again."""

    code = "foreign_form"


def is_same_origin(request: Request) -> bool:
    """Whether the browser says that our own page sends this (one that says nothing is no modern browser's form)."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def demand_own_form(request: Request, session: Session, form_token: str) -> None:
    """Nothing, or ForeignForm for a form that another site made the browser send."""
    if not (is_same_origin(request) and is_own_form(session, form_token)):
        raise ForeignForm("the form did not come from this page: load the page again", field="form_token")


def add_login(router: APIRouter, services: ConsoleServices, replies: Replies) -> None:
    """Routes to sign in, sign out and change the language."""

    entrance = Entrance(services, replies)

    @router.get("/login")
    def login_page(request: Request, token: str = "") -> Response:
        if replies.session_or_none(request) is not None:
            return RedirectResponse(HOME, status_code=303)
        return entrance.once(request, token) if token else replies.ask_to_sign_in(request)

    @router.post("/login")
    def login(
        request: Request,
        token: Annotated[str, Form()] = "",
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
    ) -> Response:
        if not is_same_origin(request):
            raise ForeignForm("the form did not come from this page: load the page again", field="token")
        if token:
            return entrance.once(request, token.strip())
        return entrance.by_name(request, name, password)

    @router.post("/logout")
    def logout(
        request: Request,
        session: Annotated[Session, Depends(replies.session)],
        form_token: Annotated[str, Form()] = "",
    ) -> Response:
        demand_own_form(request, session, form_token)
        services.signing_in.leave(session.secret, session.who)
        reply = RedirectResponse("/console/login", status_code=303)
        reply.delete_cookie(COOKIE, path=HOME)
        return reply

    @router.get("/language/{language}")
    def set_language(request: Request, language: str) -> Response:
        reply = RedirectResponse(_way_back(request), status_code=303)
        if language in LANGUAGES:
            _set_cookie(request, reply, LANGUAGE_COOKIE, language, _YEAR_S)
        return reply


@dataclass(frozen=True, slots=True)
class Entrance:
    """Lets browsers in, or says why not."""

    services: ConsoleServices
    replies: Replies

    def once(self, request: Request, token: str) -> Response:
        """The desk, for who holds the one-time token of the start."""
        once, signing_in = self.services.one_time_token, self.services.signing_in
        return self._enter(request, lambda address: signing_in.enter_once(lambda: once.consume(token), address))

    def by_name(self, request: Request, name: str, password: str) -> Response:
        """The desk, for who has an account."""
        return self._enter(request, lambda address: self.services.signing_in.enter(name, password, address))

    def _enter(self, request: Request, way_in: Callable[[str], str]) -> Response:
        texts = self.replies.language(request)
        try:
            return self.let_in(request, way_in(request.client.host if request.client else ""))
        except SignInRefused:
            wrong = "login.wrong" if self.services.signing_in.has_accounts else "login.refused"
            return self.replies.ask_to_sign_in(request, texts(wrong))
        except TooManyTries as fault:
            wait_s = math.ceil(fault.retry_after_s)
            reply = self.replies.ask_to_sign_in(request, texts("login.throttled", seconds=wait_s), 429)
            reply.headers["Retry-After"] = str(wait_s)
            return reply

    def let_in(self, request: Request, secret: str) -> Response:
        """On to the desk with a cookie of its own; a session that the browser had before is over."""
        signing_in, before = self.services.signing_in, self.replies.session_or_none(request)
        if before is not None:
            signing_in.sessions.end(before.secret)
        reply = RedirectResponse(HOME, status_code=303)
        _set_cookie(request, reply, COOKIE, secret, signing_in.limits.longest.total_seconds())
        return reply


def _set_cookie(request: Request, reply: Response, name: str, value: str, max_age_s: float) -> None:
    secure = request.url.scheme == "https"
    reply.set_cookie(name, value, int(max_age_s), path=HOME, secure=secure, httponly=True, samesite="strict")


def _way_back(request: Request) -> str:
    """The page of ours that the browser comes from, without its query (a token may stand there)."""
    came_from = urlsplit(request.headers.get("referer", ""))
    is_ours = came_from.netloc == request.headers.get("host") and came_from.path.startswith(f"{HOME}/")
    return came_from.path if is_ours else HOME
