"""What a city allows to be closed without a person, as data: the section `[closing]` of its policy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from inference_server.domain.errors import BadInput

ANYTHING = "*"
_SCOPE = re.compile(r"([0-9]{4,10}|\*)(@[0-9]{6})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingRules:
    """The rules. Codes are matters of GB/T 47678.5-2026.

    A scope in `shadow` and `off` is a code, `*` for every code, or either of them with a district: `06010@330106`.
    """

    codes: tuple[str, ...] = ()  # low-risk, decidable by a photograph: these may be closed without a person
    target_false_close: float = 0.002  # wrong closings of the not-fixed that are presented, as an upper bound
    targets: Mapping[str, float] = field(default_factory=dict)  # another target for a code
    shadow: tuple[str, ...] = ()  # decided as usual, but every closing waits for a person
    off: tuple[str, ...] = ()  # the kill-switch
    is_open_to_all: bool = False  # for measuring: every class may be closed, and no calibration is asked for
    spot_share: float = 0.03  # of the closings, shown to a person who does not know that they were closed
    spot_seed: int = 20261122
    spot_limit: float = 0.05  # upper bound of the wrong among the checked; above it closing is switched off
    spot_min_checks: int = 60  # until so many are checked, one wrong closing switches it off
    miss_rates: Mapping[str, float] = field(default_factory=dict)  # of a class in one clear pass, over the card's
    drive_by_miss: float = 0.005  # product of miss rates under which clear passes prove a fix

    def target(self, code: str) -> float:
        """The target of a code."""
        return float(self.targets.get(code, self.target_false_close))

    def is_listed(self, code: str) -> bool:
        """Whether a code may be closed without a person at all."""
        return self.is_open_to_all or code in self.codes

    def is_in_shadow(self, code: str, district: str | None) -> bool:
        """Whether closings of a code in a district wait for a person."""
        return covers(self.shadow, code, district)

    def is_off(self, code: str, district: str | None) -> bool:
        """Whether the city has switched closing off there."""
        return covers(self.off, code, district)


def covers(scopes: tuple[str, ...], code: str, district: str | None) -> bool:
    """Whether one of the scopes holds for a code in a district.

    >>> covers(("06010@330106",), "06010", "330106"), covers(("06010",), "06010", None), covers(("*@1",), "06010", "2")
    (True, True, False)
    """
    for scope in scopes:
        of, _, where = scope.partition("@")
        if of in (ANYTHING, code) and where in ("", district):
            return True
    return False


def checked_scope(text: str) -> str:
    """The scope; BadInput where it is none.

    >>> checked_scope("*@330106")
    '*@330106'
    """
    if not _SCOPE.fullmatch(text):
        raise BadInput(f'{text!r} is no scope: a code, "*", or either with a district (06010@330106)', field="scope")
    return text
