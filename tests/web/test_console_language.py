"""The console in Chinese and in English: never half and half."""

import re
import string
from pathlib import Path

import httpx
import pytest
from support.app import OpenApp
from support.parsed_page import parsed

import inference_server.console as console
from inference_server.console.languages import LANGUAGES, Messages, choose_language, load_messages
from inference_server.domain.observation import DropReason
from inference_server.domain.report import Outcome

CONSOLE = Path(console.__file__).parent
SPOKEN_IN_BOTH = {"page.other_language"}  # names the other language in that language


@pytest.fixture(scope="module")
def messages() -> dict[str, Messages]:
    return load_messages()


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_with_the_same_places(messages: dict[str, Messages]) -> None:
    chinese, english = (messages[language].texts for language in LANGUAGES)
    assert set(chinese) == set(english)
    assert not {key for key in chinese if places(chinese[key]) != places(english[key])}
    assert not {key for key in chinese if not chinese[key].strip() or not english[key].strip()}


def test_no_english_text_holds_chinese_and_every_chinese_text_does(messages: dict[str, Messages]) -> None:
    chinese, english = (messages[language].texts for language in LANGUAGES)
    is_chinese = re.compile("[一-鿿]")
    assert not {key for key in english if is_chinese.search(english[key])} - SPOKEN_IN_BOTH
    plain = {key for key in chinese if not is_chinese.search(chinese[key])} - SPOKEN_IN_BOTH
    assert plain <= {"case.radius"}  # ± {radius} m


def test_every_key_that_a_template_or_script_names_is_in_the_catalogue(messages: dict[str, Messages]) -> None:
    known = set(messages["zh"].texts)
    named: set[str] = set()
    for template in (CONSOLE / "templates").glob("*.html"):
        named |= set(re.findall(r"\bt\('([a-z_]+\.[a-z_]+)'", template.read_text("utf-8")))
        named |= set(re.findall(r"t\('([a-z_]+\.[a-z_]+)' if ", template.read_text("utf-8")))
        named |= set(re.findall(r"else '([a-z_]+\.[a-z_]+)'", template.read_text("utf-8")))
    for script in (CONSOLE / "static" / "js").glob("*.js"):
        named |= set(re.findall(r"text\(\"([a-z_]+\.[a-z_]+)\"", script.read_text("utf-8")))
    assert len(named) > 100
    assert not named - known


def test_every_class_outcome_and_drop_reason_has_a_word(messages: dict[str, Messages], shared_app: OpenApp) -> None:
    known = set(messages["zh"].texts)
    assert not {f"drop.{reason.value}" for reason in DropReason} - known
    assert not {f"outcome.{outcome.value}" for outcome in Outcome} - known
    states = shared_app.application.services.casework.states.states.values()
    assert all(state.name_zh and state.name_en for state in states)


def test_no_template_has_words_of_its_own() -> None:
    for template in (CONSOLE / "templates").glob("*.html"):
        source = re.sub(r"block body_class %\}.*", "%}", template.read_text("utf-8"))
        bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<kbd>.*?</kbd>", " ", source, flags=re.DOTALL)
        texts = re.findall(r">([^<>]*)<", bare)
        words = [word for text in texts for word in re.findall(r"[A-Za-z一-鿿]{2,}", text)]
        assert not set(words) - {"km"}, template.name


@pytest.mark.parametrize(
    ("cookie", "accept", "expected"),
    [
        (None, None, "zh"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr,en;q=0.2,zh;q=0.1", "en"),
        (None, "fr", "zh"),
        (None, "en;q=0,zh;q=0.5", "zh"),
        (None, "en;q=x", "zh"),
        ("en", "zh", "en"),
        ("xx", "en", "en"),
    ],
)
def test_the_cookie_decides_and_else_what_the_browser_prefers(
    cookie: str | None, accept: str | None, expected: str
) -> None:
    assert choose_language(cookie, accept) == expected


def test_the_switch_lasts_and_leads_back_to_the_page_it_was_pressed_on(shared_app: OpenApp) -> None:
    with httpx.Client(base_url=shared_app.url, headers={"Accept-Language": "zh"}) as client:
        assert parsed(client.get("/console/login").text).one("html").attributes["lang"] == "zh-CN"
        came_from = {"Referer": f"{shared_app.url}/console/login?token=secret"}
        answer = client.get("/console/language/en", headers=came_from)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
        assert parsed(client.get("/console/login").text).one("html").attributes["lang"] == "en"
        elsewhere = client.get("/console/language/zh", headers={"Referer": "http://evil.example/console/x"})
        assert elsewhere.headers["location"] == "/console"
