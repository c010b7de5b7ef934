"""Outlives the process that holds a stack for a moment, to end what that one left: even a `kill -9` leaves nothing.

Reads lines `PID STARTED` from standard input: sessions that it answers for. At the end of its input, which comes
whichever way its parent ends, it kills those of them that are still there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tools.stack.processes import ProcessId, end_session

_PROJECT = Path(__file__).resolve().parents[2]


class Guardian:
    """The holder's end. Closing it, or the holder's end, is what the guardian waits for."""

    def __init__(self, log: Path) -> None:
        read, write = os.pipe()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tools.stack.guardian"],
                stdin=read,
                stdout=output,
                stderr=output,
                cwd="/",
                env={"PYTHONPATH": str(_PROJECT)},
                start_new_session=True,
            )
        os.close(read)
        self._input = os.fdopen(write, "w", buffering=1)

    def answer_for(self, leader: ProcessId) -> None:
        """From now on the session of `leader` doesn't outlive this process."""
        self._input.write(f"{leader.pid} {leader.started}\n")

    def dismiss(self) -> None:
        """Lets the guardian end; it kills what is left of the sessions first."""
        self._input.close()
        self._process.wait()


def main() -> None:
    """`python -m tools.stack.guardian`."""
    # Only the end of its input ends it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sessions = []
    for line in sys.stdin:
        pid, started = line.split()
        sessions.append(ProcessId(int(pid), int(started)))
    for session in sessions:
        end_session(session)


if __name__ == "__main__":
    main()
