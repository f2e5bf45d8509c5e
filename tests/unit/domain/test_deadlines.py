"""Deadlines: rows computed by hand from the calendar of 2026, a slow oracle, properties."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_server.domain.catalogue import GB_2026, LOCAL, Catalogue
from inference_server.domain.deadline_table import DeadlineTable
from inference_server.domain.deadlines import Deadline, Limit, Unit, deadline, extended
from inference_server.domain.errors import BadInput, BadPolicy, IllegalMove, NotFound
from inference_server.domain.workdays import WorkCalendar, load_calendar

ROOT = Path(__file__).parents[3] / "inference_server"
TABLE = DeadlineTable.load(ROOT / "policy" / "deadlines.csv")
CALENDAR = load_calendar(ROOT / "policy" / "holidays.csv")
HANGZHOU = ZoneInfo("Asia/Shanghai")


def here(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HANGZHOU)


# 2026: Spring Festival 15 to 23 February with 14 and 28 February made up; National Day 1 to 7 October with 20 September
# and 10 October made up.
@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        pytest.param("2026-11-23 09:00", 4, "工作时", "2026-11-23 15:00", id="over the midday break"),
        pytest.param("2026-11-23 08:00", 4, "工作时", "2026-11-23 12:00", id="a full morning ends at noon"),
        pytest.param("2026-11-23 12:30", 2, "工作时", "2026-11-23 16:00", id="begun in the midday break"),
        pytest.param("2026-11-23 16:30", 4, "工作时", "2026-11-24 10:30", id="into the next morning"),
        pytest.param("2026-11-23 05:00", 8, "工作时", "2026-11-23 18:00", id="before the office opens, a full day"),
        pytest.param("2026-11-27 17:00", 4, "工作时", "2026-11-30 11:00", id="over the weekend"),
        pytest.param("2026-02-13 17:00", 4, "工作时", "2026-02-14 11:00", id="into a Saturday that makes up"),
        pytest.param("2026-02-14 16:00", 4, "工作时", "2026-02-24 10:00", id="over Spring Festival"),
        pytest.param("2026-02-13 10:00", 5, "工作日", "2026-02-27 10:00", id="five days around Spring Festival"),
        pytest.param("2026-02-27 09:00", 1, "工作日", "2026-02-28 09:00", id="to a Saturday that makes up"),
        pytest.param("2026-09-30 15:00", 2, "工作日", "2026-10-09 15:00", id="over National Day"),
        pytest.param("2026-10-09 15:00", 1, "工作日", "2026-10-10 15:00", id="to the Saturday after it"),
        pytest.param("2026-09-18 15:00", 1, "工作日", "2026-09-20 15:00", id="to the Sunday before it"),
        pytest.param("2026-11-27 16:30", 1, "工作日", "2026-11-30 16:30", id="Friday to Monday"),
        pytest.param("2026-11-28 10:00", 1, "工作日", "2026-12-01 00:00", id="begun on Saturday: all of Monday"),
        pytest.param("2026-02-17 23:30", 2, "紧急工作时", "2026-02-18 01:30", id="urgent on New Year's night"),
        pytest.param("2026-09-30 10:00", 3, "自然日", "2026-10-03 10:00", id="days of the calendar run through"),
        pytest.param("2026-11-23 17:45", 0.5, "工作时", "2026-11-24 08:15", id="half an hour"),
    ],
)
def test_a_limit_ends_when_the_calendar_says(start: str, amount: float, unit: str, due: str) -> None:
    assert deadline(here(start), Limit(amount, Unit(unit)), CALENDAR) == Deadline(here(due).astimezone(UTC))


def test_a_deadline_in_a_year_without_announced_holidays_says_so() -> None:
    limit = Limit(2, Unit.WORKING_DAY)
    found = deadline(here("2026-12-31 10:00"), limit, CALENDAR)
    assert found == Deadline(here("2027-01-05 10:00").astimezone(UTC), guessed_years=(2027,))
    announced = WorkCalendar(overrides={date(2027, 1, 4): False}, complete_years=frozenset({2027}))
    assert deadline(here("2026-12-31 10:00"), limit, announced) == Deadline(here("2027-01-05 10:00").astimezone(UTC))
    assert deadline(here("2027-06-01 10:00"), Limit(5, Unit.EMERGENCY_HOUR), CALENDAR).guessed_years == ()


def test_the_citys_own_days_win_over_the_library(tmp_path: Path) -> None:
    own = tmp_path / "holidays.csv"
    own.write_text(
        "date,kind,note\n2026-11-24,holiday,flood\n2026-11-28,workday,\n2027-12-31,complete,\n", encoding="utf-8"
    )
    calendar = load_calendar(own)
    assert not calendar.is_working_day(date(2026, 11, 24))
    assert calendar.is_working_day(date(2026, 11, 28))
    assert (calendar.knows(2026), calendar.knows(2027), calendar.knows(2028)) == (True, True, False)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("2026-13-01,holiday,\n", id="no date"),
        pytest.param("2026-12-01,feast,\n", id="no kind"),
        pytest.param("2026-12-01\n", id="too few fields"),
        pytest.param("2026-12-01,holiday,\n2026-12-01,workday,\n", id="both at once"),
    ],
)
def test_a_broken_list_of_holidays_is_refused_by_line(lines: str, tmp_path: Path) -> None:
    own = tmp_path / "holidays.csv"
    own.write_text("date,kind,note\n" + lines, encoding="utf-8")
    with pytest.raises(BadPolicy, match=r"holidays.csv line [23]"):
        load_calendar(own)


@pytest.mark.parametrize("hours", [(), ((time(12), time(8)),), ((time(8), time(12)), (time(11), time(18)))])
def test_impossible_office_hours_are_refused(hours: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(BadPolicy, match="office hours"):
        load_calendar(ROOT / "policy" / "holidays.csv", office_hours=hours)


def test_office_hours_are_the_citys_choice() -> None:
    all_day = load_calendar(ROOT / "policy" / "holidays.csv", office_hours=((time(9), time(17)),))
    due = deadline(here("2026-11-23 15:00"), Limit(4, Unit.WORKING_HOUR), all_day).due_at
    assert due == here("2026-11-24 11:00")


minutes_of_2026 = st.integers(0, 365 * 24 * 60 - 1).map(lambda m: here("2026-01-01 00:00") + timedelta(minutes=m))
limits = st.builds(Limit, st.integers(1, 12).map(float), st.sampled_from(Unit))


@given(minutes_of_2026, minutes_of_2026, limits)
def test_a_later_start_never_gives_an_earlier_deadline(one: datetime, other: datetime, limit: Limit) -> None:
    first, second = sorted((one, other))
    assert deadline(first, limit, CALENDAR).due_at <= deadline(second, limit, CALENDAR).due_at


@given(minutes_of_2026, limits, st.integers(1, 8))
def test_a_limit_in_two_parts_ends_when_the_whole_does(start: datetime, limit: Limit, more: int) -> None:
    half_way = deadline(start, limit, CALENDAR).due_at
    whole = deadline(start, Limit(limit.amount + more, limit.unit), CALENDAR).due_at
    assert deadline(half_way, Limit(more, limit.unit), CALENDAR).due_at == whole


@settings(max_examples=25)
@given(minutes_of_2026.filter(lambda at: at.month < 12), st.integers(1, 10))
def test_working_hours_agree_with_counting_minute_by_minute(start: datetime, hours: int) -> None:
    at, left = start, hours * 60
    while left:
        working = CALENDAR.is_working_day(at.date()) and (8 <= at.hour < 12 or 14 <= at.hour < 18)
        left -= working
        at += timedelta(minutes=1)
    assert deadline(start, Limit(hours, Unit.WORKING_HOUR), CALENDAR).due_at == at


@pytest.mark.parametrize("amount", [0, -1, 1001, float("nan"), float("inf")])
def test_an_impossible_amount_is_refused(amount: float) -> None:
    with pytest.raises(BadInput) as refusal:
        Limit(amount, Unit.WORKING_DAY)
    assert refusal.value.field == "amount"


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        deadline(datetime(2026, 11, 23), Limit(1, Unit.WORKING_DAY), CALENDAR)  # noqa: DTZ001
    assert refusal.value.field == "start_at"


def test_an_extension_adds_the_original_limit_and_there_are_two() -> None:
    start, limit = here("2026-11-23 09:00"), Limit(4, Unit.WORKING_HOUR)
    assert extended(start, limit, 0, start, CALENDAR).due_at == here("2026-11-24 09:00")
    assert extended(start, limit, 1, start, CALENDAR).due_at == here("2026-11-24 15:00")
    with pytest.raises(IllegalMove, match="at most 2 times"):
        extended(start, limit, 2, start, CALENDAR)


def test_an_overdue_case_gets_no_extension() -> None:
    start, limit = here("2026-11-23 09:00"), Limit(4, Unit.WORKING_HOUR)
    assert extended(start, limit, 0, here("2026-11-23 15:00"), CALENDAR).due_at == here("2026-11-24 09:00")
    with pytest.raises(IllegalMove, match="overdue") as refusal:
        extended(start, limit, 0, here("2026-11-23 15:01"), CALENDAR)
    assert refusal.value.field == "asked_at"


def test_the_shipped_table_has_a_limit_for_every_class_that_is_filed() -> None:
    catalogue = Catalogue.load(ROOT / "catalogue")
    found = {
        name: (rule.limit.amount, rule.limit.unit.value)
        for name, row in catalogue.classes.items()
        if row.code
        for rule in [TABLE.rule(GB_2026, row.kind, row.code)]
    }
    assert found == {
        "garbage": (4, "工作时"),
        "overflowing_bin": (4, "工作时"),
        "pothole": (5, "工作日"),
        "crack": (5, "工作日"),
        "graffiti": (1, "工作日"),
        "open_manhole": (2, "紧急工作时"),
        "soil_heap": (5, "工作日"),
        "roadworks": (1, "工作日"),
    }


def test_every_rule_of_the_shipped_table_names_a_code_of_the_catalogue() -> None:
    catalogue = Catalogue.load(ROOT / "catalogue")
    for key in TABLE.rules:
        assert catalogue.entry(*key).name_zh


def test_a_condition_may_have_its_own_limit() -> None:
    assert TABLE.rule(GB_2026, "matter", "01023", condition="broken").limit == Limit(4, Unit.WORKING_HOUR)
    assert TABLE.rule(LOCAL, "matter", "10999").closed_when == "made safe and signed"
    with pytest.raises(NotFound, match="condition melted"):
        TABLE.rule(GB_2026, "matter", "01023", condition="melted")
    with pytest.raises(NotFound, match="06999"):
        TABLE.rule(GB_2026, "matter", "06999")


HEAD = "standard,kind,code,condition,amount,unit,region_class,is_default,files_when,closed_when\n"


def test_a_region_class_goes_before_any_region(tmp_path: Path) -> None:
    path = tmp_path / "deadlines.csv"
    path.write_text(f"{HEAD}s,matter,1,x,4,工作时,*,yes,,\ns,matter,1,x,2,工作时,A,yes,,\n", encoding="utf-8")
    table = DeadlineTable.load(path)
    assert table.rule("s", "matter", "1", region_class="A").limit.amount == 2
    assert table.rule("s", "matter", "1", region_class="C").limit.amount == 4
    assert table.rule("s", "matter", "1", region_class="A", condition="x").limit.amount == 2


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        pytest.param("s,matter,1,x,0,工作时,*,yes,,", "line 2", id="no time at all"),
        pytest.param("s,matter,1,x,nan,工作时,*,yes,,", "line 2", id="no number"),
        pytest.param("s,matter,1,x,4,hours,*,yes,,", "line 2", id="an unknown unit"),
        pytest.param("s,matter,1,x,4,工作时,*,maybe,,", "line 2", id="neither yes nor no"),
        pytest.param("s,matter,1,x,4", "line 2", id="too few fields"),
        pytest.param("s,matter,1,x,4,工作时,*,no,,", "needs one default", id="no default"),
        pytest.param("s,matter,1,x,4,工作时,A,yes,,", "needs one default", id="a default for one region only"),
        pytest.param(
            "s,matter,1,x,4,工作时,*,yes,,\ns,matter,1,y,4,工作时,*,yes,,", "needs one default", id="two defaults"
        ),
        pytest.param(
            "s,matter,1,x,4,工作时,*,yes,,\ns,matter,1,x,5,工作时,*,no,,", "a condition twice", id="a condition twice"
        ),
    ],
)
def test_a_broken_table_of_limits_is_refused(lines: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "deadlines.csv"
    path.write_text(HEAD + lines + "\n", encoding="utf-8")
    with pytest.raises(BadPolicy, match=complaint):
        DeadlineTable.load(path)
