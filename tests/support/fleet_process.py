"""One process of a fleet without a model, for tests that kill it.

`python -m support.fleet_process FOLDER DATABASE NATS accept FIRST COUNT` accepts frames in turn, tries each again while
the record is away, and prints the number of each after it was accepted. `... work` analyses until it is killed.
"""

import signal
import sys
import time
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from support.builders import a_picture
from support.queue_process import numbered, work_on

from inference_server.adapters.nats_stream import StreamPlan
from inference_server.adapters.opening import Adapters, BusOptions, OpeningOptions, open_adapters
from inference_server.adapters.sql_queue import QueueLimits
from inference_server.worker import Workers

LEASE_S = 2.0


def opened(folder: Path, database: str, nats: str) -> Adapters:
    """The record of the fleet, with short leases so that the test need not wait."""
    bus = BusOptions(url=nats, plan=StreamPlan(ack_wait_s=LEASE_S), sweep_every_s=0.5)
    while True:
        try:
            return open_adapters(database, folder, OpeningOptions(bus=bus, limits=QueueLimits(lease_s=LEASE_S)))
        except SQLAlchemyError:
            time.sleep(0.1)


def accept(record: Adapters, first: int, count: int) -> None:
    """Accept frames one by one, as a device that tries again would have it."""
    for number in range(first, first + count):
        while True:
            try:
                record.queue.put(numbered(number), a_picture(number))
                break
            except SQLAlchemyError:
                time.sleep(0.1)
        sys.stderr.write(f"{number}\n")
        time.sleep(0.005)


def main(folder: str, database: str, nats: str, role: str, *numbers: str) -> None:
    """Open the record, say so, and play the role."""
    record = opened(Path(folder), database, nats)
    sys.stderr.write("ready\n")
    if role == "accept":
        accept(record, *map(int, numbers))
        return
    Workers(work_on(record), threads=2).start()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
