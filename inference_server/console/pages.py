"""The console's routes, put together: `create_router` is what bootstrap.py mounts."""

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles

from inference_server.console.details import case_detail, frame_detail
from inference_server.console.figures import figures
from inference_server.console.languages import Messages
from inference_server.console.live import Pulse
from inference_server.console.login import add_login
from inference_server.console.map_data import case_features, grid_features, trail_points
from inference_server.console.moves import add_moves
from inference_server.console.own_password import add_own_password
from inference_server.console.pictures import checked_sha256, cut_out, for_thumbnail, picture_reply
from inference_server.console.queries import Found, ListQuery, find_cases
from inference_server.console.replies import Replies, is_from_script, json_reply, route_class
from inference_server.console.reviews import add_reviews
from inference_server.console.services import ConsoleServices
from inference_server.console.session import Session
from inference_server.console.tips import add_tips
from inference_server.console.vendor import check_assets
from inference_server.console.verifications import add_verifications
from inference_server.console.views import case_row
from inference_server.domain.case import CaseId
from inference_server.domain.errors import NotFound
from inference_server.domain.frame import FrameId
from inference_server.domain.reach import Reach
from inference_server.sight import Shows

_STATIC: Final = Path(__file__).resolve().parent / "static"


def create_router(services: ConsoleServices) -> APIRouter:
    """All routes under /console. Raises MissingAssets where the page's libraries have not been built."""
    check_assets()
    replies = Replies.build(services.signing_in)
    router = APIRouter(prefix="/console", include_in_schema=False, route_class=route_class(replies))
    pulse = Pulse(services.store, services.live_every_s, services.is_stopping)
    add_login(router, services, replies)
    add_own_password(router, services, replies)
    add_moves(router, services, replies)
    add_reviews(router, services, replies)
    add_verifications(router, services, replies)
    add_tips(router, services, replies)
    _add_pages(router, services, replies, pulse)
    _add_map(router, services, replies, pulse)
    _add_files(router, services, replies)
    return router


def _add_pages(router: APIRouter, services: ConsoleServices, replies: Replies, pulse: Pulse) -> None:
    SignedIn = Annotated[Session, Depends(replies.session)]

    def whole_page(request: Request, session: Session, more: dict[str, Any]) -> Response:
        seen, texts = str(pulse.signature(session.reach)), replies.language(request)
        values = _list_values(services, texts, ListQuery.read(request.query_params), session.reach)
        values |= {"session": session, "seen": seen, "classes": _case_classes(texts), **more}
        return replies.page(request, "page.html", values)

    @router.get("")
    def index(request: Request, session: SignedIn) -> Response:
        return whole_page(request, session, {"detail": None})

    @router.get("/list")
    def case_list(request: Request, session: SignedIn) -> Response:
        texts, query = replies.language(request), ListQuery.read(request.query_params)
        return replies.page(
            request, "_list.html", {**_list_values(services, texts, query, session.reach), "is_update": True}
        )

    @router.get("/cases/{case_id}")
    def case(request: Request, session: SignedIn, case_id: str) -> Response:
        detail = case_detail(services, CaseId(case_id), replies.language(request), session.reach)
        values = {"detail": detail, "problem": None, "undo": None, "typed": ""}
        if is_from_script(request):
            return replies.page(request, "_case.html", {**values, "session": session})
        return whole_page(request, session, values)

    @router.get("/frames/{frame_id}")
    def frame(request: Request, session: SignedIn, frame_id: str) -> Response:
        values = {"detail": frame_detail(services, FrameId(frame_id), session.reach)}
        return replies.page(request, "_frame.html" if is_from_script(request) else "frame.html", values)


def _add_map(router: APIRouter, services: ConsoleServices, replies: Replies, pulse: Pulse) -> None:
    SignedIn = Annotated[Session, Depends(replies.session)]
    signed_in = [Depends(replies.session)]

    @router.get("/map/grids.json", dependencies=signed_in)
    def grids(request: Request) -> Response:
        return json_reply(request, grid_features(services.store.grids(), services.now()))

    @router.get("/map/cases.json")
    def cases(request: Request, session: SignedIn) -> Response:
        texts, query = replies.language(request), ListQuery.read(request.query_params)
        found = _find(services, texts, query, services.map_cases, session.reach)
        return json_reply(request, {**case_features(found.cases), "has_more": found.has_more})

    @router.get("/map/trail.json")
    def trail(request: Request, session: SignedIn, since: AwareDatetime | None = None) -> Response:
        return json_reply(request, trail_points(services, since, session.reach))

    @router.get("/live")
    async def live(request: Request, session: SignedIn, seen: str = "") -> Response:
        events = pulse.events(session.reach, request.headers.get("last-event-id") or seen or None, services.live_for_s)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def _add_files(router: APIRouter, services: ConsoleServices, replies: Replies) -> None:
    SignedIn = Annotated[Session, Depends(replies.session)]
    static = StaticFiles(directory=_STATIC)

    def picture(request: Request, session: Session, shown: Shows, wanted: str, sha256: str) -> Response:
        if checked_sha256(sha256) not in services.sight.pictures(shown, wanted, session.reach):
            raise NotFound(f"no picture {sha256}", field="sha256")
        return picture_reply(request, services.showing.picture(sha256), services.showing.tag(sha256))

    def add_pictures(shown: Shows) -> None:
        @router.get(f"/{shown.value}/{{wanted}}/pictures/{{sha256}}", name=f"picture of {shown.value}")
        def of_one(request: Request, session: SignedIn, wanted: str, sha256: str) -> Response:
            return picture(request, session, shown, wanted, sha256)

    for shown in Shows:
        add_pictures(shown)

    @router.get("/cases/{case_id}/thumbnail")
    def thumbnail(request: Request, session: SignedIn, case_id: str) -> Response:
        item = for_thumbnail(services.store.evidence(services.sight.case(CaseId(case_id), session.reach).id))
        small = cut_out(services.showing.picture(item.sha256), item.box)
        cut = "-".join(f"{side:.0f}" for side in item.box)
        reply = picture_reply(request, small, f"{services.showing.tag(item.sha256)}-{cut}")
        reply.headers["Cache-Control"] = "private, max-age=5"  # a nearer picture may take its place
        return reply

    @router.get("/static/{path:path}")
    async def file(request: Request, path: str) -> Response:
        if path.startswith("vendor/dev/"):
            raise NotFound(f"no file {path!r}")
        lookup = await run_in_threadpool(static.get_path, {"type": "http", "path": f"/{path}", "root_path": ""})
        reply = await static.get_response(lookup, request.scope)
        reply.headers["Cache-Control"] = "no-cache"
        return reply


def _find(services: ConsoleServices, texts: Messages, query: ListQuery, most: int, reach: Reach) -> Found:
    wanted = query.wanted(services.states, reach)
    return find_cases(services.store, query, wanted, lambda name: texts.named("class", name), most)


def _list_values(services: ConsoleServices, texts: Messages, query: ListQuery, reach: Reach) -> dict[str, Any]:
    found = _find(services, texts, query, query.shown, reach)
    rows = [case_row(case, texts, services.states, services.now()) for case in found.cases]
    return {
        "rows": rows,
        "has_more": found.has_more,
        "query": query,
        "figures": figures(services.store.counts(reach), texts, services.states, reach),
    }


def _case_classes(texts: Messages) -> dict[str, str]:
    """Labels of the classes that can be cases: those with a mark on the map."""
    return {
        key.partition(".")[2]: texts.named("class", key.partition(".")[2])
        for key in texts.texts
        if key.startswith("mark.")
    }
