from __future__ import annotations

import itertools
import json

import pytest

from satchel.errors import BadPacket, UsageError, VerificationFailed
from satchel.model.vector import Mark
from satchel.packet.card import make_founder_card
from satchel.packet.configuration import Configuration
from satchel.packet.deciding import node_file_name
from satchel.packet.document import Network
from satchel.packet.envelope import seal_envelope
from satchel.packet.invitation import read_invitation
from satchel.packet.keys import PrivateKey
from satchel.packet.members import Members
from satchel.packet.statement import Statement, make_seen
from tests.packet.builders import CUSTOMERS, DAY, NOW, Acme, Site


def configuration(acme: Acme, signer: str = "office", version: int = 1, stamp: int = NOW) -> Configuration:
    return Configuration.of(acme.network, [CUSTOMERS], signer=signer, stamp=stamp, version=version)


def test_the_founder_is_an_admin(acme: Acme) -> None:
    assert acme.members.role("office") == "admin"
    assert acme.members.key_of("office") == acme.office.key.public
    assert acme.members.root == acme.office.key.public


def test_an_invited_node_is_a_member_by_its_card(acme: Acme) -> None:
    site = acme.join("site-b")
    assert acme.members.role("site-b") == "member"
    assert acme.members.key_of("site-b") == site.key.public
    assert acme.members.with_keyid(site.key.public.keyid) == (acme.members.member("site-b"),)
    assert (acme.members.waiting, acme.members.problems, acme.members.alarms) == ((), (), ())


def test_an_invited_admin_invites_others_and_the_order_of_arrival_does_not_matter(acme: Acme) -> None:
    deputy = acme.join("deputy", "admin")
    acme.join("site-b", by=deputy)
    acme.files.append(configuration(acme, "deputy").seal(deputy.key))
    for files in itertools.permutations(acme.files):
        members = Members.from_files(acme.office.key.public, files)
        assert [member.name for member in members.members] == ["deputy", "office", "site-b"]
        assert members.configuration == configuration(acme, "deputy")


def test_a_card_waits_for_the_card_of_its_inviter(acme: Acme) -> None:
    deputy = acme.join("deputy", "admin")
    acme.join("site-b", by=deputy)
    del acme.files[1]
    members = acme.members
    assert members.role("site-b") is None
    assert members.waiting == (("the card of site-b", "the card of deputy"),)
    assert members.problems == ()


def test_the_same_card_twice_is_one_card(acme: Acme) -> None:
    acme.join("site-b")
    acme.files *= 2
    assert [member.name for member in acme.members.members] == ["office", "site-b"]


def test_a_node_that_joined_again_with_its_key_is_no_alarm(acme: Acme) -> None:
    key = PrivateKey.generate()
    invitation = acme.invite("site-b")
    acme.files += [acme.card(invitation, key), acme.card(invitation, key, NOW + 5)]
    assert acme.members.key_of("site-b") == key.public
    assert acme.members.alarms == ()


def test_without_a_pinned_root_the_only_founder_is_taken(acme: Acme) -> None:
    acme.join("site-b")
    assert Members.from_files(None, acme.files).root == acme.office.key.public


def test_without_any_founder_nothing_is_decided(acme: Acme) -> None:
    acme.join("site-b")
    with pytest.raises(VerificationFailed, match="missing"):
        Members.from_files(None, acme.files[1:])


def test_the_highest_configuration_of_an_admin_holds(acme: Acme) -> None:
    deputy = acme.join("deputy", "admin")
    highest = configuration(acme, "office", version=2, stamp=NOW + 1)
    acme.files += [
        highest.seal(acme.office.key),
        configuration(acme, "deputy", version=2).seal(deputy.key),
        configuration(acme, "office", version=1, stamp=NOW + 9).seal(acme.office.key),
    ]
    assert acme.members.configuration == highest
    assert [c.version for c in acme.members.configurations] == [1, 2, 2]


def test_a_configuration_gives_tables_and_policies_back(acme: Acme) -> None:
    made = Configuration.of(
        acme.network, [CUSTOMERS], signer="office", stamp=2**62, policy="latest", policies={"customers": "manual"}
    )
    read = Configuration.parse(made.to_bytes())
    assert read.shared_tables() == (CUSTOMERS,)
    assert (read.policy_of("customers"), read.policy_of("orders")) == ("manual", "latest")


def test_a_configuration_waits_for_the_card_of_its_signer(acme: Acme) -> None:
    deputy = acme.join("deputy", "admin")
    acme.files[1:] = [configuration(acme, "deputy").seal(deputy.key)]
    assert acme.members.configuration is None
    assert acme.members.waiting == ((f"configuration signed by {deputy.key.public.keyid}", "the card of its signer"),)


def test_a_member_says_that_somebody_has_looked(acme: Acme) -> None:
    site = acme.join("site-b")
    acme.files.append(make_seen(site.key, acme.network, "site-b", "c0ffee", NOW))
    assert acme.members.seen == {"c0ffee"}


def test_a_statement_of_a_kind_that_is_not_known_yet_is_kept(acme: Acme) -> None:
    statement = {"format": {"major": 1, "minor": 3}, "network": acme.network.model_dump(), "kind": "retired"}
    statement |= {"node": "office", "at": "2027-01-01T00:00:00Z", "who": "site-b"}
    file = seal_envelope(Statement.payload_type, json.dumps(statement).encode(), [acme.office.key])
    acme.files.append(file)
    assert [s.kind for s in acme.members.statements] == ["retired"]
    assert acme.members.problems == ()
    assert node_file_name(file).startswith("retired-office-")


def test_a_file_of_a_newer_format_waits_and_of_a_newer_type_is_carried(acme: Acme) -> None:
    newer = seal_envelope(Configuration.payload_type, b'{"format": {"major": 9}}', [acme.office.key])
    other = seal_envelope("application/vnd.satchel.recipient+json", b"{}", [acme.office.key])
    acme.files += [newer, other]
    assert [waiting.needs.split(":")[0] for waiting in acme.members.waiting] == ["an upgrade"]
    assert acme.members.problems == ()
    assert node_file_name(newer).startswith("file-")
    assert node_file_name(other).startswith("file-")


def test_files_have_names_by_what_is_in_them(acme: Acme) -> None:
    keyid = acme.office.key.public.keyid
    assert node_file_name(acme.files[0]) == f"card-office-{keyid[:8]}.json"
    assert node_file_name(configuration(acme).seal(acme.office.key)).startswith("config-0000000001-")
    assert node_file_name(make_seen(acme.office.key, acme.network, "office", "c", NOW)).startswith("seen-office-")
    with pytest.raises(BadPacket):
        node_file_name(b"not ours")


def test_an_invitation_carries_what_a_node_needs(acme: Acme) -> None:
    acme.files.append(configuration(acme).seal(acme.office.key))
    vector = {"office": Mark(3, "0" * 16)}
    invitation = read_invitation(acme.invite("site-b", "reader", vector=vector), NOW)
    assert (invitation.node, invitation.role, invitation.inviter) == ("site-b", "reader", "office")
    assert invitation.network == acme.network
    assert invitation.root == acme.office.key.public
    assert invitation.files == tuple(acme.files)
    assert invitation.members.configuration == configuration(acme)
    assert (invitation.vector, invitation.expires) == (vector, NOW + DAY)


def test_only_an_admin_invites(acme: Acme) -> None:
    site = acme.join("site-b")
    with pytest.raises(UsageError, match="may not invite"):
        acme.invite("site-c", by=site)
    with pytest.raises(UsageError, match="may not invite"):
        acme.invite("site-c", by=Site("office", PrivateKey.generate(), acme.network, acme.folder))


@pytest.mark.parametrize(("name", "role"), [("Site B", "member"), ("", "member"), ("office", "member"), ("b", "boss")])
def test_a_wish_that_will_not_do_is_refused(acme: Acme, name: str, role: str) -> None:
    with pytest.raises(UsageError):
        acme.invite(name, role)


def test_two_founders_need_a_pinned_root(acme: Acme) -> None:
    stranger = PrivateKey.generate()
    acme.files.append(make_founder_card(stranger, Network(id=acme.network.id, name="acme"), "office", NOW))
    with pytest.raises(VerificationFailed, match="several"):
        Members.from_files(None, acme.files)
    members = acme.members  # with the root pinned
    assert members.key_of("office") == acme.office.key.public
    assert [problem.reason for problem in members.problems] == ["it founds a network of its own"]
