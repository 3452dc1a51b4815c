"""Revocations as the signed files say them (docs/spec/trust.md, steps V1-V5)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from satchel.errors import BadPacket
from satchel.model.vector import Mark
from satchel.packet.configuration import Configuration
from satchel.packet.keys import PrivateKey
from satchel.packet.members import Members
from satchel.packet.revoking import documents_of, require_admin
from satchel.packet.statement import RETIRE, REVOKE, Statement, make_retirement, make_revocation, make_seen
from tests.packet.builders import CUSTOMERS, NOW, Acme, Site

HASH = "0123456789abcdef"


def revoke(acme: Acme, by: Site, about: Site, cuts: dict[str, Mark], known: Sequence[bytes] | None = None) -> bytes:
    """A revocation, put beside the other files; `known`: the files that its author knew."""
    documents = documents_of(acme.files if known is None else known, about.name, about.key.public)
    file = make_revocation(by.key, acme.network, by.name, about.name, cuts, documents, NOW)
    acme.files.append(file)
    return file


def configured(acme: Acme, by: Site, version: int) -> bytes:
    made = Configuration.of(acme.network, [CUSTOMERS], signer=by.name, stamp=NOW + version, version=version)
    file = made.seal(by.key)
    acme.files.append(file)
    return file


def in_every_order(acme: Acme) -> list[Members]:
    """What comes of the last files, in whatever order they arrive."""
    head, tail = acme.files[:-4], acme.files[-4:]
    found = [Members.from_files(acme.office.key.public, [*order, *head]) for order in itertools.permutations(tail)]
    assert all(members == found[0] for members in found)
    return found


def test_of_several_cuts_the_lowest_holds_and_what_is_not_named_counts_for_nothing(acme: Acme) -> None:
    laptop = acme.join("laptop")
    revoke(acme, acme.office, laptop, {"laptop": Mark(7, HASH), "laptop.x7k2": Mark(3, HASH)})
    revoke(acme, acme.office, laptop, {"laptop": Mark(5, HASH)})
    members = acme.members
    assert members.cut("laptop") == Mark(5, HASH)
    assert members.cut("laptop.x7k2") == members.cut("laptop~0a1b2c3d") == Mark(0, "")
    assert members.cut("office") is None
    assert members.state("laptop") == "revoked" and members.state("office") == "active"
    assert [member.name for member in members.awaited] == ["office"]


def test_only_an_admin_revokes_or_retires_others(acme: Acme) -> None:
    one, two = acme.join("one"), acme.join("two")
    revoke(acme, one, two, {"two": Mark(1, HASH)})
    acme.files.append(make_retirement(one.key, acme.network, "one", "two", NOW))
    members = acme.members
    assert members.state("two") == "active" and members.cut("two") is None
    assert {p.reason for p in members.problems} == {
        "one is no admin and cannot revoke two",
        "one is no admin and cannot retire two",
    }


def test_every_node_retires_itself_a_reader_too(acme: Acme) -> None:
    reader = acme.join("archive", "reader")
    acme.files.append(make_retirement(reader.key, acme.network, "archive", "archive", NOW))
    assert acme.members.state("archive") == "retired" and acme.members.problems == ()


def test_what_a_revoked_admin_signed_counts_as_far_as_the_revocation_names_it(acme: Acme) -> None:
    deputy = acme.join("deputy", "admin")
    friend = acme.join("friend", by=deputy)
    configured(acme, deputy, 2)
    known = list(acme.files)
    acme.join("stranger", by=deputy)
    configured(acme, deputy, 3)
    acme.files.append(make_seen(deputy.key, acme.network, "deputy", "c-1", NOW))
    revoke(acme, acme.office, deputy, {"deputy": Mark(4, HASH)}, known)
    for members in in_every_order(acme):
        assert [member.name for member in members.members] == ["deputy", "friend", "office"]
        assert members.configuration is not None and members.configuration.version == 2
        assert members.seen == frozenset()
        reasons = {problem.reason for problem in members.problems}
        assert reasons == {
            "deputy, who invited it, was revoked",
            "deputy was revoked, and this is not among what still counts",
        }
    assert friend.name == "friend"


def test_a_revoked_admin_cannot_revoke_others(acme: Acme) -> None:
    deputy, site = acme.join("deputy", "admin"), acme.join("site-b")
    known = list(acme.files)
    revoke(acme, deputy, site, {})
    revoke(acme, deputy, acme.office, {})
    revoke(acme, acme.office, deputy, {"deputy": Mark(1, HASH)}, known)
    for members in in_every_order(acme):
        assert {m.name: members.state(m.name) for m in members.members} == {
            "deputy": "revoked",
            "office": "active",
            "site-b": "active",
        }


def test_of_two_admins_who_revoke_each_other_the_one_nearer_to_the_founder_is_heard(acme: Acme) -> None:
    one = acme.join("one", "admin")
    two = acme.join("two", "admin", by=one)
    known = list(acme.files)
    revoke(acme, two, one, {}, known)
    revoke(acme, one, two, {}, known)
    for members in in_every_order(acme):
        assert members.state("one") == "active" and members.state("two") == "revoked"


def test_the_founder_is_revoked_by_another_admin_and_remains_the_root(acme: Acme) -> None:
    deputy = acme.join("deputy", "admin")
    revoke(acme, deputy, acme.office, {"office": Mark(9, HASH)})
    configured(acme, acme.office, 5)
    members = acme.members
    assert members.state("office") == "revoked" and members.cut("office") == Mark(9, HASH)
    assert members.root == acme.office.key.public and members.state("deputy") == "active"
    assert members.configuration is None


def test_an_older_state_of_the_folder_takes_nothing_back(acme: Acme) -> None:
    laptop = acme.join("laptop")
    before = list(acme.files)
    revoke(acme, acme.office, laptop, {"laptop": Mark(2, HASH)})
    assert Members.from_files(None, [*acme.files, *before]).cut("laptop") == Mark(2, HASH)


def test_two_cards_that_wait_are_revoked_by_their_name(acme: Acme) -> None:
    invitations = [acme.invite("clinic"), acme.invite("clinic")]
    acme.files += [acme.card(invitation, PrivateKey.generate()) for invitation in invitations]
    assert acme.members.alarms and acme.members.member("clinic") is None
    acme.files.append(make_revocation(acme.office.key, acme.network, "office", "clinic", {}, [], NOW))
    members = acme.members
    assert members.alarms == () and members.waiting == () and members.is_revoked("clinic")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": RETIRE}, "names no node"),
        ({"kind": REVOKE}, "names no node"),
        ({"kind": REVOKE, "about": "site-b", "cuts": {"office": (1, HASH)}}, "cuts an origin that is not of site-b"),
        ({"kind": REVOKE, "about": "office"}, "office cannot revoke itself"),
    ],
)
def test_a_statement_that_says_too_little_or_too_much_is_refused(
    acme: Acme, fields: dict[str, Any], reason: str
) -> None:
    statement = Statement(network=acme.network, node="office", at="2026-01-01T00:00:00Z", **fields)
    with pytest.raises(BadPacket, match=reason):
        require_admin(statement, is_admin=True)
    acme.files.append(statement.seal(acme.office.key))
    assert [reason in problem.reason for problem in acme.members.problems] == [True]
