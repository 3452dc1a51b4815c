"""Whole processes: what a person waits for on the command line."""

from __future__ import annotations

from pathlib import Path

from benchmarks import orders
from benchmarks.bench import Bench
from benchmarks.measure import Finding, Measure, Side
from benchmarks.process import Taken, run_process

OFTEN = 4  # times as many runs: they are short
ROWS = 1_500
CHANGES = 30
PROMISED = 5.0  # seconds that users of such programs are promised


def _program(bench: Bench) -> Path:
    return bench.python.parent / "satchel"


def office(bench: Bench) -> Path:
    """A folder with two homes of 1,500 rows that have everything of each other."""

    def make() -> Path:
        folder = bench.fresh("start")
        bench.ours("product:found_pair", folder=folder, rows=ROWS)
        return folder

    path: Path = bench.once("start", make)
    return path


def _start(bench: Bench, *command: str | Path) -> Finding:
    def ours() -> Taken:
        return run_process([_program(bench), *command])[1]

    def theirs() -> Taken:
        return run_process([bench.python, "-c", "import sqlite3"])[1]

    ours(), theirs()  # whatever has to be compiled or cached is now
    mine, other = bench.rounds(ours, theirs, runs=bench.runs * OFTEN if bench.runs > 1 else 1)
    return Finding(Side.of(mine), Side.of(other))


def help_(bench: Bench) -> Finding:
    """`satchel --help`."""
    return _start(bench, "--help")


def status(bench: Bench) -> Finding:
    """`satchel status`."""
    return _start(bench, "--home", office(bench) / "office", "status")


def sync(bench: Bench) -> Finding:
    """`satchel sync` with nothing to do."""
    return _start(bench, "--home", office(bench) / "office", "sync", office(bench) / "share")


def exchange(bench: Bench) -> Finding:
    """One node syncs 30 changes, the other takes them."""
    source = office(bench)

    def ours() -> Taken:
        folder = bench.copy(source)
        connection = orders.open_database(folder / "office" / "data.db")
        orders.write_big(connection, orders.delta(ROWS, CHANGES).statements)
        connection.close()
        share = folder / "share"
        takes = [
            run_process([_program(bench), "--home", folder / home, "sync", share])[1] for home in ("office", "branch")
        ]
        return Taken(sum(t.seconds for t in takes), sum(t.cpu for t in takes), max(t.memory for t in takes))

    [takes] = bench.rounds(ours)
    return Finding(Side.of(takes), Side.limit(PROMISED))


_BARE = 'python -c "import sqlite3"'
MEASURES = (
    Measure("start-help", "satchel --help", _BARE, 4.0, help_),
    Measure("start-status", "satchel status", _BARE, 8.0, status),
    Measure("start-sync", "satchel sync with nothing to do", _BARE, 12.0, sync),
    Measure("exchange", "30 changes in 1,500 rows: two nodes sync by command line", "5 seconds (the goal is 1 s)", 0.2,
            exchange),
)  # fmt: skip
