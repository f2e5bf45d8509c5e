"""What the console's pages show, read from their HTML."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.app import open_app
from support.console import Desk, signed_in
from support.parsed_page import Node
from support.seeded_case import OBSERVATIONS, PASSES
from support.seeded_city import a_whole_city

from inference_server.console.replies import CONTENT_SECURITY_POLICY
from inference_server.domain.case import Case, CaseId
from inference_server.ports import CaseFilter


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[Desk]:
    """A desk over a city with 37 cases; tests that change it make a fresh one."""
    with open_app(tmp_path_factory.mktemp("desk") / "data", card) as app:
        city = a_whole_city(app.application.record)
        with signed_in(app, city) as opened:
            yield opened


def cases_of(desk: Desk) -> dict[CaseId, Case]:
    return {case.id: case for case in desk.city.record.store.list_cases(CaseFilter(limit=200)).cases}


def shown(page: Node) -> list[str]:
    return [row.attributes["data-case"] for row in page.all("a", class_="row")]


def facts(page: Node) -> dict[str, str]:
    pairs = [
        block for block in page.all("div") if [c.name for c in block.children if isinstance(c, Node)] == ["dt", "dd"]
    ]
    return {block.one("dt").text: block.one("dd").text for block in pairs}


PAGES = ("/console", "/console/list", "/console/cases/{case}", "/console/frames/{frame}", "/console/cases/none")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_holds_what_its_policy_forbids(desk: Desk, path: str) -> None:
    case = next(iter(cases_of(desk)))
    frame = desk.city.record.store.evidence(case)[0].frame_id
    answer = desk.http.get(path.format(case=case, frame=frame))
    policy = answer.headers["content-security-policy"]
    assert policy == CONTENT_SECURITY_POLICY
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    page = desk.page(path.format(case=case, frame=frame), expect=answer.status_code)
    for node in page.walk():
        assert "style" not in node.attributes, node
        assert not [name for name in node.attributes if name.startswith(("on", "hx-on", "hx-vals", "hx-vars"))], node
        assert node.name != "style"
        if node.name == "script":
            assert "src" in node.attributes or node.attributes["type"] == "application/json"
        for name in ("src", "href", "action", "hx-get", "hx-post"):
            address = node.attributes.get(name, "/")
            assert address.startswith(("/", "#")), f"{address} is not ours"
            assert not address.startswith("//")


def test_htmx_may_neither_evaluate_nor_style(desk: Desk) -> None:
    settings = json.loads(desk.page().one("meta", name="htmx-config").attributes["content"])
    assert not settings["allowEval"]
    assert not settings["allowScriptTags"]
    assert not settings["includeIndicatorStyles"]
    assert settings["selfRequestsOnly"]


def test_the_list_shows_open_cases_newest_first(desk: Desk) -> None:
    rows = shown(desk.page())
    cases = cases_of(desk)
    is_open = {case_id for case_id, case in cases.items() if case.state not in ("closed", "void", "rejected")}
    assert set(rows) == is_open
    filed = [cases[row].filed_at for row in rows]
    assert filed == sorted(filed, reverse=True)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("state=closed", lambda case: case.state == "closed"),
        ("state=all", lambda case: True),
        ("state=all&class_name=pothole", lambda case: case.class_name == "pothole"),
        ("state=all&text=06010", lambda case: case.code == "06010"),
        ("state=all&text=SOIL+heap", lambda case: case.class_name == "soil_heap"),
        ("state=all&text=暴露", lambda case: case.class_name == "garbage"),
        ("state=all&text=330102001001006", lambda case: case.grid == "330102001001006"),
        ("state=all&on_border=1", lambda case: case.on_border),
        ("state=all&text=nothing+like+it", lambda case: False),
    ],
)
def test_the_filter_finds_exactly_what_fits(desk: Desk, query: str, fits: Callable[[Case], bool]) -> None:
    wanted = {case_id for case_id, case in cases_of(desk).items() if fits(case)}
    page = desk.page(f"/console/list?{query}", piece=True)
    assert set(shown(page)) == wanted
    assert page.one(id="count").attributes["data-count"] == str(len(wanted))
    features = desk.http.get(f"/console/map/cases.json?{query}").json()["features"]
    assert {feature["id"] for feature in features} == wanted


@pytest.mark.parametrize(
    "query", ["shown=0", "shown=-3", "shown=x", "shown=99999999", "state=%00", "class_name='", "on_border=2"]
)
def test_odd_filters_are_answered_like_none(desk: Desk, query: str) -> None:
    assert desk.http.get(f"/console/list?{query}").status_code == 200


def test_a_long_list_comes_in_parts(desk: Desk) -> None:
    part = desk.page("/console/list?state=all&shown=10", piece=True)
    assert len(shown(part)) == 10
    assert part.one("button", id="more")
    whole = desk.page("/console/list?state=all&shown=37", piece=True)
    assert len(shown(whole)) == 37
    assert not whole.all("button", id="more")


def test_each_figure_leads_to_as_many_cases_as_it_says(desk: Desk) -> None:
    figures = desk.page().one(id="figures").all("a")
    assert len(figures) >= 6
    for figure in figures:
        query = figure.attributes["href"].partition("?")[2]
        count = int(re.findall(r"(\d+)$", figure.text)[0])
        assert len(shown(desk.page(f"/console/list?{query}&shown=1000", piece=True))) == count


def test_a_case_shows_everything_it_stands_on(desk: Desk) -> None:
    case = next(case for case in cases_of(desk).values() if case.sightings)
    page = desk.page(f"/console/cases/{case.id}", piece=True)
    found = facts(page)
    assert found["Code"].startswith(case.code)
    assert case.name in found["Name in the standard"]
    assert found["Unit grid"] == case.grid
    assert "± 1.4 m (68 %)" in found["Position (WGS84)"]  # 1.515 x 0.9 m
    assert found["Observations"] == str(OBSERVATIONS)
    assert found["Passes"] == str(PASSES)
    assert found["Seen again since filing"] == str(case.sightings)
    assert found["Source"] == "Vehicle-borne collection"
    assert found["Number in the case system"] == "none"
    assert found["Model version"] == "seeded 1"
    assert found["Hash of the policy"] == case.policy_hash[:16]
    assert found["Case id"] == case.id
    assert "left" in found["Deadline"] or "overdue" in found["Deadline"]
    assert page.one(id="history")
    assert len(page.all("a", data_frame=desk.city.record.store.sightings(case.id)[0].frame_id)) >= case.sightings


def test_every_number_of_a_case_leads_to_its_pictures(desk: Desk) -> None:
    case = next(case for case in cases_of(desk).values() if case.sightings)
    page = desk.page(f"/console/cases/{case.id}", piece=True)
    targets = {link.attributes["href"][1:] for link in page.one("dl", class_="facts").all("a")}
    assert targets == {"evidence", "sightings"}
    assert all(page.one(id=target) for target in targets)


def test_a_case_on_a_border_names_all_grids_it_may_lie_in(desk: Desk) -> None:
    case = next(case for case in cases_of(desk).values() if case.on_border)
    found = facts(desk.page(f"/console/cases/{case.id}", piece=True))
    assert all(grid in found["Possible grids"] for grid in case.grid_candidates)
    assert len(case.grid_candidates) == 2


def test_evidence_comes_near_and_far_with_its_box_in_pixels_of_the_picture(desk: Desk) -> None:
    case_id = next(iter(cases_of(desk)))
    page = desk.page(f"/console/cases/{case_id}", piece=True)
    kept = {item.kind: item for item in desk.city.record.store.evidence(case_id)}
    figures = page.all("figure", class_="evidence")
    assert [figure.one("figcaption").text.split()[0] for figure in figures] == ["Near", "Far"]
    for figure, kind in zip(figures, ("near", "far"), strict=True):
        box = figure.one("rect").attributes
        x1, y1, x2, y2 = kept[kind].box
        assert [float(box[name]) for name in ("x", "y", "width", "height")] == [x1, y1, x2 - x1, y2 - y1]
        answer = desk.http.get(figure.one("img").attributes["src"])
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content == desk.city.record.evidence.get(kept[kind].sha256)


def test_a_thumbnail_is_cut_out_around_the_box(desk: Desk) -> None:
    case_id = next(iter(cases_of(desk)))
    answer = desk.http.get(f"/console/cases/{case_id}/thumbnail")
    small = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape == (84, 112, 3)
    again = desk.http.get(f"/console/cases/{case_id}/thumbnail", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/console/cases/none",
        "/console/cases/none/thumbnail",
        "/console/frames/none",
        f"/console/cases/any/pictures/{'0' * 64}",
        "/console/frames/any/pictures/..%2f..%2fxuncheng.sqlite",
        "/console/cases/any/pictures/short",
        "/console/static/none.js",
        "/console/static/..%2fpages.py",
        "/console/static/vendor/dev/axe.min.js",
    ],
)
def test_what_is_not_there_is_a_404(desk: Desk, path: str) -> None:
    assert desk.http.get(path).status_code == 404


def test_a_frame_says_what_became_of_it(desk: Desk) -> None:
    case_id = next(iter(cases_of(desk)))
    near = next(item for item in desk.city.record.store.evidence(case_id) if item.kind == "near")
    page = desk.page(f"/console/frames/{near.frame_id}", piece=True)
    assert facts(page)["Outcome"] == "analysed"
    assert page.one("a", data_case=case_id)
    assert page.one("rect")
    dropped = next(p for p in desk.city.record.store.trail(desk.city.started_at, 5000) if not p.is_analysed)
    page = desk.page(f"/console/frames/{dropped.frame_id}", piece=True)
    assert facts(page)["Outcome"] == "not used: picture blurred"
    assert not page.all("img")


def test_the_map_has_all_grids_and_the_whole_trail(desk: Desk) -> None:
    answer = desk.http.get("/console/map/grids.json")
    assert len(answer.json()["features"]) == 12
    again = desk.http.get("/console/map/grids.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    trail = desk.http.get("/console/map/trail.json").json()
    points = desk.city.record.store.trail(desk.city.started_at, 10_000)
    assert [row[0] for row in trail["points"]] == [point.frame_id for point in points]
    assert set(trail["cameras"]) == {"car-1/front", "car-2/front"}
    later = desk.http.get("/console/map/trail.json", params={"since": trail["points"][-5][2]}).json()["points"]
    assert {row[0] for row in trail["points"][-5:]} <= {row[0] for row in later}
    assert len(later) < 12
