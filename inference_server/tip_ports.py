"""What is asked about tips. They are written by `ports.Work`, together with the cases that they lead to."""

from typing import Protocol

from inference_server.domain.case import CaseId
from inference_server.domain.tip import Tip, TipId


class TipStore(Protocol):
    """What people have told."""

    def tip(self, tip_id: TipId) -> Tip:
        """One tip; raises NotFound."""
        ...

    def of_case(self, case_id: CaseId) -> list[Tip]:
        """The tips of a case, oldest first."""
        ...

    def unplaced(self, limit: int) -> list[Tip]:
        """Tips of which nobody knows yet where they are, oldest first."""
        ...
