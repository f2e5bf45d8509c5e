"""The figures over the list; each state's figure leads to its cases."""

from collections.abc import Mapping
from dataclasses import dataclass

from inference_server.console.languages import Messages
from inference_server.console.queries import ALL, OPEN
from inference_server.console.views import state_label
from inference_server.domain.case_states import CaseStates
from inference_server.domain.reach import Reach


@dataclass(frozen=True, slots=True)
class StateFigure:
    """How many cases are in a state, or in any open one; `state` is what the filter is set to."""

    state: str
    label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Cases by state and frames by outcome."""

    states: tuple[StateFigure, ...]
    analysed: int
    waiting: int
    has_frames: bool  # frames are counted for the whole city only
    dropped: tuple[tuple[str, int], ...]  # label of the reason, frames; most frequent first

    @property
    def dropped_sum(self) -> int:
        """All frames that were dropped."""
        return sum(count for _, count in self.dropped)


def figures(counts: Mapping[str, int], messages: Messages, states: CaseStates, reach: Reach) -> Figures:
    """The figures of the record's counts (`cases.<state>`, `frames.analysed|queued`, `frames.dropped.<reason>`)."""
    by_state = {name: counts.get(f"cases.{name}", 0) for name in states.states}
    open_count = sum(by_state[name] for name in states.open_states)
    each = (StateFigure(name, state_label(name, messages, states), count) for name, count in by_state.items())
    dropped = ((name.split(".", 2)[2], n) for name, n in counts.items() if name.startswith("frames.dropped."))
    return Figures(
        states=(
            StateFigure(OPEN, messages("filter.open"), open_count),
            *each,
            StateFigure(ALL, messages("filter.all"), sum(by_state.values())),
        ),
        has_frames=reach.is_whole,
        analysed=counts.get("frames.analysed", 0),
        waiting=counts.get("frames.queued", 0),
        dropped=tuple(sorted(((messages.named("drop", reason), n) for reason, n in dropped), key=lambda row: -row[1])),
    )
