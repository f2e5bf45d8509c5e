"""A worker process that behaves as a test says: `python -m support.odd_worker FOLDER MODE --beats DESCRIPTOR`.

It leaves a file named by its process id in the folder, with the time of its start. Modes: `well`; `silent` (stops
beating after a while); `stuck` (says that a thread hangs); `dies` (with code 1); `hopeless` (with code 3); `deaf` (does
not mind SIGTERM); `late` (never beats).
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path


def main(folder: str, mode: str, pipe: int) -> None:
    """Behave."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: None if mode == "deaf" else stopped.set())
    born_s = time.monotonic()
    (Path(folder) / str(os.getpid())).write_text(str(time.time()))
    if mode == "late":
        signal.pause()
    from inference_server.supervisor import Beats  # late: the file must be there soon

    beats = Beats(pipe, lambda: time.monotonic() - born_s if mode == "stuck" else 0.0, stopped.set)
    beats.start()
    if mode in ("dies", "hopeless"):
        time.sleep(0.3)
        sys.exit({"dies": 1, "hopeless": 3}[mode])
    if mode == "silent":
        stopped.wait(0.4)
        beats.stop(1.0)
        signal.pause()
    stopped.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[4]))
