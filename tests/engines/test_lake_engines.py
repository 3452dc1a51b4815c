"""A lake is registered with Apache Iceberg, and other engines answer from it what DuckDB answers from the packets.

Run by `make test-lake`, in an environment of its own: pyiceberg, and Spark with Java 17 or newer.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("pyiceberg", reason="only `make test-lake` has pyiceberg")
pytest.importorskip("pyspark", reason="only `make test-lake` has Spark")

from satchel.audit.lake import make_lake
from satchel.audit.lake_gather import TIER
from satchel.audit.session import open_audit
from satchel.model.schema import Column, Table
from tests.audit.builders import CUSTOMERS, DAY, NOW, Archive, row
from tests.audit.conftest import archive, history

__all__ = ["archive", "history"]  # fixtures

RECIPE = Path(__file__).parents[2] / "docs" / "audit" / "iceberg.py"
COUNTS = "SELECT _origin, _op, count(*) AS n FROM customers_changes GROUP BY _origin, _op ORDER BY 1, 2"
HISTORY = "SELECT id, name, _origin, _seq FROM customers_changes WHERE id = 3 ORDER BY _stamp, _origin, _seq"
LATEST = """
SELECT id, name FROM (
    SELECT *, row_number() OVER (PARTITION BY id ORDER BY _stamp DESC, _origin DESC, _seq DESC) AS place
    FROM customers_changes
) AS version
WHERE place = 1 AND _op <> 'delete' ORDER BY id
"""


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("iceberg_recipe", RECIPE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").appName("satchel").config("spark.ui.enabled", "false")
    session = (
        builder.config("spark.sql.shuffle.partitions", "1").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def of_packets(archive: Archive, question: str) -> list[tuple[Any, ...]]:
    with open_audit(archive.root) as audit:
        return audit.sql(question).fetchall()


def of_spark(spark: Any, table: Any, question: str) -> list[tuple[Any, ...]]:
    """Spark asks the files that the catalogue names; to ask the catalogue itself it needs a jar that is not on PyPI."""
    files = [task.file.file_path for task in table.scan().plan_files()]
    spark.read.parquet(*files).createOrReplaceTempView("customers_changes")
    return [tuple(found) for found in spark.sql(question).collect()]


def test_spark_and_iceberg_answer_what_the_packets_answer(
    history: Archive, tmp_path: Path, recipe: ModuleType, spark: Any
) -> None:
    lake, catalogue = tmp_path / "lake", tmp_path / "catalogue"
    make_lake(lake, [history.root])
    tables = recipe.register(lake, catalogue)
    assert sorted(tables) == ["codes", "customers"]
    for question in (COUNTS, HISTORY, LATEST):
        assert of_spark(spark, tables["customers"], question) == of_packets(history, question)
    found = tables["customers"].scan(row_filter="id = 3", selected_fields=("name", "_packet")).to_arrow().to_pylist()
    joined = "customers_changes AS c JOIN packets AS p ON p.origin = c._origin AND p.seq = c._seq"
    hashes = of_packets(history, f"SELECT c.name, p.hash FROM {joined} WHERE c.id = 3")
    assert sorted((entry["name"], entry["_packet"]) for entry in found) == sorted(hashes)


def test_what_came_later_is_registered_once(history: Archive, tmp_path: Path, recipe: ModuleType, spark: Any) -> None:
    lake, catalogue = tmp_path / "lake", tmp_path / "catalogue"
    make_lake(lake, [history.root])
    first = recipe.register(lake, catalogue)["customers"]
    assert recipe.register(lake, catalogue)["customers"].metadata_location == first.metadata_location
    for number in range(TIER):  # small files become larger ones on the way
        history.office.write(row({"id": 20 + number, "name": "late"}, at=NOW + 5 * DAY))
        make_lake(lake, [history.root])
        table = recipe.register(lake, catalogue)["customers"]
        assert table.scan().to_arrow().num_rows == 8 + number + 1
    wider = Table("customers", (*CUSTOMERS.columns, Column("city", "string", "TEXT", "text")), CUSTOMERS.key)
    history.office.write(row({"id": 40, "name": "wide", "city": "Ulm"}, at=NOW + 6 * DAY), table=wider)
    make_lake(lake, [history.root])
    table = recipe.register(lake, catalogue)["customers"]
    assert table.scan(row_filter="city = 'Ulm'").to_arrow().num_rows == 1
    assert of_spark(spark, table, LATEST) == of_packets(history, LATEST)
