"""Nodes in processes of their own meet on a real SMB server and over SFTP, each through a mount as a desktop has it.

    python -m tests.shares --nodes 6 --minutes 1

What the machine lacks is named; it is no success.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.daemon.crowd import play
from tests.shares.servers import NEEDED, PACKAGES, missing, mounts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--mounts", type=int, default=3)
    chosen = parser.parse_args()
    failed = 0
    for kind in NEEDED:
        if lacking := missing(kind):
            print(f"{kind}: cannot be tried, this machine lacks {', '.join(lacking)} (Debian: {PACKAGES})")
            failed += 1
            continue
        with tempfile.TemporaryDirectory(prefix="satchel-") as folder:
            root = Path(folder)
            (root / "server").mkdir()
            (root / "nodes").mkdir()
            with mounts(kind, root / "server", chosen.mounts) as share:
                edits, took, wrong = play(root / "nodes", chosen.nodes, chosen.minutes * 60, mounts=share)
        who = f"{kind}: {chosen.nodes} nodes over {chosen.mounts} mounts, {edits} rows edited"
        print(f"{who}; all the same {took:.0f} s after the last edit")
        print("\n".join(wrong) or "  nobody failed, nothing is left over")
        failed += bool(wrong)
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
