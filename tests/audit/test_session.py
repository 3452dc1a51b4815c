from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow.dataset import Dataset

import satchel.audit
from satchel.audit import relations
from satchel.audit.session import open_audit
from satchel.errors import SatchelError, UsageError, VerificationFailed
from satchel.model.schema import Table
from satchel.packet.keys import PrivateKey
from tests.audit.builders import CUSTOMERS, Archive, alter, row

FORBIDDEN = [
    "COPY (SELECT 1) TO '{file}'",
    "COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
    "WITH x AS (COPY (SELECT 1) TO '{file}') SELECT 1",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}'",
    "EXPORT DATABASE '{folder}/export'",
    "ATTACH '{folder}/other.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM read_parquet('{part}')",
    "SELECT * FROM '{part}'",
    "SELECT * FROM read_text('{part}')",
    "SELECT * FROM read_blob('{part}')",
    "SELECT * FROM glob('{folder}/*')",
    "SET enable_external_access = true",
    "SET allowed_paths = ['{part}']",
    "RESET lock_configuration",
    "SET temp_directory = '{folder}'",
    "SET log_query_path = '{folder}/log'",
    "IMPORT DATABASE '{folder}'",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "FROM as_of('customers', (SELECT content FROM read_text('{part}')))",
    "FROM as_of('customers', '2100-01-01T00:00Z'; COPY (SELECT 1) TO '{file}')",
    "FROM row_history('customers', 1); COPY (SELECT 1) TO '{file}'",
]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_room_itself_can_be_called(history: Archive) -> None:
    with satchel.audit(history.root) as audit:  # type: ignore[operator]
        assert audit.sql("SELECT count(*) AS n FROM packets").columns == ("n",)
        assert audit.sql("SELECT count(*) FROM packets").fetchall() == [(6,)]
    assert callable(satchel.audit)


def test_only_verified_packets_are_shown_and_the_others_are_counted(history: Archive) -> None:
    stranger = history.join("site-c", known=False)
    strange = stranger.write(row({"id": 66, "name": "Mallory"}))
    altered = history.office.write(row({"id": 67, "name": "Eve"}))
    alter(altered / "customers.parquet")
    forged = history.office.write(row({"id": 68, "name": "Trent"}))
    alter(forged / "manifest.json", 200)
    with open_audit(history.root) as audit:
        assert (audit.summary.verified, audit.summary.unverified) == (6, 3)
        assert audit.sql("SELECT id FROM customers_changes WHERE id > 60").fetchall() == []
        text = "\n".join(audit.warnings)
    assert "3 packets do not verify" in text
    for folder, reason in ((strange, "the card of site-c"), (altered, "altered"), (forged, "manifest.json")):
        assert str(folder) in text and reason in text


def test_a_whole_archive_gives_no_warning(history: Archive) -> None:
    with open_audit(history.root) as audit:
        assert audit.warnings == []


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_connection_opens_and_writes_no_file(history: Archive, tmp_path: Path, statement: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    part = next(history.root.rglob("customers.parquet"))
    before = contents(tmp_path)
    with open_audit(history.root) as audit:
        with pytest.raises(UsageError):
            audit.sql(statement.format(file=outside / "out.csv", folder=outside, part=part))
        assert audit.sql("SELECT count(*) FROM customers").fetchall() == [(3,)]
    assert contents(tmp_path) == before


def test_a_name_in_sql_does_not_find_a_variable_of_the_caller(history: Archive) -> None:
    secret = pa.table({"a": [1]})
    with open_audit(history.root) as audit, pytest.raises(UsageError):
        audit.sql("SELECT * FROM secret")
    assert secret.num_rows == 1


def test_no_extension_is_looked_for(history: Archive) -> None:
    with open_audit(history.root) as audit:
        for setting in ("autoload_known_extensions", "autoinstall_known_extensions", "enable_external_access"):
            assert audit.sql(f"SELECT current_setting('{setting}')").fetchall() == [(False,)]


@pytest.mark.parametrize("statement", ["SELEC 1", "SELECT * FROM nowhere", "SELECT nothing FROM packets"])
def test_a_mistake_in_sql_is_one_line_with_a_hint(history: Archive, statement: str) -> None:
    with open_audit(history.root) as audit, pytest.raises(UsageError) as caught:
        audit.sql(statement)
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("statement", ["", "-- nothing", ";"])
def test_no_statement_has_no_result(history: Archive, statement: str) -> None:
    with open_audit(history.root) as audit:
        result = audit.sql(statement)
        assert (result.columns, result.fetchall()) == ((), [])


def test_sql_that_is_no_utf_8_is_refused(history: Archive) -> None:
    with open_audit(history.root) as audit, pytest.raises(UsageError):
        audit.sql("SELECT '\udcff'")


def test_times_with_a_zone_are_shown_or_explained(history: Archive) -> None:
    with open_audit(history.root) as audit:
        assert len(audit.sql("SELECT now()::TIMESTAMP").fetchall()) == 1
        try:
            import pytz  # noqa: F401
        except ImportError:
            with pytest.raises(UsageError) as caught:
                audit.sql("SELECT now()")
            assert "::TIMESTAMP" in caught.value.hint
        else:
            assert len(audit.sql("SELECT now()").fetchall()) == 1


def test_several_statements_give_the_last_one_s_result(history: Archive) -> None:
    with open_audit(history.root) as audit:
        assert audit.sql("SELECT 1; SELECT 2 AS two").columns == ("two",)


def test_a_view_that_is_not_there_is_answered_with_the_list_of_views(history: Archive) -> None:
    with open_audit(history.root) as audit, pytest.raises(UsageError) as caught:
        audit.sql("SELECT * FROM nowhere")
    assert (
        "packets, changes, acks, nodes, conflicts, gaps, unverified, codes, codes_changes, customers, customers_changes"
        in caught.value.hint
    )


def test_a_closed_audit_says_so_and_leaves_no_folder_behind(history: Archive) -> None:
    audit = open_audit(history.root)
    spill = Path(audit._spill)
    assert spill.is_dir()
    audit.close()
    audit.close()
    assert not spill.exists()
    with pytest.raises(UsageError, match="closed"):
        audit.sql("SELECT 1")


def test_a_part_that_changes_after_it_was_verified_is_an_error_in_words(history: Archive) -> None:
    part = next((history.root / "acme" / "office").rglob("customers.parquet"))
    with open_audit(history.root) as audit:
        part.write_bytes(part.read_bytes()[:-40])
        with pytest.raises(SatchelError) as caught:
            audit.sql("SELECT * FROM customers_changes")
    assert caught.value.hint


def test_a_statement_without_a_result_has_no_columns(history: Archive) -> None:
    with open_audit(history.root) as audit:
        result = audit.sql("CREATE TEMP TABLE mine AS SELECT * FROM customers")
        assert audit.sql("SELECT count(*) FROM mine").fetchall() == [(3,)]
    assert result is not None


def test_a_dynamic_pivot_works(history: Archive) -> None:
    with open_audit(history.root) as audit:
        found = audit.sql("PIVOT changes ON op USING count(*) GROUP BY table_name ORDER BY table_name")
    assert found.columns == ("table_name", "delete", "insert", "update")
    assert found.fetchall() == [("codes", 0, 2, 0), ("customers", 1, 4, 3)]


def test_a_folder_without_anything_of_ours_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for path in (tmp_path, tmp_path / "not-there", tmp_path / "notes.txt"):
        with pytest.raises(UsageError) as caught:
            open_audit(path)
        assert caught.value.hint


def test_packets_without_the_founder_s_card_cannot_be_verified(history: Archive) -> None:
    for card in (history.root / "nodes").iterdir():
        card.unlink()
    with pytest.raises(VerificationFailed, match="founder's card"):
        open_audit(history.root)


def test_a_pinned_founder_is_the_only_root(history: Archive) -> None:
    with open_audit(history.root, root=history.office.key.public) as audit:
        assert audit.summary.verified == 6
    with pytest.raises(VerificationFailed):
        open_audit(history.root, root=PrivateKey.generate().public)


def test_an_archive_without_packets_has_its_views(archive: Archive) -> None:
    with open_audit(archive.root) as audit:
        for view in audit.views:
            found = audit.sql(f"SELECT * FROM {view}")
            assert found.columns
            assert (found.fetchall() == []) == (view != "nodes")


def test_an_archive_without_packets_or_configuration_has_its_views(archive: Archive) -> None:
    next((archive.root / "nodes").glob("config-*")).unlink()
    with open_audit(archive.root) as audit:
        assert audit.views == ("packets", "changes", "acks", "nodes", "conflicts", "gaps", "unverified")
        assert audit.sql("SELECT * FROM changes").columns[:3] == ("table_name", "key", "origin")


def test_one_packet_in_two_places_counts_once(history: Archive, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    shutil.copytree(history.root, stick / "packets")
    with open_audit(history.root, stick) as audit:
        assert audit.summary.verified == 6
        assert audit.sql("SELECT count(*) FROM customers_changes").fetchall() == [(8,)]


def test_paths_with_the_marks_of_patterns_are_paths(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "a[b]*? 'c'" / "packets")
    archive.office.write(row({"id": 1, "name": "Ann"}))
    with open_audit(archive.root) as audit:
        assert audit.sql("SELECT name FROM customers").fetchall() == [("Ann",)]


def test_a_home_is_asked_about_its_archive_only(history: Archive) -> None:
    home = history.root.parent
    (home / "satchel.toml").write_text("")
    quarantined = home / "quarantine" / "x"
    quarantined.mkdir(parents=True)
    (quarantined / "manifest.json").write_text("{}")
    with open_audit(home) as audit:
        assert (audit.summary.verified, audit.summary.unverified) == (6, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_not_followed(history: Archive, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "acme").symlink_to(history.root / "acme")
    with pytest.raises(UsageError):
        open_audit(tmp_path / "stick")


def test_a_part_of_another_type_than_agreed_is_left_out_with_a_warning(history: Archive) -> None:
    columns = tuple(replace(c, type="string") if c.name == "credit" else c for c in CUSTOMERS.columns)
    history.office.write(row({"id": 9, "credit": "much"}), table=replace(CUSTOMERS, columns=columns))
    with open_audit(history.root) as audit:
        assert audit.summary.left_out == 1
        assert audit.warnings == ["office/5: customers.parquet is in no view: credit is string, not credit float64"]
        assert audit.sql("SELECT count(*) FROM customers").fetchall() == [(3,)]


def test_opening_reads_no_parquet_beyond_hashing_it(history: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = relations.dataset_of

    def after_hashing(table: Table, files: Sequence[Path]) -> Dataset:
        for file in files:
            file.write_bytes(b"no Parquet any more")
        return genuine(table, files)

    monkeypatch.setattr(relations, "dataset_of", after_hashing)
    with open_audit(history.root) as audit:
        assert audit.summary.verified == 6
        with pytest.raises(SatchelError):
            audit.sql("SELECT * FROM customers")


def test_verify_and_the_room_need_no_duckdb() -> None:
    script = (
        "import sys, satchel.audit, satchel.audit.verification, satchel.audit.history; print('duckdb' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_time_beyond_the_years_of_python_stops_no_question(archive: Archive) -> None:
    values, change = row({"id": 1, "name": "Ann"})
    archive.office.write((values, {**change, "at": 4 * 10**17}))
    with open_audit(archive.root) as audit:
        assert audit.sql("SELECT _at::VARCHAR FROM customers_changes").fetchall() == [("14645-06-30 15:06:40",)]
        assert len(audit.sql("SELECT * FROM customers_changes").fetchall()) == 1
