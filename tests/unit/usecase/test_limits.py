"""Limits follow the model that runs and the policy, and are not worked out for each frame."""

from dataclasses import replace

from support.street import shipped_policy
from support.truth import TruthDetects

from inference_server.sighted import LastLimits, limits_of


def test_limits_are_worked_out_anew_for_another_model_or_policy_only() -> None:
    policy, last, model = shipped_policy(), LastLimits(), TruthDetects()
    first = last.of(policy, model)
    assert first == limits_of(policy, model)
    assert last.of(policy, model) is first
    other = last.of(policy, TruthDetects())
    assert other == first
    assert other is not first
    assert last.of(replace(policy), model) is not other
