"""States and legal moves as shipped, and what a broken table is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.domain.candidate import CandidateId
from inference_server.domain.case import Case, CaseId, external_number, moved
from inference_server.domain.case_states import KNOWN_STATES, Actor, CaseStates
from inference_server.domain.errors import BadInput, BadPolicy, IllegalMove
from inference_server.domain.geo import LatLon

SHIPPED = Path(__file__).parents[3] / "inference_server" / "policy" / "case_states.toml"
STATES = CaseStates.load(SHIPPED)
FILED_AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def a_case(state: str = "filed", **changes: object) -> Case:
    case = Case(
        id=CaseId("01JD"),
        candidate_id=CandidateId("k1"),
        state=state,
        class_name="garbage",
        standard="GB/T 47678.5-2026",
        kind="matter",
        code="06010",
        name="暴露垃圾",
        grid=None,
        grid_candidates=(),
        on_border=False,
        position=LatLon(30.27, 120.15),
        covariance_m2=(4.0, 0.0, 4.0),
        filed_at=FILED_AT,
        changed_at=FILED_AT,
        score=0.8,
        model_version="test",
        policy_hash="0",
        state_times={state: FILED_AT},
    )
    return replace(case, **changes)  # type: ignore[arg-type]


def after(minutes: float) -> datetime:
    return FILED_AT + timedelta(minutes=minutes)


def test_the_shipped_file_has_the_known_states_and_says_which_are_open() -> None:
    assert tuple(STATES.states) == KNOWN_STATES
    assert STATES.open_states == ("review", "filed", "dispatched", "reported_fixed", "suspended")
    assert [name for name in KNOWN_STATES if STATES.is_neutral(name)] == ["suspended", "void", "rejected"]
    assert STATES.states["reported_fixed"].name_zh == "处置反馈"


def test_a_case_goes_the_ordinary_way_and_keeps_a_time_per_state() -> None:
    case = a_case()
    for minutes, to, by in [
        (5, "dispatched", "case_system"),
        (60, "reported_fixed", "case_system"),
        (90, "closed", "system"),
    ]:
        case, move = moved(case, to, after(minutes), by, None, STATES)
        assert (move.to_state, move.by, move.at) == (to, by, after(minutes))
    assert case.state == "closed"
    assert not STATES.is_open(case.state)
    assert case.state_times == {
        "filed": FILED_AT,
        "dispatched": after(5),
        "reported_fixed": after(60),
        "closed": after(90),
    }
    assert case.changed_at == after(90)
    assert case.filed_at == FILED_AT


def test_a_closed_case_seen_again_is_reopened_and_counted() -> None:
    closed = a_case("closed", absences=3, sightings=5, deadline_at=after(30), reopened=1)
    case, move = moved(closed, "filed", after(100), "system", "seen again", STATES)
    assert (case.state, case.reopened, case.absences, case.deadline_at, case.sightings) == ("filed", 2, 0, None, 5)
    assert case.filed_at == FILED_AT
    assert (move.from_state, move.to_state, move.reason) == ("closed", "filed", "seen again")


def test_filing_from_review_sets_the_time_of_filing() -> None:
    case, _ = moved(a_case("review"), "filed", after(7), "operator:wang", None, STATES)
    assert case.filed_at == case.changed_at == after(7)


def test_moving_leaves_the_old_case_as_it_was() -> None:
    before = a_case()
    moved(before, "dispatched", after(1), "operator", None, STATES)
    assert before == a_case()


@pytest.mark.parametrize(
    ("state", "to", "by", "legal"),
    [
        pytest.param(
            "filed", "closed", "system", "review, void", id="the system never closes what nobody reported fixed"
        ),
        pytest.param("dispatched", "closed", "system", "none", id="nor what is still being handled"),
        pytest.param("filed", "review", "operator", "dispatched, closed, suspended, void", id="no way back to review"),
        pytest.param("void", "filed", "operator", "none", id="void is final"),
        pytest.param("review", "rejected", "case_system", "none", id="review is ours, not the case system's"),
        pytest.param(
            "suspended", "reported_fixed", "case_system", "filed, dispatched, closed, void", id="not while suspended"
        ),
        pytest.param("filed", "filed", "operator", "dispatched, closed, suspended, void", id="staying is no move"),
    ],
)
def test_an_illegal_move_is_refused_and_the_legal_ones_are_named(state: str, to: str, by: str, legal: str) -> None:
    with pytest.raises(IllegalMove) as refusal:
        moved(a_case(state), to, after(1), by, "because", STATES)
    assert refusal.value.message.endswith(f"legal for {by}: {legal}")
    assert refusal.value.field == "state"


@pytest.mark.parametrize("reason", [None, "", "   "])
def test_voiding_needs_a_reason(reason: str | None) -> None:
    with pytest.raises(IllegalMove) as refusal:
        moved(a_case(), "void", after(1), "operator", reason, STATES)
    assert refusal.value.field == "reason"


def test_an_unknown_state_or_mover_is_refused_by_name() -> None:
    with pytest.raises(IllegalMove, match="no state 'archived'"):
        STATES.is_open("archived")
    with pytest.raises(IllegalMove, match="'robot' is nobody") as refusal:
        STATES.check_move("filed", "dispatched", "robot", None)
    assert refusal.value.field == "by"


def test_a_move_before_the_last_change_is_refused_but_one_at_the_same_moment_is_not() -> None:
    with pytest.raises(IllegalMove) as refusal:
        moved(a_case(), "dispatched", after(-0.01), "case_system", None, STATES)
    assert refusal.value.field == "at"
    assert moved(a_case(), "dispatched", FILED_AT, "case_system", None, STATES)[0].state == "dispatched"


def test_a_move_at_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="time zone"):
        moved(a_case(), "dispatched", datetime(2026, 11, 23), "case_system", None, STATES)  # noqa: DTZ001


@given(st.lists(st.tuples(st.sampled_from(KNOWN_STATES), st.sampled_from(list(Actor))), max_size=30))
def test_whatever_is_asked_the_history_explains_the_case(asked: list[tuple[str, Actor]]) -> None:
    case, history = a_case("review"), []
    for minute, (to, by) in enumerate(asked):
        try:
            case, move = moved(case, to, after(minute), by, "why", STATES)
        except IllegalMove:
            assert to not in STATES.legal_from(case.state, by)
            continue
        history.append(move)
    walked = ["review", *[move.to_state for move in history]]
    assert [move.from_state for move in history] == walked[:-1]
    assert case.state == walked[-1]
    assert case.reopened == sum((move.from_state, move.to_state) == ("closed", "filed") for move in history)
    assert list(case.state_times) == list(dict.fromkeys(walked))


def test_every_state_can_be_reached_from_review() -> None:
    reached, frontier = {"review"}, ["review"]
    while frontier:
        state = frontier.pop()
        new = {to for by in Actor for to in STATES.legal_from(state, by)} - reached
        reached |= new
        frontier += new
    assert reached == set(KNOWN_STATES)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(('name = "void"', 'name = "gone"'), "state void is missing", id="a known state is missing"),
        pytest.param(('name = "void"', 'name = "closed"'), "state closed is there twice", id="a state twice"),
        pytest.param(('to = "rejected"', 'to = "refused"'), "refused, which is no state", id="a move to nowhere"),
        pytest.param(('by = ["system", "operator"]', "by = []"), "review to filed is nobody's", id="nobody's move"),
        pytest.param(('by = ["system", "operator"]', 'by = ["robot"]'), "robot", id="an unknown mover"),
        pytest.param(("reopens = true", "reopened = true"), "unknown keys in a move: reopened", id="an unknown key"),
        pytest.param(('name_zh = "待审"\n', ""), "name_zh", id="a state without its name"),
        pytest.param(('to = "rejected"', 'to = "filed"'), "review to filed is there twice", id="a move twice"),
        pytest.param(("[[state]]", "[[state"), "case_states.toml", id="no TOML at all"),
    ],
)
def test_a_broken_table_is_refused_with_what_is_wrong(change: tuple[str, str], complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "case_states.toml"
    text = SHIPPED.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(BadPolicy, match=complaint) as refusal:
        CaseStates.load(path)
    assert refusal.value.field == "case_states"


def test_a_city_may_add_a_state_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "case_states.toml"
    own = '[[state]]\nname = "checked"\nname_zh = "核查"\nname_en = "checked"\nopen = true\nneutral = false\n'
    way = '[[move]]\nfrom = "reported_fixed"\nto = "checked"\nby = ["operator"]\n'
    path.write_text(SHIPPED.read_text(encoding="utf-8") + own + way, encoding="utf-8")
    states = CaseStates.load(path)
    assert states.is_open("checked")
    assert "checked" in states.legal_from("reported_fixed", "operator")


def test_an_external_number_is_kept_as_it_came_if_it_is_short_and_printable() -> None:
    assert external_number("330102 2026-1122/00017") == "330102 2026-1122/00017"
    for bad in ("", "  ", "1" * 33, "33\n01"):
        with pytest.raises(BadInput) as refusal:
            external_number(bad)
        assert refusal.value.field == "external_number"
