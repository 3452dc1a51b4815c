from __future__ import annotations

import subprocess
import sys

LIGHT = ("envelope", "keys", "manifest", "signing", "members", "invitation", "ack", "verify", "limits")


def test_nothing_but_rows_needs_pyarrow() -> None:
    modules = "; ".join(f"import satchel.packet.{name}" for name in LIGHT)
    script = f"import sys; {modules}; sys.exit('pyarrow' in sys.modules or 'duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
