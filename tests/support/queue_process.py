"""A process that accepts frames and analyses them, for tests that kill it or watch its system calls.

`python -m support.queue_process FOLDER FIRST COUNT THREADS` prints `ready`, then the number of each frame after it was
accepted. Each report is committed with one event, whose subject is the camera.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from support.builders import a_frame, a_picture, a_report, an_event

from inference_server.adapters.clock import SystemClock
from inference_server.adapters.opening import Adapters, open_adapters
from inference_server.domain.frame import Frame
from inference_server.domain.report import Report
from inference_server.worker import Work, Workers

CAMERAS = ("front", "left", "right")


@dataclass
class Notary:
    """A use case that writes one event per frame, in one transaction with the report."""

    record: Adapters

    def __call__(self, frame: Frame, picture: bytes) -> Report:
        """Analyse."""
        assert picture == a_picture(frame.seq)
        report = a_report(frame)
        with self.record.store.work(()) as work:
            done = work.report_of(frame.id)
            if done is not None:
                return done
            work.add_event(an_event(frame.id, subject=frame.camera, data={"seq": frame.seq}))
            work.finish(frame, report)
        return report


def numbered(number: int) -> Frame:
    """The frame of a number; cameras take turns."""
    return a_frame(number, camera=CAMERAS[number % len(CAMERAS)])


def work_on(record: Adapters) -> Work:
    """What threads over a record need."""
    return Work(queue=record.queue, store=record.store, inspect=Notary(record), clock=SystemClock())


def main(folder: str, first: int, count: int, threads: int) -> None:
    """Accept frames one by one while the threads work, and say so."""
    record = open_adapters(None, Path(folder))
    workers = Workers(work_on(record), threads)
    workers.start()
    sys.stderr.write("ready\n")
    for number in range(first, first + count):
        record.queue.put(numbered(number), a_picture(number))
        sys.stderr.write(f"{number}\n")
    workers.stop(within_s=10.0)
    record.close()


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:5]))
