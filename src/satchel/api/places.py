"""Where a program begins: a home that is there, one to be made, a folder of packets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel.api.node import Node
from satchel.files import wall

if TYPE_CHECKING:
    from satchel.sync.founding import FoundingReport


def init(
    home: str | Path,
    *,
    db: str | Path,
    node: str,
    network: str,
    tables: Sequence[str] = (),
    policy: str = "merge",
    policies: Mapping[str, str] | None = None,
    key_scope: Mapping[str, str] | None = None,
    author_column: str | None = None,
    references: Sequence[str] = (),
    schema: str = "report",
    dry_run: bool = False,
) -> FoundingReport:
    """Founds a network with this database and seals its rows as the first packets.

    `tables`: globs of names, all by default; `policy`: latest, merge, manual, priority:A,B or module:function;
    `policies`: glob -> policy for some tables; `key_scope`: glob -> global | local; `references`:
    TABLE.COLUMN=TABLE for those that the schema does not declare; `schema`: follow | report, what to do about columns
    and tables that other sites have and this one lacks. Raises UsageError, NotADatabase, NotSupported, SatchelError.
    """
    from satchel.sync.founding import Plan, found

    plan = Plan(
        str(db), node, network, tables, policy, policies or {}, key_scope or {}, author_column, references, schema
    )
    with wall(Path(home)):
        return found(Path(home), plan, dry_run=dry_run)


def join(invitation: str | Path, home: str | Path, *, db: str | Path, dry_run: bool = False) -> FoundingReport:
    """Makes a home for an invited node. Raises UsageError, VerificationFailed, NotADatabase, SatchelError."""
    from satchel.sync.entering import enter

    with wall(Path(home)):
        return enter(Path(invitation), Path(home), db=str(db), dry_run=dry_run)


def open(home: str | Path) -> Node:
    """The node of a home. NoHome if there is none."""
    return Node(home)


def verify(*paths: str | Path) -> dict[str, Any]:
    """Checks packets, chains and signatures below the paths; needs no home: {packets, files, bytes, problems ...}."""
    from satchel.audit.verification import verify_paths

    with wall(Path(paths[0]) if paths else Path()):
        return verify_paths(*map(Path, paths))


def relay(source: str | Path, target: str | Path, *, every: bool = False, dry_run: bool = False) -> dict[str, Any]:
    """Copies what is wanted from one folder of packets to another, verified; needs no home: {network, copied, bytes,
    there, unwanted, files, refused: [{packet, reason}], partial}. `every`: also what all members have. Raises
    ExchangeUnreachable, UsageError, VerificationFailed, SatchelError."""
    from satchel.sync.relaying import relay as carry

    with wall(Path(target)):
        return carry(Path(source), Path(target), every=every, dry_run=dry_run).as_json()


def health(folder: str | Path) -> dict[str, Any]:
    """How every member of a network is, from a share or stick alone; the fields of `Node.health`. Raises
    ExchangeUnreachable, VerificationFailed, SatchelError."""
    from satchel.sync.health import health_at

    with wall(Path(folder)):
        return health_at(Path(folder))
