"""`satchel init`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from shlex import quote

import click

from satchel.cli.command import command
from satchel.cli.founding import tables_of
from satchel.cli.page import Answer, Block, Data, count, plural
from satchel.cli.pair import split_pair
from satchel.cli.session import Session


@command(
    "init",
    "satchel init office --db shop.db --node office --network acme",
    "satchel init office --db shop.db --node office --network acme --table 'sales_*' --policy latest --dry-run",
    "satchel init office --db shop.db --node office --network acme --reference notes.invoice=invoices",
    writes=True,
)
@click.argument("home", type=click.Path(path_type=Path))
@click.option("--db", required=True, metavar="URL", help="The database: a path to an SQLite file.")
@click.option("--node", required=True, metavar="NAME", help="This node's name: a-z, 0-9 and hyphens.")
@click.option("--network", required=True, metavar="NAME", help="The network's name.")
@click.option("--table", "tables", multiple=True, metavar="GLOB", help="Replicate these tables only; repeatable.")
@click.option(
    "--policy", "policies", multiple=True, metavar="P",
    help="Who wins a conflict: merge (default), latest, priority:A,B, manual or module:function. "
    "GLOB=P for some tables; repeatable.",
)  # fmt: skip
@click.option(
    "--key-scope", "scopes", multiple=True, metavar="GLOB=SCOPE",
    help="Whether keys mean the same everywhere (global) or are numbers of each database (local); repeatable.",
)  # fmt: skip
@click.option(
    "--reference", "references", multiple=True, metavar="TABLE.COLUMN=TABLE",
    help="A column that holds numbers of another table and is not declared as a foreign key; repeatable.",
)  # fmt: skip
@click.option(
    "--schema", default="report", show_default=True, metavar="WORD",
    help="What to do about columns that other sites have and a database lacks: report, or follow and add them.",
)  # fmt: skip
def run(
    session: Session, home: Path, db: str, node: str, network: str, tables: tuple[str, ...], policies: tuple[str, ...],
    scopes: tuple[str, ...], references: tuple[str, ...], schema: str, dry_run: bool,
) -> Answer:  # fmt: skip
    """Found a network with this database and make its home.

    HOME is the folder to make. The rows that are there become the first packets; the application need not know.
    """
    import satchel

    policy = next((policy for policy in reversed(policies) if "=" not in policy), "merge")
    per_table = dict(split_pair(policy, "--policy", "GLOB=POLICY") for policy in policies if "=" in policy)
    key_scope = dict(split_pair(scope, "--key-scope", "GLOB=global or GLOB=local") for scope in scopes)
    with session.busy("sealing what is there"):
        report = satchel.init(
            home,
            db=db,
            node=node,
            network=network,
            tables=tables,
            policy=policy,
            policies=per_table,
            key_scope=key_scope,
            references=references,
            schema=schema,
            dry_run=dry_run,
        ).as_json()

    def page(data: Data) -> Iterable[Block]:
        lead = "Dry run, nothing was changed: would found" if dry_run else "Founded"
        yield f"{lead} the network {network} with node {node}; home {home}, database {db}."
        if sealed := count(data.get("sealed")):
            yield f"The rows that are there {'would be' if dry_run else 'are'} sealed in {plural(sealed, 'packet')}."
        yield from tables_of(data)
        if not dry_run:
            yield f"Next: satchel --home {quote(str(home))} invite NAME makes an invitation for another site."

    return Answer(report, page)
