"""How a command is declared: name, examples, the options that all have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from satchel.cli.page import Answer
from satchel.cli.session import Session

Run = Callable[..., Answer | None]


class SatchelCommand(click.Command):
    """A command that ends its help with examples."""

    def __init__(self, *args: Any, examples: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, each in a line of its own."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class SatchelGroup(SatchelCommand, click.Group):
    """A command that does something by itself, and has others below it: `satchel tables`, `satchel tables add`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, invoke_without_command=True, **kwargs)


def command(name: str, *examples: str, writes: bool = False) -> Callable[[Run], SatchelCommand]:
    """Makes a click command of a function that takes the session and returns an answer. One that `writes` has
    `--dry-run`; every one has `--json`."""

    def declare(run: Run) -> SatchelCommand:
        return SatchelCommand(name, **_parts(run, writes=writes), examples=examples)

    return declare


def group(name: str, *examples: str) -> Callable[[Run], SatchelGroup]:
    """The same with commands below it, which are added by `add_command`; without one of them the function runs."""

    def declare(run: Run) -> SatchelGroup:
        return SatchelGroup(name, **_parts(run, writes=False), examples=examples)

    return declare


def _parts(run: Run, *, writes: bool) -> dict[str, Any]:
    @click.pass_obj
    def callback(session: Session, /, **options: Any) -> None:
        context = click.get_current_context()
        if context.invoked_subcommand is not None:
            return
        answer = run(session, **options)
        if answer is None:
            return  # it told its story while it ran
        session.show(answer)
        if answer.exit_code:
            context.exit(answer.exit_code)

    declared = getattr(run, "__click_params__", [])
    params = [*reversed(declared), *([_dry_run()] if writes else []), _json()]
    return {"callback": callback, "params": params, "help": run.__doc__}


def _dry_run() -> click.Option:
    return click.Option(["--dry-run"], is_flag=True, help="Say what would be done, and change nothing.")


def _json() -> click.Option:
    def choose(ctx: click.Context, _: click.Parameter, chosen: bool) -> None:
        if chosen and isinstance(ctx.obj, Session):  # none while a shell completes words
            ctx.obj.json = True

    return click.Option(
        ["--json"], is_flag=True, expose_value=False, is_eager=True, callback=choose, help="Print one JSON document."
    )
