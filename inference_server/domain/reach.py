"""How far somebody sees: the whole city, or some districts of it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reach:
    """Districts by their codes, with which the ids of their grids begin; None: the whole city.

    >>> Reach(("330106",)).covers("330106001001007"), Reach(("330106",)).covers(None), Reach().covers(None)
    (True, False, True)
    """

    districts: tuple[str, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole city."""
        return self.districts is None

    def covers(self, place: str | None) -> bool:
        """Whether a grid, or a district, lies in it. What lies in no grid is seen by those of the whole city."""
        if self.districts is None:
            return True
        return place is not None and place.startswith(self.districts)


WHOLE_CITY: Final = Reach()
