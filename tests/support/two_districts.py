"""A city of two districts with one of everything in each, behind the real app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import httpx
import shapely
from support.app import OpenApp
from support.drive import at
from support.posting import a_picture
from support.seeded_city import SeededCity
from support.verdicts import case_facts, photo_facts, record
from ulid import ULID

from inference_server.adapters.opening import Adapters
from inference_server.domain.case import Case
from inference_server.domain.closing import Closing
from inference_server.domain.grid import Grid, GridId
from inference_server.domain.hold import Held
from inference_server.domain.review import ReviewItem, ReviewKind
from inference_server.domain.verdict import VerificationId

HERE, THERE = "330106", "330102"
_EAST_M = {HERE: 20.0, THERE: 420.0}  # where each district begins; both are 380 m wide


@dataclass(frozen=True, kw_only=True)
class Things:
    """What lies in one district."""

    case: Case
    in_review: Case
    frame: str  # shows the case
    driven: str  # taken there, shows nothing
    review: str
    verification: str
    sha256: str  # of a picture of the case
    review_sha256: str
    photo: str  # of the verification
    hold: str  # of the case


@dataclass(frozen=True, kw_only=True)
class TwoDistricts:
    """The app, and what lies where."""

    app: OpenApp
    city: SeededCity
    here: Things
    there: Things
    nowhere: Case  # in no grid

    def client(self, *scopes: str, district: str | None = HERE) -> httpx.Client:
        """A client with a token of these scopes, for a district or the whole city."""
        districts = None if district is None else (district,)
        registry = self.app.application.record.registry
        secret = registry.issue_token("clerk", frozenset(scopes), None, None, districts=districts)[1]
        return httpx.Client(base_url=self.app.url, headers={"Authorization": f"Bearer {secret}"}, timeout=30.0)


def two_districts(app: OpenApp) -> TwoDistricts:
    """Both districts, filled."""
    store = app.application.record.store
    store.replace_grids("two", [_grid(HERE), _grid(THERE)])
    city = SeededCity(record=app.application.record)
    city.drive("car-1", [(25.0, 10.0), (795.0, 10.0)])
    things = {district: _things(city, district) for district in (HERE, THERE)}
    nowhere = city.file("garbage", 30.0, 15.0, grid=None)
    return TwoDistricts(app=app, city=city, here=things[HERE], there=things[THERE], nowhere=nowhere)


def _grid(district: str) -> Grid:
    low, high = at(_EAST_M[district], 0.0), at(_EAST_M[district] + 380.0, 400.0)
    box = shapely.box(low.lon, low.lat, high.lon, high.lat)
    return Grid(id=_grid_id(district), polygon=box, valid_from=date(2020, 1, 1), district_code=district, name="001")


def _grid_id(district: str) -> GridId:
    return GridId(f"{district}001001001")


def _things(city: SeededCity, district: str) -> Things:
    east_m, grid = _EAST_M[district] + 100.0, _grid_id(district)
    # A case on the border: its grid decides, not the one that its error reaches into.
    beside = _grid_id(THERE if district == HERE else HERE)
    case = city.file("garbage", east_m, 12.0, grid=grid, beside=beside)
    in_review = city.file("pothole", east_m + 50.0, 12.0, grid=grid, state="review")
    near, asked = (_near(city, one) for one in (case, in_review))
    driven = next(
        point.frame_id
        for point in city.record.store.trail(city.started_at, 10_000)
        if at(east_m - 90.0, 0.0).lon < point.position.lon < at(east_m - 60.0, 0.0).lon
    )
    review = f"case-{in_review.id}"
    item = ReviewItem(
        id=review,
        kind=ReviewKind.MIDDLE_BAND,
        created_at=in_review.filed_at,
        frame_id=asked.frame_id,
        class_name="pothole",
        score=0.4,
        box=(asked.box[0], asked.box[1], asked.box[2], asked.box[3]),
        case_id=in_review.id,
    )
    with city.record.store.work(()) as work:
        work.add_review(item)
    verification, photo = _verify(city.record, district)
    return Things(
        case=case,
        in_review=in_review,
        frame=near.frame_id,
        driven=driven,
        review=review,
        verification=verification,
        sha256=near.sha256,
        review_sha256=asked.sha256,
        photo=photo,
        hold=city.record.holds.hold(Held(case_id=case.id), by="operator:judge", reason="objection").id,
    )


def _near(city: SeededCity, case: Case):  # type: ignore[no-untyped-def]
    return next(item for item in city.record.store.evidence(case.id) if item.kind == "near")


def _verify(record_: Adapters, district: str) -> tuple[str, str]:
    """A verification of an inline case that waits for a person, and one of its photographs."""
    number, wanted = int(district), VerificationId(str(ULID()))
    sha256 = record_.evidence.put(a_picture(number))
    photos = tuple(replace(photo, sha256=sha256) for photo in photo_facts())
    made = record(number, decision=Closing.HUMAN, case=case_facts(district=district), photos=photos, id=wanted)
    with record_.store.work(()) as work:
        work.save_verification(replace(made, id=wanted))
    return wanted, sha256
