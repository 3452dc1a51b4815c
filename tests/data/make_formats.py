"""Makes the sample packets of the format that the code of today writes: `python -m tests.data.make_formats`.

It was run once for format 1, and its output is committed in tests/data/formats/1. It is there to show how the samples
came to be, and to make those of a next format; those that are there are never made again, whatever changes in the code.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import satchel
from satchel.packet.document import FORMAT_MAJOR
from tests.packet.samples import read_samples

FORMATS = Path(__file__).parent / "formats"

SCHEMA = """
CREATE TABLE samples (
  id TEXT PRIMARY KEY, note TEXT COLLATE NOCASE, amount INTEGER, ratio REAL, price NUMERIC, raw BLOB
);
CREATE TABLE lines (sample TEXT NOT NULL, line INTEGER NOT NULL, word TEXT, PRIMARY KEY (sample, line)) WITHOUT ROWID;
"""
ROWS = """
INSERT INTO samples VALUES ('plain', 'Grüße', 42, 0.5, 12.5, x'00ff');
INSERT INTO samples VALUES ('nulls', NULL, NULL, NULL, NULL, NULL);
INSERT INTO samples VALUES ('edges', '', 9223372036854775807, 9e999, -9223372036854775808, x'');
INSERT INTO samples VALUES ('misfits', CAST(x'61ff00' AS TEXT), 'twelve', x'01', 'n/a', 'text in a blob column');
INSERT INTO samples VALUES ('gone', 'to be deleted', 1, 1.0, 1, x'01');
INSERT INTO lines VALUES ('plain', 1, 'one'), ('plain', 2, 'two');
"""
EDITS = """
UPDATE samples SET note = 'GRÜSSE', amount = -1 WHERE id = 'plain';
DELETE FROM samples WHERE id = 'gone';
INSERT INTO samples VALUES ('born', 'later', 7, -0.25, 1e300, x'feff');
UPDATE lines SET line = 3 WHERE sample = 'plain' AND line = 2;
"""
COPY = """
DELETE FROM samples WHERE id NOT IN ('plain', 'edges');
UPDATE samples SET note = 'own words' WHERE id = 'edges';
INSERT INTO samples VALUES ('own', 'a row of the branch', 3, 3.5, 'x', NULL);
"""


def make(target: Path) -> None:
    """A baseline and changes of `office`, and what `branch` had when it joined, as an archive with its cards."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        _write(place / "office.db", SCHEMA + ROWS)
        _write(place / "branch.db", SCHEMA + ROWS + COPY)
        satchel.init(place / "office", db=place / "office.db", node="office", network="formats")
        share = place / "share"
        share.mkdir()
        with satchel.open(place / "office") as office:
            office.invite("branch", out=place / "branch.invite")
            _write(place / "office.db", EDITS)
            office.sync(share)
        satchel.join(place / "branch.invite", place / "branch", db=place / "branch.db")
        with satchel.open(place / "branch") as branch:
            branch.sync(share)
        shutil.copytree(place / "branch" / "packets", target)
    samples = read_samples(target)
    (target / "expected.json").write_text(json.dumps(samples, indent=1, ensure_ascii=True) + "\n", encoding="ascii")


def _write(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)


if __name__ == "__main__":
    folder = FORMATS / str(FORMAT_MAJOR)
    if folder.exists():
        sys.exit(f"the samples of format {FORMAT_MAJOR} are there, and samples are never changed")
    make(folder)
