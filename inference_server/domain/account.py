"""Accounts of the console: people with a name, a role and, where they are kept to some, districts."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from inference_server.domain.errors import BadInput

NO_ACCOUNT: Final = "console"  # who signs in with the one-time token of the start
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 128
_RESERVED: Final = frozenset({NO_ACCOUNT, "system", "unknown", "case_system", "operator"})
_NAME: Final = re.compile(r"\w[\w.\-]{0,63}")
_DISTRICT: Final = re.compile("[0-9]{6}")


class Role(StrEnum):
    """What somebody may do in the console; each role has what the ones before it have."""

    VIEWER = "viewer"  # looks
    REVIEWER = "reviewer"  # and answers reviews and verifications
    OPERATOR = "operator"  # and moves cases

    @property
    def may_answer(self) -> bool:
        """Whether reviews and verifications may be answered."""
        return self is not Role.VIEWER

    @property
    def may_move(self) -> bool:
        """Whether cases may be moved."""
        return self is Role.OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person. `districts` None: the whole city."""

    name: str
    role: Role
    districts: tuple[str, ...] | None
    created_at: datetime
    disabled_at: datetime | None = None


def account_name(text: str) -> str:
    """The name as it is kept: one spelling for all that look alike; raises BadInput.

    >>> account_name("Ｚhang.San")
    'zhang.san'
    """
    name = unicodedata.normalize("NFKC", text.strip()).casefold()
    if not _NAME.fullmatch(name):
        raise BadInput("a name has 1 to 64 letters, digits, dots, dashes and underscores", field="name")
    if name in _RESERVED:
        raise BadInput(f"the name {name} stands for something else", field="name")
    return name


def checked_districts(codes: Iterable[str] | None) -> tuple[str, ...] | None:
    """Codes of districts, each once, in order; None for the whole city. BadInput for what is no code.

    >>> checked_districts(["330106", "330102", "330106"])
    ('330102', '330106')
    """
    if codes is None:
        return None
    found = tuple(sorted(set(codes)))
    wrong = next((code for code in found if not _DISTRICT.fullmatch(code)), None)
    if wrong is not None or not found:
        raise BadInput(f"a district is six digits, not {wrong!r}", field="districts")
    return found
