"""The record for one command."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from inference_server.adapters.opening import Adapters
from inference_server.bootstrap import open_record
from inference_server.rules import read_rules
from inference_server.settings import Settings


@contextmanager
def own_record(settings: Settings | None = None) -> Iterator[Adapters]:
    """The record that the settings name, those of the environment if none are given; closed afterwards."""
    chosen = settings or Settings()
    with closing(open_record(chosen, read_rules(chosen))) as record:
        yield record
