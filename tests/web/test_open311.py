"""Open311 GeoReport v2, asked as its specification shows and by a client that others wrote (georeport on PyPI)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from georeport import GeoReport
from support.app import OpenApp, open_app
from support.two_districts import HERE, THERE, two_districts

from inference_server.domain.audit import AuditAction
from inference_server.domain.case import CaseId
from inference_server.domain.tip import TipId

BASE = "/open311/v2"
SECRETS = {
    "email": "wang@example.org",
    "phone": "13800001111",
    "first_name": "小明",
    "last_name": "王",
    "device_id": "tt222111",
    "account_id": "123456",
}
TOLD = {"service_code": "06010", "lat": "30.2741", "long": "120.1551", "description": "三袋旧衣服\n在桥头"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[OpenApp]:
    """An app that many tests tell things; each chooses a place of its own."""
    with open_app(tmp_path_factory.mktemp("open311") / "data", card, open311_jurisdiction="hangzhou.gov.cn") as opened:
        yield opened


@pytest.fixture
def http(app: OpenApp) -> Iterator[httpx.Client]:
    """A client that shows no token by itself."""
    with app.client(None) as client:
        yield client


def key_of(app: OpenApp) -> str:
    return app.secrets["open311"]


def tell(http: httpx.Client, app: OpenApp, form: str = "json", **said: str) -> httpx.Response:
    """The answer to a tip, sent as the specification has it: a form with the key in it."""
    return http.post(f"{BASE}/requests.{form}", data={"api_key": key_of(app), **TOLD, **said})


def get(http: httpx.Client, app: OpenApp, path: str, **query: str) -> httpx.Response:
    return http.get(f"{BASE}/{path}", params={"api_key": key_of(app), **query})


def id_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    (only,) = answer.json()
    return str(only["service_request_id"])


def as_dicts(xml: bytes, item: str) -> list[dict[str, str | None]]:
    return [{field.tag: field.text for field in one} for one in ElementTree.fromstring(xml).iter(item)]


# --- the client that others wrote ------------------------------------------------------------------------------------


@pytest.mark.parametrize("output_format", ["json", "xml"])
def test_a_public_client_reads_services_and_requests(tmp_path: Path, card: Path, output_format: str) -> None:
    with open_app(tmp_path / "data", card, open311_public=True) as app, app.client(None) as http:
        mine, other = id_of(tell(http, app)), id_of(tell(http, app, service_code="06013", lat="30.2761"))
        client = GeoReport(f"{app.url}{BASE}", jurisdiction="hangzhou.gov.cn", output_format=output_format)
        services = {one["service_code"]: one for one in client.get_service_list()}
        assert (services["06010"]["service_name"], services["06013"]["type"]) == ("暴露垃圾", "realtime")
        assert {code for code, one in services.items() if one["metadata"] in (True, "true")} == {"06013"}
        assert client.get_service_definition("06013")["service_code"] == "06013"
        found = client.get_service_requests(status="open")
        assert [one["service_request_id"] for one in found] == [other, mine]
        assert client.get_service_request(mine)["service_code"] == "06010"
        picked = client.get_service_requests(service_request_id=f"{mine},{other}")
        assert [one["service_request_id"] for one in picked] == [mine, other]


# --- what the specification shows ------------------------------------------------------------------------------------


def test_the_query_that_the_specification_shows(http: httpx.Client, app: OpenApp) -> None:
    query = "start_date=2010-05-24T00:00:00Z&end_date=2010-06-24T00:00:00Z&status=open&jurisdiction_id=hangzhou.gov.cn"
    answer = http.get(f"{BASE}/requests.xml?{query}&api_key={key_of(app)}")
    assert (answer.status_code, ElementTree.fromstring(answer.content).tag) == (200, "service_requests")
    assert as_dicts(answer.content, "request") == []


def test_discovery_says_where_the_endpoint_is_and_needs_no_key(http: httpx.Client, app: OpenApp) -> None:
    found = http.get(f"{BASE}/discovery.json").json()
    (endpoint,) = found["endpoints"]
    assert endpoint["url"] == f"{app.url}{BASE}"
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    root = ElementTree.fromstring(http.get(f"{BASE}/discovery.xml").content)
    assert [one.text for one in root.iter("format")] == endpoint["formats"]
    assert http.get(f"{endpoint['url']}/services.json", params={"api_key": key_of(app)}).status_code == 200


def test_both_formats_say_the_same_with_their_content_types(http: httpx.Client, app: OpenApp) -> None:
    json_, xml = get(http, app, "services.json"), get(http, app, "services.xml")
    assert json_.headers["content-type"] == "application/json; charset=utf-8"
    assert xml.headers["content-type"] == "text/xml; charset=utf-8"
    assert xml.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<services><service>")
    said = [
        {name: str(value).lower() if name == "metadata" else value for name, value in one.items()}
        for one in json_.json()
    ]
    assert as_dicts(xml.content, "service") == said


def test_the_definition_of_a_service_lists_the_classes_that_share_its_code(http: httpx.Client, app: OpenApp) -> None:
    (attribute,) = get(http, app, "services/06013.json").json()["attributes"]
    assert (attribute["code"], attribute["datatype"], attribute["required"]) == ("class_name", "singlevaluelist", False)
    assert [value["key"] for value in attribute["values"]] == ["pothole", "crack"]
    root = ElementTree.fromstring(get(http, app, "services/06013.xml").content)
    assert (root.tag, [key.text for key in root.iterfind("attributes/attribute/values/value/key")]) == (
        "service_definition",
        ["pothole", "crack"],
    )
    assert get(http, app, "services/06010.json").json()["attributes"] == []
    assert get(http, app, "services/99999.json").json() == [
        {"code": 404, "description": "service_code: there is no service of this code"}
    ]


def test_a_request_made_as_the_specification_shows_it(http: httpx.Client, app: OpenApp) -> None:
    body = (
        f"api_key={key_of(app)}&jurisdiction_id=hangzhou.gov.cn&service_code=06013&lat=30.3101&long=120.1551"
        "&address_string=1234+5th+street&email=smit333%40sfgov.edu&device_id=tt222111&account_id=123456"
        "&first_name=john&last_name=smith&phone=111111111&description=A+large+sinkhole+is+destroying+the+street"
        "&media_url=http%3A%2F%2Fexample.org%2F2212426634_5ed477a060.jpg&attribute[class_name]=crack"
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = http.post(f"{BASE}/requests.xml", content=body, headers=headers)
    (request,) = as_dicts(answer.content, "request")
    assert set(request) == {"service_request_id", "service_notice", "account_id"}
    wanted = str(request["service_request_id"])
    (shown,) = as_dicts(get(http, app, f"requests/{wanted}.xml").content, "request")
    assert (shown["service_request_id"], shown["status"], shown["service_code"]) == (wanted, "open", "06013")
    assert (shown["lat"], shown["long"], shown["description"]) == ("30.3101", "120.1551", "crack, told by a person")
    assert datetime.fromisoformat(str(shown["requested_datetime"])).utcoffset() == timedelta(hours=8)
    tip = app.application.record.tips.tip(TipId(wanted))
    assert (tip.words.address, tip.words.description) == (
        "1234 5th street",
        "A large sinkhole is destroying the street",
    )


@pytest.mark.parametrize(
    ("said", "status", "field"),
    [
        ({"service_code": ""}, 400, "service_code"),
        ({"service_code": "99999"}, 404, "service_code"),
        ({"lat": "", "long": ""}, 400, "lat"),
        ({"long": ""}, 400, "long"),
        ({"lat": "here"}, 400, "lat"),
        ({"lat": "91"}, 400, "lat"),
        ({"lat": "nan"}, 400, "lat"),
        ({"lat": "0", "long": "0"}, 400, "lat"),
        ({"datum": "mars"}, 400, "datum"),
        ({"lat": "", "long": "", "address_id": "330102001001999"}, 400, "address_id"),
        ({"jurisdiction_id": "city.gov"}, 404, "jurisdiction_id"),
        ({"description": "x" * 4001}, 400, "description"),
        ({"description": "a\x00b"}, 400, "description"),
        ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
        ({"attribute[WHISHETN]": "x"}, 400, "attribute[WHISHETN]"),
        ({"service_code": "06013", "attribute[class_name]": "garbage"}, 400, "attribute[class_name]"),
    ],
)
@pytest.mark.parametrize("form", ["json", "xml"])
def test_what_is_missing_or_wrong_is_named(
    http: httpx.Client, app: OpenApp, said: dict[str, str], status: int, field: str, form: str
) -> None:
    answer = tell(http, app, form, **said)
    (fault,) = as_dicts(answer.content, "error") if form == "xml" else answer.json()
    assert (answer.status_code, int(fault["code"] or 0)) == (status, status)
    assert str(fault["description"]).startswith(f"{field}: ")


@pytest.mark.parametrize("path", ["services", "services/06010", "requests", "tokens/x"])
def test_another_jurisdiction_is_not_found_and_ours_may_be_named(http: httpx.Client, app: OpenApp, path: str) -> None:
    refused = get(http, app, f"{path}.xml", jurisdiction_id="city.gov")
    assert as_dicts(refused.content, "error") == [
        {"code": "404", "description": "jurisdiction_id: this jurisdiction is not served here"}
    ]
    ours = get(http, app, f"{path}.json", jurisdiction_id="hangzhou.gov.cn")
    assert ours.status_code == (404 if path == "tokens/x" else 200)


def test_a_key_is_needed_and_one_of_another_scope_does_not_do(http: httpx.Client, app: OpenApp) -> None:
    for key in ({"api_key": ""}, {"api_key": "wrong"}, {"api_key": app.secrets["cases:read"]}):
        answer = http.post(f"{BASE}/requests.json", data=TOLD | key)
        assert (answer.status_code, answer.json()[0]["code"]) == (403, 403), answer.text
    with app.client("open311") as client:
        assert client.post(f"{BASE}/requests.json", data=TOLD | {"lat": "30.33"}).status_code == 200
    assert http.get(f"{BASE}/requests.json").status_code == 403
    assert get(http, app, "requests.html").status_code == 404
    assert http.post(f"{BASE}/requests.json", json=TOLD, params={"api_key": key_of(app)}).json()[0]["code"] == 415


def test_the_same_again_is_the_same_request_also_under_a_key_of_its_own(http: httpx.Client, app: OpenApp) -> None:
    first = id_of(tell(http, app, lat="30.3401"))
    assert id_of(tell(http, app, lat="30.3401", **SECRETS)) == first
    headers = {"Idempotency-Key": "phone-7/12"}
    said = {"api_key": key_of(app), **TOLD, "lat": "30.3501"}
    keyed = [id_of(http.post(f"{BASE}/requests.json", data=said, headers=headers)) for _ in range(2)]
    assert keyed[0] == keyed[1]
    other = http.post(f"{BASE}/requests.json", data=said | {"lat": "30.3601"}, headers=headers)
    assert other.json() == [{"code": 409, "description": "Idempotency-Key: another tip was handed in under this key"}]


def test_who_tells_of_a_known_thing_gets_an_id_that_follows_its_case(http: httpx.Client, app: OpenApp) -> None:
    founding = id_of(tell(http, app, lat="30.3701"))
    mine = id_of(tell(http, app, lat="30.37015", description="又一个"))
    assert mine != founding
    casework = app.application.services.casework
    with app.client("cases:write") as clerk:
        reason = {"state": "rejected", "reason": "nothing there", "by": "operator"}
        clerk.patch(f"/v1/cases/{founding}", json=reason).raise_for_status()
    shown = get(http, app, f"requests/{mine}.json").json()[0]
    assert (shown["service_request_id"], shown["status"]) == (mine, "closed")
    assert shown["status_notes"] == "不予立案 (rejected in review)"
    assert shown["updated_datetime"] == get(http, app, f"requests/{founding}.json").json()[0]["updated_datetime"]
    assert casework.store.case(CaseId(founding)).state == "rejected"


def test_a_place_in_words_gets_a_token_until_a_person_places_it(http: httpx.Client, app: OpenApp) -> None:
    answer = tell(http, app, lat="", long="", address_string="解放路12号门口").json()[0]
    assert "service_request_id" not in answer
    token = answer["token"]
    assert get(http, app, f"tokens/{token}.json").json() == [{"service_request_id": None, "token": token}]
    assert get(http, app, f"requests/{token}.json").status_code == 404
    with app.client("cases:write") as clerk:
        assert [tip["address"] for tip in clerk.get("/v1/tips").json() if tip["id"] == token] == ["解放路12号门口"]
        place = {"lat": 30.3801, "lon": 120.1551, "datum": "wgs84"}
        assert clerk.put(f"/v1/tips/{token}/position", json=place).json()["case"] == token
        assert clerk.put(f"/v1/tips/{token}/position", json=place).status_code == 409
        assert token not in [tip["id"] for tip in clerk.get("/v1/tips").json()]
    (found,) = as_dicts(get(http, app, f"tokens/{token}.xml").content, "request")
    assert found == {"service_request_id": token, "token": token}
    assert get(http, app, f"requests/{token}.json").json()[0]["status"] == "open"
    assert get(http, app, "tokens/nothing.json").status_code == 404


# --- the filters -----------------------------------------------------------------------------------------------------


def test_requests_are_found_by_service_status_and_dates_a_page_at_a_time(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card) as app, app.client(None) as http:
        two_districts(app)

        def ids(**query: str) -> list[str]:
            return [one["service_request_id"] for one in get(http, app, "requests.json", **query).json()]

        everything = ids()
        assert len(everything) == 5
        assert len(ids(service_code="06013")) == 2
        assert ids(service_code="06010,06013", status="open,closed") == everything
        assert (len(ids(status="open")), ids(status="closed")) == (5, [])
        assert ids(page_size="2") + ids(page_size="2", page="2") + ids(page_size="2", page="3") == everything
        assert ids(page="9") == []
        filed = [one["requested_datetime"] for one in get(http, app, "requests.json").json()]
        assert filed == sorted(filed, reverse=True)
        cases = app.application.record.store
        exact = [cases.case(CaseId(one)).filed_at.isoformat() for one in everything]
        assert ids(start_date=exact[2], end_date=exact[1]) == everything[1:3]
        assert ids(end_date=(datetime.now(UTC) - timedelta(days=1)).isoformat()) == []
        assert ids(service_request_id=f"{everything[4]},nothing,{everything[0]}", status="closed") == [
            everything[4],
            everything[0],
        ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "done"}, "status"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "2026-01-01T00:00:00"}, "start_date"),
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-02T00:00:01Z"}, "end_date"),
        ({"start_date": "2026-01-02T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}, "end_date"),
        ({"page_size": "1001"}, "page_size"),
        ({"page": "0"}, "page"),
        ({"page": "٣"}, "page"),
        ({"service_request_id": ",".join(str(n) for n in range(1001))}, "service_request_id"),
    ],
)
def test_filters_outside_their_limits_are_refused(
    http: httpx.Client, app: OpenApp, query: dict[str, str], field: str
) -> None:
    answer = get(http, app, "requests.json", **query)
    assert answer.status_code == 400
    assert answer.json()[0]["description"].startswith(f"{field}: ")


def test_a_date_with_a_bare_plus_sign_and_empty_filters_are_understood(http: httpx.Client, app: OpenApp) -> None:
    now = datetime.now(UTC).astimezone().replace(microsecond=0)
    since = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    query = f"api_key={key_of(app)}&start_date={since}&status=&service_code=&page="
    assert http.get(f"{BASE}/requests.json?{query}").status_code == 200
    assert get(http, app, "requests.json", service_code="99999").status_code == 404


# --- who sees what ---------------------------------------------------------------------------------------------------


def test_nothing_that_tells_who_it_was_is_kept_shown_or_logged(
    app: OpenApp, http: httpx.Client, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    told = id_of(tell(http, app, lat="30.3901", **SECRETS))
    tell(http, app, service_code="", **SECRETS)
    http.get(f"{BASE}/services.json", params={"api_key": "a-wrong-secret"})
    record = app.application.record
    case = record.store.case(CaseId(told))
    seen = [
        *(get(http, app, f"requests/{told}.{form}").text for form in ("json", "xml")),
        str(record.store.history(case.id)),
        str([item.event for item in record.outbox.due(datetime.now(UTC) + timedelta(days=1), 1000)]),
        str(list(record.audit.entries())),
    ]
    with app.client("cases:read") as reader:
        seen.append(reader.get(f"/v1/cases/{told}").text)
        assert reader.get(f"/v1/cases/{told}/tips").status_code == 403
    with app.client("cases:write") as clerk:
        (tip,) = clerk.get(f"/v1/cases/{told}/tips").json()
    assert tip["description"] == TOLD["description"]
    logged = caplog.text + "".join(capsys.readouterr())
    noted = [entry.note for entry in record.audit.entries() if entry.note.action is AuditAction.TIP_TAKEN]
    assert (noted[-1].who, noted[-1].object) == ("open311", f"tip:{told}")
    for secret in (*SECRETS.values(), key_of(app), "a-wrong-secret"):
        assert all(secret not in text for text in (*seen, str(tip), str(record.tips.tip(TipId(told))), logged)), secret
    assert all("旧衣服" not in text for text in (*seen, logged))


def test_a_key_of_a_district_sees_and_tells_there_only_but_asks_after_its_own(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card) as app:
        filled = two_districts(app)
    with open_app(tmp_path / "data", card) as app:  # grids are read when a server starts
        city = replace(filled, app=app)
        with city.client("open311") as here, city.client("open311", district=THERE) as there:
            seen = {one["service_request_id"] for one in here.get(f"{BASE}/requests.json").json()}
            assert seen == {city.here.case.id, city.here.in_review.id}
            assert here.get(f"{BASE}/requests/{city.there.case.id}.json").status_code == 404
            assert here.get(f"{BASE}/requests/{city.nowhere.id}.json").status_code == 404
            place = city.here.in_review.position
            said = {**TOLD, "lat": str(place.lat), "long": str(place.lon), "service_code": "06013"}
            mine = id_of(here.post(f"{BASE}/requests.json", data=said))
            assert here.get(f"{BASE}/requests/{mine}.json").json()[0]["address_id"].startswith(HERE)
            assert there.post(f"{BASE}/requests.json", data=said).status_code == 400
            assert there.get(f"{BASE}/requests/{mine}.json").status_code == 404
            assert there.get(f"{BASE}/tokens/{mine}.json").status_code == 404


def test_strangers_read_where_the_city_allows_it_a_little_at_a_time(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, open311_public=True) as app, app.client(None) as http:
        told = id_of(tell(http, app))
        assert http.get(f"{BASE}/requests/{told}.json").status_code == 200
        assert http.post(f"{BASE}/requests.json", data=TOLD).status_code == 403
        answers = [http.get(f"{BASE}/services.xml") for _ in range(70)]
        assert answers[0].status_code == 200
        refused = answers[-1]
        assert (refused.status_code, as_dicts(refused.content, "error")[0]["code"]) == (429, "429")
        assert int(refused.headers["retry-after"]) >= 1
        assert get(http, app, "services.json").status_code == 200, "a key is not held up"


def test_the_address_of_a_picture_is_given_to_those_who_may_open_it(fresh_app: OpenApp) -> None:
    case = fresh_app.file_a_case()
    with fresh_app.client("cases:read") as reader, fresh_app.client("open311") as teller:
        link = reader.get(f"{BASE}/requests/{case}.json").json()[0]["media_url"]
        assert reader.get(link).headers["content-type"].startswith("image/")
        shown = teller.get(f"{BASE}/requests/{case}.json").json()[0]
    assert shown["media_url"] is None
    assert shown["expected_datetime"] is not None
    assert shown["description"] == "garbage, seen by a patrol vehicle"
