"""A member with a good key who does not mean well: its packet is refused by name, and nothing else is held up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from satchel.errors import BadPacket
from satchel.model.schema import Column, Table
from tests.attacks.traitor import CUSTOMERS, Fields, Traitor, customers
from tests.packet.builders import batch, change
from tests.sync.sites import Place

HOSTILE = [
    'x"; DROP TABLE customers; --',
    "a'b",
    "]",
    "\x1b[2J",
    "\u202ename",
    " ",
    "select",
    "main.customers",
    "?1",
    "%s{}",
]


def text_table(name: str, *columns: str, **options: Any) -> Table:
    names = columns or ("id", "name")
    return Table(name, tuple(Column(n, "string", "TEXT", "text", **options) for n in names), (names[0],))


def must_refuse(place: Place, share: Any, reason: str) -> None:
    """The packet goes to quarantine with its reason; the site goes on working, and the others' packets are applied."""
    before = place.dump()
    report = place.node.sync(share)
    assert report.applied == []
    assert [(entry["packet"], reason in entry["reason"]) for entry in report.quarantined] == [("branch/1", True)]
    assert place.dump() == before
    place.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    assert place.node.sync(share).sealed == ["office/2"]
    assert [entry["packet"] for entry in place.node.status()["quarantined"]] == ["branch/1"]


def must_apply(place: Place, share: Any) -> None:
    """The packet is applied and the site goes on working."""
    assert place.node.sync(share).applied == ["branch/1"]
    place.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    assert place.node.sync(share).sealed == ["office/2"]


def test_the_traitor_s_tools_make_good_packets_too(office: Place, branch: Place, share: Any) -> None:
    Traitor(branch, share).send(customers("Eve"))
    must_apply(office, share)
    assert office.rows("SELECT name FROM customers WHERE id = 't0'") == [("Eve",)]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_of_a_table_is_only_a_name(office: Place, branch: Place, share: Any, name: str) -> None:
    table = text_table(name)
    Traitor(branch, share).send(batch(table, {"id": ["k"], "name": ["n"]}), table)
    must_apply(office, share)
    assert [entry["table"] for entry in office.node.status()["lacks"]] == [name]
    assert office.rows("SELECT count(*) FROM customers") == [(2,)]


def test_hostile_names_of_columns_are_only_names(office: Place, branch: Place, share: Any) -> None:
    table = text_table("customers", "id", *HOSTILE, "rowid", "c0", "rn", "op", "_satchel")
    Traitor(branch, share).send(batch(table, {"id": ["k"], HOSTILE[0]: ["n"]}), table)
    must_apply(office, share)
    assert office.rows("SELECT * FROM customers WHERE id = 'k'") == [("k", None, None)]


@pytest.mark.parametrize("name", ["_satchel_note", "_SATCHEL_x", "sqlite_master", "SQLite_stat1"])
def test_a_table_of_the_database_s_own_books(office: Place, branch: Place, share: Any, name: str) -> None:
    traitor = Traitor(branch, share)
    table = text_table("x", "name", "value")

    def rename(fields: Fields) -> None:
        fields["tables"][0]["name"] = name

    traitor.drop(traitor.write(batch(table, {"name": ["network_id"], "value": ["mine"]}), table), rename)
    must_refuse(office, share, "cannot have this name")


def test_a_table_that_the_network_does_not_replicate_is_neither_written_nor_sent(
    office: Place, branch: Place, share: Any
) -> None:
    office.sql("CREATE TABLE secret (id TEXT, name TEXT)", "INSERT INTO secret VALUES ('k', 'password')")
    table = text_table("secret")
    Traitor(branch, share).send(batch(table, {"id": ["k"], "name": ["n"]}), table)
    must_apply(office, share)
    assert office.rows("SELECT * FROM secret") == [("k", "password")]
    office.sql("UPDATE secret SET name = 'other'")
    assert office.node.sync(share).sealed == []


@pytest.mark.parametrize("name", ["v_shop", "search", "search_data"])
def test_a_view_or_a_shadow_table_under_a_packet_s_name_is_left_alone(
    office: Place, branch: Place, share: Any, name: str
) -> None:
    office.sql("CREATE VIEW v_shop AS SELECT * FROM customers", "CREATE VIRTUAL TABLE search USING fts5(id, name)")
    table = text_table(name)
    Traitor(branch, share).send(batch(table, {"id": ["k"], "name": ["n"]}), table)
    before = office.rows("SELECT * FROM search_data ORDER BY id")
    must_apply(office, share)
    assert office.rows("SELECT * FROM search_data ORDER BY id") == before
    assert office.rows("SELECT count(*) FROM v_shop") == [(2,)]


def table_of(columns: Sequence[tuple[str, str, str]], key: tuple[str, ...], scope: str = "global") -> Table:
    return Table("customers", tuple(Column(n, t, "", a) for n, t, a in columns), key, scope)


ID, NAME, TOWN = ("id", "string", "text"), ("name", "string", "text"), ("town", "string", "text")
NUMBER = ("id", "int64", "integer")
CONFUSED: Mapping[str, tuple[Table, Mapping[str, Sequence[Any]], str]] = {
    "another key": (table_of([ID, NAME, TOWN], ("name",)), {"id": ["k"], "name": ["n"]}, "another key"),
    "a longer key": (table_of([ID, NAME, TOWN], ("id", "name")), {"id": ["k"], "name": ["n"]}, "another key"),
    "no key column": (table_of([NAME, TOWN], ("name",)), {"name": ["n"]}, "another key"),
    "another scope": (table_of([NUMBER, NAME], ("id",), "local"), {"id": [7], "name": ["n"]}, "another key"),
    "another case": (table_of([ID, ("Name", "string", "text")], ("id",)), {"id": ["k"]}, "is called name here"),
}


@pytest.mark.parametrize("what", CONFUSED)
def test_schema_confusion(office: Place, branch: Place, share: Any, what: str) -> None:
    table, rows, reason = CONFUSED[what]
    gids = [change(gid="branch:7:deadbeef")] if table.scope == "local" else None
    Traitor(branch, share).send(batch(table, rows, gids), table)
    must_refuse(office, share, reason)


def test_a_table_of_the_network_in_another_case(office: Place, branch: Place, share: Any) -> None:
    table = text_table("CUSTOMERS")
    Traitor(branch, share).send(batch(table, {"id": ["k"], "name": ["n"]}), table)
    must_refuse(office, share, "calls its table CUSTOMERS customers")


def test_more_columns_than_a_database_can_keep(office: Place, branch: Place, share: Any) -> None:
    table = text_table("customers", "id", *(f"x{place}" for place in range(979)))
    Traitor(branch, share).send(batch(table, {"id": ["k"]}), table)
    must_refuse(office, share, "980 can be kept")


@pytest.mark.parametrize(
    "text", ["BINARY); DROP TABLE customers; --", "nosuch", "BINARY DEFAULT (randomblob(9))", "nocase"]
)
def test_a_collation_that_is_sql(office: Place, branch: Place, share: Any, text: str) -> None:
    traitor = Traitor(branch, share)

    def collate(fields: Fields) -> None:
        fields["tables"][0]["columns"][1]["collation"] = text

    traitor.drop(traitor.write(customers("Eve")), collate)
    must_refuse(office, share, "not a collation")


ROWS: Mapping[str, tuple[dict[str, Any], str]] = {
    "a stamp after which no edit could ever win": ({"stamp": 2**63 - 1}, "stamp"),
    "a stamp before all": ({"stamp": -1}, "stamp"),
    "a stamp of a column after all": (
        {"lineage": [{"origin": "office", "seq": 1, "stamp": 2**63 - 1, "columns": ["name"]}]},
        "stamp",
    ),
    "a time after the last": ({"at": 2**62}, "no calendar"),
    "a time before the first": ({"at": -(2**62)}, "no calendar"),
    "a lineage from the future": (
        {"lineage": [{"origin": "office", "seq": 9, "stamp": 5, "columns": ["name"]}]},
        "cannot have seen",
    ),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_row_that_would_poison_the_books(office: Place, branch: Place, share: Any, what: str) -> None:
    fields, reason = ROWS[what]
    Traitor(branch, share).send(batch(CUSTOMERS, {"id": ["c1"], "name": ["x"]}, [change(**fields)]))
    must_refuse(office, share, reason)


def test_the_last_stamp_that_is_allowed_can_still_be_edited(office: Place, branch: Place, share: Any) -> None:
    Traitor(branch, share).send(batch(CUSTOMERS, {"id": ["c1"], "name": ["x"]}, [change(stamp=1 << 62)]))
    must_apply(office, share)
    assert office.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Kiel",)]


def entry_of(fields: Fields, table: str = "customers") -> Fields:
    found: Fields = fields["tables"][table]
    return found


REFUSED: Mapping[str, Callable[[Fields], object]] = {
    "a table of ours": lambda f: f["tables"].update({"_satchel_note": entry_of(f)}),
    "a table of the database": lambda f: f["tables"].update({"sqlite_master": entry_of(f)}),
    "a table twice": lambda f: f["tables"].update({"Customers": entry_of(f)}),
    "a column twice": lambda f: entry_of(f)["columns"].append({**entry_of(f)["columns"][1], "name": "NAME"}),
    "a unique key of nothing": lambda f: entry_of(f).update(unique=[[]]),
    "a reference of unequal length": lambda f: entry_of(f).update(
        foreign_keys=[{"columns": ["town"], "parent": "stock", "parent_columns": ["id", "pieces"]}]
    ),
    "thousands of columns": lambda f: entry_of(f).update(
        columns=[{"name": f"c{n}", "type": "string", "affinity": "text"} for n in range(20_000)]
    ),
    "a lone surrogate": lambda f: f["tables"].update({"a\ud800": entry_of(f)}),
    "a number beyond all": lambda f: f.update(version=10**400),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_hostile_configuration_is_passed_over(office: Place, branch: Place, share: Any, what: str) -> None:
    Traitor(office, share).configure(REFUSED[what])
    report = branch.node.sync(share)
    assert ["a file in nodes/ is not right" in warning for warning in report.warnings] == [True]
    branch.sql("UPDATE customers SET name = 'mine' WHERE id = 'c1'")
    assert branch.node.sync(share).sealed == ["branch/1"]


def follow_sql(fields: Fields) -> None:
    fields["options"]["schema"] = "follow"
    entry_of(fields)["columns"].append(
        {
            "name": "x",
            "type": "string",
            "affinity": "text",
            "declared": "TEXT); DROP TABLE stock; --",
            "default": "(SELECT load_extension('x'))",
            "notnull": True,
        }
    )
    wanted = {
        "columns": ["town"],
        "parent": 'p"; DROP TABLE stock; --',
        "parent_columns": ["id"],
        "on_delete": "; DROP",
    }
    fields["tables"]['y"; DROP TABLE stock; --'] = {**entry_of(fields), "foreign_keys": [wanted]}


HARMLESS: Mapping[str, Callable[[Fields], object]] = {
    "SQL in what follows": follow_sql,
    "a table that is a view here": lambda f: f["tables"].update({"v_shop": entry_of(f)}),
    "another key": lambda f: entry_of(f).update(key=["name"]),
    "another scope": lambda f: entry_of(f, "stock").update(key=["pieces"], scope="local"),
    "another spelling": lambda f: entry_of(f)["columns"][1].update(name="NAME"),
    "a reference to nowhere": lambda f: entry_of(f).update(
        foreign_keys=[{"columns": ["town"], "parent": "stock", "parent_columns": ["zzz"]}]
    ),
    "globs that take for ever": lambda f: f["options"].update(tables=["*", "*a" * 400, "[" * 900]),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_a_hostile_configuration_does_no_harm(office: Place, branch: Place, share: Any, what: str) -> None:
    branch.sql("CREATE VIEW v_shop AS SELECT * FROM customers")
    Traitor(office, share).configure(HARMLESS[what])
    for _ in range(2):
        branch.node.sync(share)
        branch.sql("UPDATE customers SET name = name || '!' WHERE id = 'c1'", "INSERT INTO stock VALUES (NULL, 1)")
        office.sql("UPDATE customers SET town = town || '!' WHERE id = 'c1'")
        office.node.sync(share)
    branch.node.sync(share)
    assert branch.rows("SELECT name, town FROM customers WHERE id = 'c1'") == [("Ada!!", "Ulm!!")]
    assert office.rows("SELECT name FROM customers WHERE id = 'c1'") == [("Ada!",)]


def test_an_honest_table_is_never_refused_for_its_columns(tmp_path: Any) -> None:
    from satchel.stores.sqlite.misfitting import check

    check(text_table("t", *(f"c{place}" for place in range(980))), {})
    with pytest.raises(BadPacket):
        check(text_table("t", *(f"c{place}" for place in range(981))), {})
