"""Tables on a terminal: what one copies from them is whole, however narrow it is."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

ROW = ("01m86r1f2k3v9w8y7x6z5a4b3c", "rolled_back", "12", "standard-app 0.2.0", "somebody", "A long subject " * 20)
CODE = f"""
from deployctl.render.tables import print_table
print_table(("RELEASE", "STATE", "REVISION", "CHART", "BY", "WHAT"), [{ROW!r}], may_go=("CHART", "BY"))
"""


def _drawn(width: int) -> list[str]:
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm", "NO_COLOR": "1"}
    subprocess.run([sys.executable, "-c", CODE], stdout=slave, env=environment, check=True, timeout=60)
    os.close(slave)
    drawn = os.read(master, 65536).decode()
    os.close(master)
    return drawn.splitlines()


@pytest.mark.parametrize(("width", "gone"), [(120, ()), (80, ("CHART",)), (70, ("CHART", "BY"))])
def test_a_narrow_terminal_goes_without_what_matters_least(width: int, gone: tuple[str, ...]) -> None:
    heading, *rows = _drawn(width)
    assert [name for name in ("RELEASE", "STATE", "REVISION", "CHART", "BY", "WHAT") if name not in heading] == [*gone]
    assert len(rows) == 1
    assert rows[0].startswith(f"{ROW[0]}  {ROW[1]}  12  ")
    assert "…" in rows[0]
    assert len(rows[0].rstrip()) <= width
