"""What every answer of the console has in common: headers, templates, languages, and answers to faults."""

import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from inference_server.console.languages import COOKIE as LANGUAGE_COOKIE
from inference_server.console.languages import Messages, choose_language, load_messages
from inference_server.console.session import COOKIE, NotYours, Session
from inference_server.console.views import city_time
from inference_server.domain.errors import BadInput, Conflict, Gone, IllegalMove, InspectionError, NotFound
from inference_server.signing_in import SigningIn

_TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
# Nothing inline, nothing evaluated, nothing from elsewhere; the page is in nobody's frame.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STATUS: Final[tuple[tuple[type[InspectionError], int], ...]] = (
    (Gone, 410),
    (NotFound, 404),
    (Conflict, 409),
    (IllegalMove, 409),
    (NotYours, 403),
)
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class NoSession(Exception):
    """The browser has not signed in."""


@dataclass(frozen=True, slots=True)
class Replies:
    """Renders pages in the language of whoever asks."""

    templates: Environment
    messages: dict[str, Messages]
    signing_in: SigningIn

    @classmethod
    def build(cls, signing_in: SigningIn) -> "Replies":
        """Templates with escaping on; a name that is missing is a fault, not an empty text."""
        loader = FileSystemLoader(_TEMPLATES)
        templates = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        templates.filters["city_time"] = city_time
        return cls(templates, load_messages(), signing_in)

    def language(self, request: Request) -> Messages:
        """The texts in the language that the request asks for."""
        cookie, accept = request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
        return self.messages[choose_language(cookie, accept)]

    def page(self, request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """A rendered template. Its language depends on headers, so no shared cache may keep it."""
        text = self.templates.get_template(template).render(values, t=self.language(request))
        headers = {"Cache-Control": "no-store", "Vary": "Accept-Language, Cookie, HX-Request"}
        return HTMLResponse(text, status_code=status, headers=headers)

    def session(self, request: Request) -> Session:
        """The session of a request; raises NoSession."""
        found = self.session_or_none(request)
        if found is None:
            raise NoSession
        if _is_deed(request):
            self.signing_in.sessions.saw(found.secret)
        return found

    def session_or_none(self, request: Request) -> Session | None:
        """The session of a request, if it has one that holds."""
        secret = request.cookies.get(COOKIE)
        who = self.signing_in.who(secret)
        return None if who is None or secret is None else Session.of(who, secret)

    def ask_to_sign_in(self, request: Request, problem: str | None = None, status: int = 401) -> Response:
        """The login page, as a 401 as a rule; a script that asked is sent there by its own header."""
        if is_from_script(request):
            return Response(status_code=status, headers={"HX-Redirect": "/console/login"})
        values = {"problem": problem, "has_accounts": self.signing_in.has_accounts}
        return self.page(request, "login.html", values, status)

    def fault(self, request: Request, fault: InspectionError) -> Response:
        """A fault as a page or, for a script, as a piece of one."""
        status = next((status for kind, status in _STATUS if isinstance(fault, kind)), 422)
        template = "_fault.html" if is_from_script(request) else "fault.html"
        return self.page(request, template, {"fault": fault}, status)


def route_class(replies: Replies) -> type[APIRoute]:
    """Routes whose answers all carry the console's headers, and whose faults are pages."""

    class ConsoleRoute(APIRoute):
        def get_route_handler(self) -> _Handler:
            inner = super().get_route_handler()

            async def handle(request: Request) -> Response:
                try:
                    response = await inner(request)
                except NoSession:
                    response = replies.ask_to_sign_in(request)
                except RequestValidationError:
                    response = replies.fault(request, BadInput("a field is missing, malformed or outside its limit"))
                except InspectionError as fault:
                    response = replies.fault(request, fault)
                for name, value in _HEADERS.items():
                    response.headers.setdefault(name, value)
                return response

            return handle

    return ConsoleRoute


def _is_deed(request: Request) -> bool:
    """Whether a person did something. What the page asks for by itself must not keep anybody signed in."""
    if request.method == "POST" or request.headers.get("sec-fetch-dest", "document") == "document":
        return True
    return is_from_script(request) and "/cases/" in request.url.path


def is_from_script(request: Request) -> bool:
    """Whether htmx or one of our modules asked, and wants a piece of a page."""
    return request.headers.get("hx-request") == "true"


def json_reply(request: Request, payload: Any) -> Response:
    """JSON that the browser keeps, and asks again whether it still holds."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
