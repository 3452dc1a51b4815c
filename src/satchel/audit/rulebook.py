"""The rules of a network as far as an audit keeps them: policies and constraints of the newest configuration.

An audit runs no code that a packet or a configuration names: a policy `module:function` is shown as `latest`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from satchel.packet.configuration import DEFAULT_POLICY, Configuration
from satchel.replication.policies import LATEST, Policy, parse_policy


@dataclass(frozen=True, slots=True)
class Rulebook:
    """`configuration` None: none is here, and the defaults hold."""

    configuration: Configuration | None

    def word(self, table: str) -> str:
        """The policy of a table as the configuration names it."""
        return self.configuration.policy_of(table) if self.configuration else DEFAULT_POLICY

    def policy(self, table: str) -> Policy:
        """The policy by which an audit shows a table."""
        word = self.word(table)
        return LATEST if is_function(word) else parse_policy(word)

    def warnings(self) -> Iterator[str]:
        """What is shown otherwise than on a node."""
        for table in self.configuration.tables if self.configuration else ():
            if is_function(self.word(table)):
                yield (
                    f"{table} is shown by the policy latest: its own, {self.word(table)}, is a program, and an audit"
                    " runs no program that packets name"
                )


def is_function(word: str) -> bool:
    """Whether a policy is a function of the network's own."""
    return ":" in word and not word.strip().startswith("priority:")
