"""Who belongs to the network, and what it agreed on: a pure function of the signed files in `nodes/`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from satchel.packet.bans import Bans
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.said import RETIRE, SEEN, Said

if TYPE_CHECKING:
    from satchel.model.vector import Mark
    from satchel.packet.agreed import Agreed
    from satchel.packet.configuration import Configuration
    from satchel.packet.document import Network
    from satchel.packet.keys import PublicKey
    from satchel.packet.problem import Problem, Waiting
    from satchel.packet.roles import Role


@dataclass(frozen=True, slots=True)
class Member:
    """A node whose card is accepted."""

    name: str
    role: Role
    key: PublicKey
    inviter: str | None = None  # None: the founder


@dataclass(frozen=True, slots=True)
class Members:
    """What the files say. `waiting` becomes clear when other files arrive, `problems` never; `alarms` need a person."""

    network_id: str
    network_name: str
    root: PublicKey
    members: tuple[Member, ...]
    configurations: tuple[Agreed, ...] = ()  # accepted ones, the highest last
    statements: tuple[Said, ...] = ()  # accepted ones, unknown kinds included
    waiting: tuple[Waiting, ...] = ()
    problems: tuple[Problem, ...] = ()
    alarms: tuple[str, ...] = ()
    refused_keys: dict[str, str] = field(default_factory=dict)  # keyid -> reason, where no card of the key is accepted
    bans: Bans = field(default_factory=Bans)
    limits: Limits = DEFAULT_LIMITS  # under which they were read, and what they sign is

    @staticmethod
    def from_files(root: PublicKey | None, files: Iterable[bytes], limits: Limits = DEFAULT_LIMITS) -> Members:
        """Decides on the files of `nodes/`, in any order. `root`: the founder's key as it was pinned; None takes the
        one founder's card there is, whose fingerprint a person should then compare. VerificationFailed if there is no
        such card, or without `root` more than one."""
        from satchel.packet.deciding import decide_members

        return decide_members(root, files, limits)

    @property
    def network(self) -> Network:
        """Id and name, as documents have them."""
        from satchel.packet.document import Network

        return Network(id=self.network_id, name=self.network_name)

    @property
    def agreed(self) -> Agreed | None:
        """The configuration that holds; None before any is known."""
        return self.configurations[-1] if self.configurations else None

    @property
    def configuration(self) -> Configuration | None:
        """The same, all of it."""
        return None if self.agreed is None else self.agreed.document(self.limits)

    @property
    def seen(self) -> frozenset[str]:
        """Ids of passed-over conflicts that somebody has looked at."""
        return frozenset(s.conflict for s in self.statements if s.kind == SEEN and s.conflict is not None)

    def said_of(self, name: str, kind: str) -> tuple[Said, ...]:
        """The statements of a kind that name a node."""
        return tuple(s for s in self.statements if s.kind == kind and s.about == name)

    def is_revoked(self, name: str) -> bool:
        """Whether only what lies before a cut counts of a node."""
        return name in self.bans.cuts

    def is_retired(self, name: str) -> bool:
        """Whether nobody waits for a node any more; what it sealed counts."""
        return any(self.said_of(name, RETIRE))

    def state(self, name: str) -> str:
        """What a node is: active, retired or revoked."""
        return "revoked" if self.is_revoked(name) else "retired" if self.is_retired(name) else "active"

    @property
    def awaited(self) -> tuple[Member, ...]:
        """The members who are waited for: those who are neither retired nor revoked."""
        return tuple(member for member in self.members if self.state(member.name) == "active")

    def cut(self, origin: str) -> Mark | None:
        """The last packet of an origin that counts (seq 0: none does); None: it is not cut."""
        return self.bans.cut(origin)

    def member(self, name: str) -> Member | None:
        """The member of that name."""
        return next((member for member in self.members if member.name == name), None)

    def key_of(self, name: str) -> PublicKey | None:
        """The key of a node; None if no card of that name is accepted."""
        member = self.member(name)
        return None if member is None else member.key

    def role(self, name: str) -> Role | None:
        """What a node may do; None if it is no member."""
        member = self.member(name)
        return None if member is None else member.role

    def with_keyid(self, keyid: str) -> tuple[Member, ...]:
        """Members whose key has this fingerprint. It proves nothing before the signature is verified."""
        return tuple(member for member in self.members if member.key.keyid == keyid)

    def check(self, data: bytes) -> None:
        """BadPacket for a file of `nodes/` that nothing will ever make right: a card that is not signed by its own key,
        a document that says it is signed by a member's and is not. The rest may be waited for."""
        from satchel.packet.deciding import check_node_file

        check_node_file(self, data)

    def refused(self, keyid: str) -> str | None:
        """Why the cards of a key were refused; None if they were not."""
        return self.refused_keys.get(keyid)
