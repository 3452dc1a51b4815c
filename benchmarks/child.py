"""What runs in a process of its own: `python -m benchmarks.child module:function`, arguments as JSON on stdin."""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main() -> None:
    """Calls the function and prints what it returns, as JSON."""
    module, _, function = sys.argv[1].partition(":")
    json.dump(getattr(import_module(module), function)(**json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
