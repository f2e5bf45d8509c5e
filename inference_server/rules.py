"""All that a city decides, read from its files."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from inference_server.domain.calibration import Calibration
from inference_server.domain.case_states import CaseStates
from inference_server.domain.catalogue import Catalogue
from inference_server.domain.deadline_table import DeadlineTable
from inference_server.domain.policy import Policy, load_policy
from inference_server.domain.workdays import WorkCalendar, load_calendar
from inference_server.scene.gone_rules import GoneRules, read_gone_rules
from inference_server.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policy, and what stands beside it."""

    policy: Policy
    states: CaseStates
    catalogue: Catalogue
    limits: DeadlineTable
    calibration: Calibration
    gone: GoneRules
    calendar: WorkCalendar


def read_rules(settings: Settings) -> Rules:
    """The rules; BadPolicy names the file and what is wrong in it."""
    policy = load_policy(settings.policy)
    beside = settings.case_states.parent
    return Rules(
        policy=policy,
        states=CaseStates.load(settings.case_states),
        catalogue=Catalogue.load(settings.catalogue),
        limits=DeadlineTable.load(beside / "deadlines.csv"),
        calibration=Calibration.load(settings.closing_calibration),
        gone=read_gone_rules(settings.gone_rules),
        calendar=load_calendar(beside / "holidays.csv", zone=ZoneInfo(policy.timezone)),
    )
