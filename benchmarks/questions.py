"""An auditor's questions: to an archive of very many packets, and to one Parquet file that has the same rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.clock import timed
from benchmarks.process import Taken

# What stands in the table in the end. An archive knows which version has seen which; in one file stamps have to do.
STATE = "SELECT status, count(*), round(sum(amount)) FROM orders GROUP BY status ORDER BY status"
STATE_OF_FILE = """
    SELECT status, count(*), round(sum(amount)) FROM (
        SELECT max_by(status, rank) AS status, max_by(amount, rank) AS amount, max_by(op, rank) AS op
        FROM (SELECT *, (_change.stamp, _change.origin, _change.seq) AS rank, _change.op AS op
              FROM read_parquet('{file}'))
        GROUP BY id)
    WHERE op <> 'delete' GROUP BY status ORDER BY status"""
ROW = "SELECT * FROM row_history('orders', '{key}')"
ROW_OF_FILE = """
    SELECT * EXCLUDE (_change), _change.origin, _change.seq, _change.op, _change."by", _change."columns",
        _change."at" AT TIME ZONE 'UTC' AS at_utc
    FROM read_parquet('{file}') WHERE id = '{key}' ORDER BY _change.stamp"""
AS_OF = "SELECT count(*), sum(qty) FROM as_of('orders', TIMESTAMPTZ '{time}')"


def make(root: str, packets: int, changes: int, keys: int) -> dict[str, Any]:
    """An archive below `root`, by the product's writer and keys."""
    from benchmarks.archives import Shape, make_archive

    facts = make_archive(Path(root), Shape(packets=packets, changes=changes, keys=keys))
    return {"key": facts.a_key, "bytes": facts.bytes, "changes": facts.changes}


def one_file(root: str, file: str) -> None:
    """The same rows in one Parquet file, by DuckDB."""
    from benchmarks.archives import write_one_file

    write_one_file(Path(root), Path(file))


def lake(root: str, target: str) -> dict[str, Any]:
    """What `satchel lake` derives from the archive, once; later only what is new."""
    from satchel.api.lakes import lake as make_lake

    with timed() as span:
        make_lake(Path(target), Path(root))
    return span.as_json()


def ask(root: str, target: str, question: str, runs: int) -> dict[str, Any]:
    """A question to an open audit: once to get warm, then timed. `opening`: seconds until it could be asked."""
    import satchel

    with timed() as opening:
        audit = satchel.audit(root, lake=target)
    with audit:
        return {**_ask(lambda: audit.sql(question).fetchall(), runs), "opening": opening.seconds}


def ask_file(question: str, runs: int) -> dict[str, Any]:
    """A question to DuckDB alone."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return _ask(lambda: connection.execute(question).fetchall(), runs)


def _ask(answer: Any, runs: int) -> dict[str, Any]:
    rows = answer()
    spans = []
    for _ in range(runs):
        with timed() as span:
            answer()
        spans.append(span)
    return {
        "seconds": median(span.seconds for span in spans),
        "samples": [span.seconds for span in spans],
        "cpus": [span.cpu for span in spans],
        "rows": len(rows),
        "digest": hashlib.sha256(repr(rows).encode()).hexdigest(),
    }


def verify(root: str) -> dict[str, Any]:
    """Checksums, chains, signatures, acknowledgements."""
    import satchel

    with timed() as span:
        report = satchel.verify(root)
    assert not report["problems"], report["problems"][:3]
    return {**span.as_json(), "bytes": report["bytes"], "packets": report["packets"]}


def hash_all(root: str) -> dict[str, Any]:
    """Reads and hashes every file, one after the other."""
    with timed() as span:
        for path in sorted(Path(root).rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    hashlib.file_digest(file, "sha256")
    return span.as_json()


def takes_of(taken: Taken) -> list[Taken]:
    """Each time that a question was asked."""
    pairs = zip(taken.facts["samples"], taken.facts["cpus"], strict=True)
    return [Taken(seconds, cpu, taken.memory) for seconds, cpu in pairs]
