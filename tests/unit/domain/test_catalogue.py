"""The code tables as shipped, their cross-walk, and what a broken one is told."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import pytest

from inference_server.domain.catalogue import CJ_2007, GB_2013, GB_2026, LOCAL, Catalogue, Entry, Mark
from inference_server.domain.errors import BadPolicy, NotFound
from inference_server.domain.policy import load_policy

ROOT = Path(__file__).parents[3] / "inference_server"
SHIPPED = ROOT / "catalogue"
CATALOGUE = Catalogue.load(SHIPPED)


def crossed(standard: str, code: str, to_standard: str, kind: str = "matter") -> list[tuple[str, str, str]]:
    found = CATALOGUE.crosswalk(CATALOGUE.entry(standard, kind, code), to_standard)
    return [(crossing.entry.code, crossing.entry.name_zh, crossing.mark.value) for crossing in found]


def test_the_2026_table_is_complete() -> None:
    entries = [entry for entry in CATALOGUE.entries.values() if entry.standard == GB_2026]
    assert Counter(entry.kind for entry in entries) == {"component": 153, "matter": 250}
    components = Counter(entry.code[:2] for entry in entries if entry.kind == "component")
    assert components == {"01": 76, "02": 44, "03": 16, "04": 14, "05": 3}
    matters = Counter(entry.code[:2] for entry in entries if entry.kind == "matter")
    assert matters == {**components, "06": 51, "07": 7, "08": 16, "09": 21, "10": 2}
    assert all(len(entry.code) == 5 and entry.code.isdigit() for entry in entries)


def test_every_component_has_a_matter_of_the_same_digits() -> None:
    for entry in CATALOGUE.entries.values():
        if (entry.standard, entry.kind) == (GB_2026, "component"):
            assert CATALOGUE.entry(GB_2026, "matter", entry.code).name_zh == entry.name_zh + "异常"


@pytest.mark.parametrize(
    ("standard", "kind", "code", "name"),
    [
        pytest.param(GB_2026, "matter", "06010", "暴露垃圾", id="rubbish, 2026"),
        pytest.param(GB_2026, "component", "01023", "不明井盖", id="a cover of nobody, as a thing"),
        pytest.param(GB_2026, "matter", "01023", "不明井盖异常", id="the same digits as a matter"),
        pytest.param(GB_2026, "component", "01021", "输油(气)井盖", id="a name with brackets"),
        pytest.param(GB_2013, "matter", "0110", "暴露垃圾", id="rubbish, 2013"),
        pytest.param(GB_2013, "matter", "0104", "建筑物外立面不洁", id="a name that changed"),
        pytest.param(CJ_2007, "matter", "0102", "暴露垃圾", id="rubbish, 2007"),
        pytest.param(CJ_2007, "matter", "0110", "道路破损", id="the same digits, another thing"),
        pytest.param(LOCAL, "matter", "10999", "路面塌陷", id="a local code"),
    ],
)
def test_a_code_is_found_by_standard_kind_and_digits(standard: str, kind: str, code: str, name: str) -> None:
    assert CATALOGUE.entry(standard, kind, code).name_zh == name


@pytest.mark.parametrize(
    ("standard", "code", "to", "expected"),
    [
        pytest.param(GB_2026, "06010", GB_2013, [("0110", "暴露垃圾", "confirmed")], id="one step"),
        pytest.param(GB_2026, "06010", CJ_2007, [("0102", "暴露垃圾", "confirmed")], id="two steps"),
        pytest.param(CJ_2007, "0102", GB_2026, [("06010", "暴露垃圾", "confirmed")], id="two steps back"),
        pytest.param(GB_2026, "06034", GB_2013, [("0134", "废弃车辆", "carried")], id="a number carried over"),
        pytest.param(GB_2026, "06014", CJ_2007, [("0112", "道路遗撒", "carried")], id="as sure as the weaker step"),
        pytest.param(GB_2026, "06042", GB_2013, [], id="new in 2026"),
        pytest.param(GB_2013, "0131", GB_2026, [], id="dropped in 2026"),
        pytest.param(GB_2013, "0505", GB_2026, [], id="collapse has no code in 2026"),
        pytest.param(GB_2013, "0505", LOCAL, [("10999", "路面塌陷", "confirmed")], id="but a local one"),
        pytest.param(LOCAL, "10998", CJ_2007, [("0406", "道路积水", "confirmed")], id="from local to 2007"),
        pytest.param(GB_2026, "06010", GB_2026, [("06010", "暴露垃圾", "confirmed")], id="to itself"),
    ],
)
def test_the_crosswalk_tells_the_other_number_and_how_sure_it_is(
    standard: str, code: str, to: str, expected: list[tuple[str, str, str]]
) -> None:
    assert crossed(standard, code, to) == expected


def test_components_have_a_crosswalk_of_their_own() -> None:
    assert crossed(GB_2026, "01001", GB_2013, "component") == [("0101", "上水井盖", "carried")]
    assert crossed(GB_2026, "01069", GB_2013, "component") == [("0506", "水域附属设施", "confirmed")]
    assert crossed(GB_2026, "01001", GB_2013, "matter") == []


def test_the_crosswalk_goes_back_the_way_it_came() -> None:
    for entry in CATALOGUE.entries.values():
        for to_standard in (GB_2026, GB_2013, CJ_2007, LOCAL):
            for crossing in CATALOGUE.crosswalk(entry, to_standard):
                back = CATALOGUE.crosswalk(crossing.entry, entry.standard)
                assert entry in [other.entry for other in back]


def test_every_class_of_the_detector_is_named_and_the_eight_of_a_case_have_codes() -> None:
    codes = {name: (row.kind, row.code) for name, row in CATALOGUE.classes.items() if row.code}
    assert len(CATALOGUE.classes) == 17
    assert codes == {
        "garbage": ("matter", "06010"),
        "overflowing_bin": ("matter", "06042"),
        "pothole": ("matter", "06013"),
        "crack": ("matter", "06013"),
        "graffiti": ("matter", "07001"),
        "soil_heap": ("matter", "06011"),
        "roadworks": ("matter", "08002"),
        "open_manhole": ("matter", "01023"),
    }
    assert [name for name, row in CATALOGUE.classes.items() if row.is_safety] == ["open_manhole"]
    for kind, code in codes.values():
        assert CATALOGUE.entry(GB_2026, kind, code).name_en


def test_the_shipped_policy_and_the_catalogue_agree() -> None:
    policy = load_policy(ROOT / "policy" / "hangzhou.toml")
    assert set(policy.classes) == set(CATALOGUE.classes)
    for name, rules in policy.classes.items():
        row = CATALOGUE.of_class(name)
        assert (rules.code or "", rules.contact) == (row.code, row.contact), name


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"no matter 06031 in GB/T 47678.5-2026"):
        CATALOGUE.entry(GB_2026, "matter", "06031")
    with pytest.raises(NotFound, match="unicorn"):
        CATALOGUE.of_class("unicorn")


def test_a_city_may_add_local_codes(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with (folder / "local.csv").open("a", encoding="utf-8") as file:
        file.write("local,matter,06999,占道充电,charging cable across the way,Y\n")
    entry = Catalogue.load(folder).entry(LOCAL, "matter", "06999")
    assert entry == Entry(
        standard=LOCAL,
        kind="matter",
        code="06999",
        name_zh="占道充电",
        name_en="charging cable across the way",
        camera="Y",
    )


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        pytest.param("local.csv", "local,matter,10999,又一个,,", "10999 is there twice", id="a code twice"),
        pytest.param("local.csv", "GB/T 1-2000,matter,1,某,,", "in the file of local", id="another standard"),
        pytest.param("local.csv", "local,thing,1,某,,", "line 4", id="an unknown kind"),
        pytest.param("local.csv", "local,matter,,某,,", "needs a code", id="no code"),
        pytest.param("local.csv", "local,matter,1,,,", "a Chinese name", id="no name"),
        pytest.param("local.csv", "local,matter,1", "too few or too many", id="too few fields"),
        pytest.param("local.csv", "local,matter,1,某,,,,", "too few or too many", id="too many fields"),
        pytest.param(
            "classes.csv", "cat,猫,cat,matter,99999,ground,1,1,no", "no matter 99999", id="a class without code"
        ),
        pytest.param("classes.csv", "cat,猫,cat,,,air,1,1,no", "line 19", id="an unknown contact"),
        pytest.param("classes.csv", "cat,猫,cat,,,ground,wide,1,no", "line 19", id="a width that is none"),
        pytest.param(
            "crosswalk.csv", f"matter,{GB_2026},06010,{GB_2013},9999,confirmed", "9999", id="a way to nowhere"
        ),
        pytest.param(
            "crosswalk.csv", f"matter,{GB_2026},06010,{GB_2013},0110,perhaps", "perhaps", id="an unknown mark"
        ),
    ],
)
def test_a_broken_line_is_refused_by_file_and_number(file: str, line: str, complaint: str, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with (folder / file).open("a", encoding="utf-8") as lines:
        lines.write(line + "\n")
    with pytest.raises(BadPolicy, match=complaint) as refusal:
        Catalogue.load(folder)
    assert file in refusal.value.message


def copied(tmp_path: Path) -> Path:
    return shutil.copytree(SHIPPED, tmp_path / "catalogue")


def test_marks_are_the_two_that_the_documentation_explains() -> None:
    with (SHIPPED / "crosswalk.csv").open(encoding="utf-8") as lines:
        assert {row["mark"] for row in csv.DictReader(lines)} == {mark.value for mark in Mark}
