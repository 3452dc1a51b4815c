"""The command `satchel`: finds a command, loads its file only then, turns exceptions into lines and exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

# In the order of the work, which is the order of the help; each with the first sentence of its own help, so that the
# list of them loads none. `import` is a keyword of Python: its file is import_.py.
COMMANDS = {
    "init": "Found a network with this database and make its home.",
    "invite": "Write an invitation for one node, carried by hand, used once.",
    "join": "Make a home for an invited node and its database.",
    "export": "Seal pending changes and drop what others lack.",
    "import": "Take in packets, apply what is ready, acknowledge.",
    "sync": "Export and import with each exchange.",
    "watch": "Keep syncing: on a schedule, and when something happens.",
    "service": "Have the watch start by itself, or see whether it does.",
    "plan": "Say what a stick must carry, to whom, and what it brings.",
    "relay": "Copy what is wanted from folder to folder, verified.",
    "status": "Say how things stand, and who lacks what.",
    "conflicts": "Show what needs somebody's eye, and how to settle it.",
    "resolve": "Settle a conflict, as an ordinary edit.",
    "history": "Show every version of a row: who, where, when, which won.",
    "revert": "Undo a packet, or make a row what it was.",
    "log": "List every export, import and sync, newest first.",
    "compare": "Sync, and compare all rows with those of the others.",
    "verify": "Check packets, chains and signatures; needs no database.",
    "query": "Ask the archive in SQL (DuckDB).",
    "lake": "Derive a few large Parquet files per table from many packets.",
    "report": "Report a period: who changed what, and what is missing.",
    "snapshot": "Make the state for late joiners, in place of all the packets.",
    "prune": "Remove from the archive what everybody has.",
    "nodes": "List the members of the network, and say who has left.",
    "rejoin": "Give a home that was copied a name and key of its own.",
    "tables": "List what is replicated, and what is left out and why.",
    "quarantine": "List the packets that are not trusted, and why.",
    "config": "Show each setting, what says so, and what the network agreed on.",
    "doctor": "Examine home, database, exchanges and clock; say what to do.",
    "detach": "Remove satchel from the database; the rows stay.",
    "demo": "Play three sites, a stick, a conflict and an audit.",
}


class Program(click.Group):
    """A group whose commands are files: `satchel status` reads cli/status.py and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, loaded now."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"satchel.cli.{'import_' if cmd_name == 'import' else cmd_name}")
        found = module.run
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, as click has it, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command. Usage errors are click's own (exit 2)."""
        try:
            with _log_on_stderr(bool(ctx.params.get("verbose"))):
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (Exception, KeyboardInterrupt) as problem:
            from satchel.cli.failure import report_failure
            from satchel.cli.session import Session

            session = ctx.obj if isinstance(ctx.obj, Session) else Session()
            ctx.exit(report_failure(problem, session))


@contextmanager
def _log_on_stderr(verbose: bool) -> Iterator[None]:
    """With -v the log of satchel appears on stderr, for as long as this invocation."""
    if not verbose:
        yield
        return
    import logging

    logger, handler = logging.getLogger("satchel"), logging.StreamHandler()
    level = logger.level
    handler.setFormatter(logging.Formatter("satchel: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home", "home", envvar="SATCHEL_HOME", show_envvar=True, metavar="DIR", type=click.Path(path_type=Path),
    help="The home to work in; else the nearest folder upwards with a satchel.toml.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; also after the command.")
@click.option("-v", "--verbose", is_flag=True, help="Say more; show the traceback of an internal error.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no warnings.")
@click.version_option(package_name="satchel", prog_name="satchel", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context, home: Path | None, as_json: bool, verbose: bool, quiet: bool) -> None:
    """Databases that meet only through files come to hold the same rows.

    Each site works in its own database. What changed there travels as signed packets in a folder: a share, a stick,
    anything that carries files.
    """
    from satchel.cli.session import Session

    if verbose and quiet:
        raise click.UsageError("-v and -q exclude each other.")
    ctx.obj = Session(home, as_json, verbose, quiet)
