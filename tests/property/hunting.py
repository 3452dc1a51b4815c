"""Seed after seed until one breaks a rule: `python -m tests.property.NAME FIRST LAST`. `-v SEED` tells one."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.property.member import scratch

Play = Callable[[Path, int, Any], Counter[str] | None]  # folder, seed, what to say it with -> what there was


def _quiet(*words: object) -> None:
    """Says nothing."""


def hunt(play: Play, words: list[str]) -> int:
    """Plays the seeds; prints those that fail, with their last lines. 1 if one did."""
    if words[0] == "-v":
        with scratch() as folder:
            play(Path(folder), int(words[1]), print)
        return 0
    seeds = range(int(words[0]), int(words[1]))
    began, failed, tally = time.monotonic(), [], Counter[str]()
    for seed in seeds:
        try:
            with scratch() as folder:
                tally += play(Path(folder), seed, _quiet) or Counter()
        except Exception:
            failed.append(seed)
            print(f"seed {seed}: {last_lines()}", flush=True)
    print(f"{len(seeds)} histories, {len(failed)} failed, {time.monotonic() - began:.0f} s: {failed}; {dict(tally)}")
    return bool(failed)


def last_lines() -> str:
    """Of the trouble that is handled at this moment."""
    lines = [line.strip() for line in traceback.format_exc().splitlines() if not set(line) <= set(" ^~")]
    return " | ".join(lines[-3:])[:900]
