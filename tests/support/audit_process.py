"""A process that adds to the audit log: `python -m support.audit_process URL|- FOLDER NAME COUNT`."""

import sys
from pathlib import Path

from inference_server.adapters.opening import open_adapters
from inference_server.domain.audit import AuditAction, AuditNote


def main(url: str, folder: str, name: str, count: int) -> None:
    """Say that it is ready, wait for a line, and write."""
    record = open_adapters(None if url == "-" else url, Path(folder))
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    sys.stdin.readline()
    for number in range(count):
        record.audit.add(AuditNote.by(f"operator:{name}", AuditAction.CASE_MOVED, f"case:{number}", to="closed"))
    record.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
