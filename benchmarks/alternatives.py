"""`python -m benchmarks.alternatives`: what satchel is measured against, a requirement a line.

They stand in pyproject.toml, as the extra `bench`.
"""

from __future__ import annotations

import tomllib

from benchmarks.process import ROOT

if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print("\n".join(project["optional-dependencies"]["bench"]))
