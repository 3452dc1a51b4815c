"""Registers the tables of a lake with Apache Iceberg, as the files lie (docs/audit/lake.md).

    python iceberg.py LAKE CATALOGUE

CATALOGUE is a folder: the catalogue itself, an SQLite file, and Iceberg's metadata. Again registers what changed.
"""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

NAMESPACE = "satchel"


def open_catalogue(folder: Path) -> SqlCatalog:
    """The catalogue in a folder, made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    where = folder.resolve()
    catalogue = SqlCatalog("satchel", uri=f"sqlite:///{where}/catalogue.db", warehouse=f"file://{where}")
    catalogue.create_namespace_if_not_exists(NAMESPACE)
    return catalogue


def register(lake: Path, folder: Path) -> dict[str, Table]:
    """One Iceberg table per table of the lake; its snapshot has exactly the files that the lake has now."""
    files: dict[str, list[Path]] = {}
    for entry in json.loads((lake / "lake.json").read_text("utf-8"))["files"]:
        files.setdefault(entry["path"].partition("/")[0], []).append((lake / entry["path"]).resolve())
    catalogue = open_catalogue(folder)
    return {name: _register_table(catalogue, name, paths) for name, paths in sorted(files.items())}


def _register_table(catalogue: SqlCatalog, name: str, paths: list[Path]) -> Table:
    identifier = f"{NAMESPACE}.{name}"
    schemas = [pq.read_schema(path) for path in paths]
    if catalogue.table_exists(identifier):
        table = catalogue.load_table(identifier)
    else:
        table = catalogue.create_table(identifier, schema=schemas[0])
    with table.update_schema() as update:  # columns that came later
        for schema in schemas:
            update.union_by_name(schema)
    wanted = {path.as_uri() for path in paths}
    there = {task.file.file_path for task in table.scan().plan_files()}
    if there == wanted:
        return table
    with table.transaction() as transaction:
        if there - wanted:  # small files became larger ones: the same rows under other names
            transaction.delete("true")
            transaction.add_files(sorted(wanted))
        else:
            transaction.add_files(sorted(wanted - there))
    return catalogue.load_table(identifier)


if __name__ == "__main__":
    for name, table in register(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(f"{NAMESPACE}.{name}: {table.scan().to_arrow().num_rows} rows, {table.metadata_location}")
