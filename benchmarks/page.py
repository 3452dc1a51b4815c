"""`python -m benchmarks.page [RESULTS]`: puts the figures of a run into docs/performance.md, and draws the plot.

The results go to docs/performance.json; without an argument the page is made anew of what is there.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench import ALTERNATIVES
from benchmarks.process import ROOT, run_process
from benchmarks.table import amount, ratio

PAGE = ROOT / "docs" / "performance.md"
_FIGURES = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)", re.DOTALL)
_LOCAL = "-local"
_MET = {True: "yes", False: "**no**", None: ""}


def figures(document: Mapping[str, Any]) -> str:
    """What stands between the page's marks: the machine, a table for each workload, the notes."""
    rows = document["results"]
    local = [row for row in rows if row["name"].endswith(_LOCAL)]
    usual = [row for row in rows if row not in local]
    parts = [_machine(document), *_table(usual), "", "The same with keys that each database hands out by itself:", ""]
    parts += [*_table(local), "", *_notes(rows)]
    return "\n".join(parts) + "\n"


def _machine(document: Mapping[str, Any]) -> str:
    facts, took = document["machine"], document["took"]
    libraries = ", ".join(f"{name} {number}" for name, number in facts["versions"].items() if name != "satchel")
    scale = "" if document["scale"] == 1 else f" At {document['scale']:g} of the described sizes: **a draft**."
    busy = "" if facts["load"] < 1 else f" The machine had other work: load {facts['load']:g} when it began."
    return (
        f"Taken {facts['when'][:10]} on {facts['cores']} cores, {facts['memory']} GiB, {facts['system']}, Python"
        f" {facts['python']}, SQLite {facts['sqlite']}; {libraries}. All of it took {took['seconds'] / 60:.0f} minutes"
        f" ({took['cpu'] / 60:.0f} of a processor).{scale}{busy}\n"
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| measure | ours | against | | ratio | goal | met | peak | runs |"
    yield "| --- | --: | --- | --: | --: | --: | --- | --: | --: |"
    for row in rows:
        yield "| " + " | ".join(_cells(row)) + " |"


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    what = f"`{row['name']}` {row.get('what', '')}"
    goal = "" if row["goal"] is None else f"{row['goal']:g}"
    if row["ratio"] is None:
        return (what, "", row.get("against", ""), "", "", goal, "not measured", "", "")
    peak = row["memory"]["ours"]
    return (
        what,
        amount(row["ours"], row["unit"]),
        row["against"],
        amount(row["theirs"], row["unit"]),
        ratio(row["ratio"]),
        goal,
        _MET[row["met"]],
        "" if peak is None else f"{peak:.0f} MiB",
        str(row["runs"]),
    )


def _notes(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        about = row.get("not_measured") or row.get("failed", "").rpartition("\n")[2] or row.get("note")
        if about:
            words = "not measured here: " if row["ratio"] is None else ""
            yield f"- `{row['name']}`: {words}{about}."


def write(document: Mapping[str, Any], page: Path = PAGE) -> None:
    """Puts the figures between the page's marks, and the results beside it."""
    text = page.read_text(encoding="utf-8")
    page.write_text(_FIGURES.sub(lambda _: figures(document), text), encoding="utf-8")
    page.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def main(words: Sequence[str]) -> int:
    """The exit code."""
    source = Path(words[0]) if words else PAGE.with_suffix(".json")
    document = json.loads(source.read_text(encoding="utf-8"))
    write(document)
    if document.get("growth"):
        python = ALTERNATIVES / "bin" / "python"
        run_process([python, "-m", "benchmarks.plot", PAGE.with_suffix(".json"), PAGE.with_suffix(".svg")])
    else:
        print("these results have no growth: the plot stays as it is", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
