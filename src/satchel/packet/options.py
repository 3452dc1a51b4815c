"""What a configuration says of tables that are not there yet: globs, so that a later table joins by the same rules."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from satchel.packet.document import Model, Text

Scope = Literal["global", "local"]
FOLLOW, REPORT = "follow", "report"


class Options(Model):
    """`tables`: globs, none: all; `key_scope` and `policies`: (glob, scope or policy), of several that fit a table the
    last one counts; `on_change` (on the wire `schema`): whether databases follow additive changes of the schema
    (`follow`) or only report what they lack."""

    tables: tuple[Text, ...] = ()
    key_scope: tuple[tuple[Text, Scope], ...] = ()
    policies: tuple[tuple[Text, Text], ...] = ()
    on_change: Text = Field(default=REPORT, alias="schema")

    @property
    def follows(self) -> bool:
        """Whether additive changes of the schema follow by themselves."""
        return self.on_change == FOLLOW

    def takes(self, name: str) -> bool:
        """Whether a table of this name is replicated."""
        return not self.tables or any(fits(name, glob) for glob in self.tables)

    def named_scope(self, name: str) -> str | None:
        """The key scope that a table of this name was given; None: the schema's own."""
        return _last(name, self.key_scope)

    def policy_of(self, name: str) -> str | None:
        """The policy of a table; None: the network's."""
        return _last(name, self.policies)


def fits(name: str, glob: str) -> bool:
    """Whether a glob names a table. Tables' names compare without case."""
    return fnmatchcase(name.lower(), glob.lower())


def _last(name: str, rules: tuple[tuple[str, str], ...]) -> str | None:
    return next((word for glob, word in reversed(rules) if fits(name, glob)), None)
