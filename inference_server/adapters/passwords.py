"""Passwords: hashed with argon2id, judged by zxcvbn."""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from inference_server.domain.account import LONGEST_PASSWORD, SHORTEST_PASSWORD
from inference_server.domain.errors import BadInput

# OWASP's parameters for argon2id (19 MiB, two passes, one lane). Two at once keep the memory bounded, however many
# people sign in at one moment.
_MEMORY_KIB, _PASSES, _LANES, _AT_ONCE = 19_456, 2, 1, 2
_LEAST_SCORE = 3  # of 4: more than 10^8 guesses
_JUDGED_LENGTH = 72  # as far as zxcvbn reads
_OUR_WORDS = ("xuncheng", "巡城", "chengguan", "password", "admin")


class ArgonPasswords:
    """Hashes, proves and judges passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash("what an unknown name is compared with")

    def hash(self, password: str) -> str:
        """The hash with its parameters and its salt."""
        with self._room:
            return self._hasher.hash(_same(password))

    def is_right(self, password: str, kept: str | None) -> bool:
        """Whether a password is that of a hash; without one the same work is done for nothing."""
        with self._room:
            try:
                self._hasher.verify(kept or self._nobodys, _same(password[: LONGEST_PASSWORD + 1]))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_old(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def demand_good(self, password: str, name: str) -> None:
        """Nothing; BadInput for one that is short, long, common, or made of the name."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            message = f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
            raise BadInput(message, field="password")
        from zxcvbn import zxcvbn  # 0.2 s of word lists that only who sets a password needs

        found = zxcvbn(_same(password)[:_JUDGED_LENGTH], user_inputs=[name, *_OUR_WORDS])
        if found["score"] < _LEAST_SCORE:
            raise BadInput("this password would be guessed: take a longer one, of several words", field="password")


def _same(password: str) -> str:
    """One spelling for what looks alike, whichever keyboard it was typed on."""
    return unicodedata.normalize("NFKC", password)
