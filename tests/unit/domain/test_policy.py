"""The city's rules as data."""

from datetime import time
from pathlib import Path

import pytest

import inference_server
from inference_server.domain.errors import BadPolicy
from inference_server.domain.observation import Contact
from inference_server.domain.policy import load_policy

SHIPPED = Path(inference_server.__file__).parent / "policy" / "hangzhou.toml"


def written(folder, text):
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_policy_has_rules_and_a_code_for_every_class_that_is_collected():
    policy = load_policy(SHIPPED)
    assert policy.classes["graffiti"].contact is Contact.WALL
    assert all(rules.code for rules in policy.classes.values() if rules.collected)
    assert len(policy.hash) == 64


def test_what_is_written_is_what_is_read(tmp_path):
    text = """
standard = "X"
[gate]
step_m = 5
masked_zones = [[[30.0, 120.0], [30.1, 120.0], [30.1, 120.1]]]
[classes.garbage]
group = "waste"
hours = [08:00:00, 18:30:00]
"""
    policy = load_policy(written(tmp_path, text))
    assert policy.gate.step_m == 5
    assert policy.gate.masked_zones == (((30.0, 120.0), (30.1, 120.0), (30.1, 120.1)),)
    assert policy.classes["garbage"].hours == (time(8), time(18, 30))
    assert policy.groups == {"garbage": "waste"}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("[gate]\nstep = 3\n", "gate.step", id="unknown key"),
        pytest.param("[gates]\nstep_m = 3\n", "gates", id="unknown section"),
        pytest.param("[gate]\nstep_m = 'three'\n", "gate.step_m", id="not a number"),
        pytest.param("[gate]\nonly_inside_grids = 3\n", "gate.only_inside_grids", id="not a truth value"),
        pytest.param("[gate]\nmasked_zones = 3\n", "gate.masked_zones", id="no list of rings"),
        pytest.param("[gate]\nmasked_zones = [[[30.0, 120.0], [30.1, 120.0]]]\n", "gate.masked_zones[0]", id="a line"),
        pytest.param(
            "[gate]\nmasked_zones = [[[120.0, 30.0], [120.1, 30.0], [120.1, 30.1]]]\n",
            "gate.masked_zones[0]",
            id="longitude first",
        ),
        pytest.param(
            "[gate]\nmasked_zones = [[[30.0, 120.0], [30.1, 120.1], [30.1, 120.0], [30.0, 120.1]]]\n",
            "gate.masked_zones[0]",
            id="crosses itself",
        ),
        pytest.param(
            "[classes.x]\ngroup = 'g'\npermits = [[[30.0, 'x']]]\n", "classes.x.permits[0]", id="no corner of a permit"
        ),
        pytest.param("[classes.x]\ngroup = 'g'\ncontact = 'air'\n", "classes.x.contact", id="unknown contact"),
    ],
)
def test_a_policy_with_a_fault_is_refused_by_the_name_of_the_key(tmp_path, text, field):
    with pytest.raises(BadPolicy) as fault:
        load_policy(written(tmp_path, text))
    assert fault.value.field == field


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    with pytest.raises(BadPolicy, match="not TOML"):
        load_policy(written(tmp_path, "= ="))


def test_a_policy_may_extend_another_and_change_single_rules(tmp_path):
    (tmp_path / "base.toml").write_text("[gate]\nstep_m = 5\nmin_sharpness = 9\n[classes.x]\ngroup = 'g'\n")
    policy = load_policy(written(tmp_path, "extends = 'base.toml'\n[gate]\nstep_m = 3\n[classes.x]\nfile_at = 0.7\n"))
    assert (policy.gate.step_m, policy.gate.min_sharpness) == (3, 9)
    assert (policy.classes["x"].group, policy.classes["x"].file_at) == ("g", 0.7)
    assert policy.hash != load_policy(tmp_path / "base.toml").hash


def test_a_policy_that_extends_a_missing_file_is_refused_by_its_name(tmp_path):
    with pytest.raises(BadPolicy, match="nowhere"):
        load_policy(written(tmp_path, "extends = 'nowhere.toml'\n"))
