"""How often a test repeats what is random: a few times in `make test`, many in `make test-long`."""

import os


def is_long() -> bool:
    """Whether this is `make test-long`."""
    return bool(os.environ.get("XUNCHENG_TEST_LONG"))


def rounds(short: int, many: int) -> int:
    """One of the two."""
    return many if is_long() else short
