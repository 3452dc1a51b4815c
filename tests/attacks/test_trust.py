"""Attacks on membership: who is nobody stays nobody, and no stranger can put a member on hold."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from satchel.errors import SatchelError, UsageError, VerificationFailed
from satchel.packet.card import Card, Certificate, Inviter, make_founder_card
from satchel.packet.configuration import Configuration
from satchel.packet.document import Network
from satchel.packet.invitation import InvitationFile, make_card, read_invitation
from satchel.packet.keys import PrivateKey
from satchel.packet.statement import make_seen
from satchel.packet.wire import time_text
from tests.packet.builders import CUSTOMERS, DAY, NOW, Acme, Site


def forged_card(acme: Acme, inviter: Site, name: str, *, signer: PrivateKey | None = None, **fields: Any) -> bytes:
    """A card by a certificate that `inviter` is said to have given, and that `signer` signed."""
    invited, own = PrivateKey.generate(), PrivateKey.generate()
    said: dict[str, Any] = {
        "network": acme.network,
        "node": name,
        "role": "member",
        "expires": time_text(NOW + DAY),
        "key": invited.public.text,
        "inviter": Inviter(node=inviter.name, key=inviter.key.public.text),
        **fields,
    }
    certificate = Certificate(**said).seal(signer or inviter.key)
    return card(acme, name, base64.b64encode(certificate).decode(), own, invited)


def card(acme: Acme, name: str, certificate: str, *keys: PrivateKey) -> bytes:
    return Card(
        network=acme.network, node=name, key=keys[0].public.text, created=time_text(NOW), certificate=certificate
    ).seal(*keys)


def must_be_refused(acme: Acme, file: bytes, reason: str) -> None:
    before = acme.members.members
    acme.files.append(file)
    assert acme.members.members == before
    assert [reason in problem.reason for problem in acme.members.problems] == [True], acme.members.problems


def test_the_forger_s_tools_make_good_cards_too(acme: Acme) -> None:
    acme.files.append(forged_card(acme, acme.office, "site-b"))
    assert acme.members.role("site-b") == "member"


def test_two_cards_with_one_name_both_wait_and_there_is_an_alarm(acme: Acme) -> None:
    invitation = acme.invite("site-b")
    acme.files += [acme.card(invitation, PrivateKey.generate()), acme.card(invitation, PrivateKey.generate())]
    members = acme.members
    assert members.role("site-b") is None
    assert [waiting.what for waiting in members.waiting] == ["the card of site-b"] * 2
    assert members.alarms == ("two cards with the name site-b and different keys: both wait",)


def test_whom_a_doubtful_admin_invited_waits_as_well(acme: Acme) -> None:
    deputy = acme.join("deputy", "admin")
    acme.join("site-b", by=deputy)
    acme.files.append(forged_card(acme, acme.office, "deputy", role="admin"))
    assert [member.name for member in acme.members.members] == ["office"]
    assert len(acme.members.waiting) == 3


def test_a_stranger_s_card_with_a_member_s_name_holds_nobody_up(acme: Acme) -> None:
    site = acme.join("site-b")
    stranger = Site("nobody", PrivateKey.generate(), acme.network, acme.folder)
    acme.files.append(forged_card(acme, stranger, "site-b"))
    assert acme.members.key_of("site-b") == site.key.public
    assert acme.members.alarms == ()


def test_an_admin_s_certificate_that_another_signed(acme: Acme) -> None:
    must_be_refused(
        acme, forged_card(acme, acme.office, "site-b", signer=PrivateKey.generate()), "is not signed by office"
    )


def test_a_certificate_by_a_member_who_is_no_admin(acme: Acme) -> None:
    must_be_refused(acme, forged_card(acme, acme.join("site-b"), "friend"), "is no admin")


def test_a_member_who_makes_itself_an_admin(acme: Acme) -> None:
    must_be_refused(acme, forged_card(acme, acme.join("site-b"), "site-b", role="admin"), "is no admin")


def test_two_nodes_who_vouch_for_each_other_wait_for_ever(acme: Acme) -> None:
    one, two = (Site(name, PrivateKey.generate(), acme.network, acme.folder) for name in ("one", "two"))
    acme.files += [forged_card(acme, one, "two", role="admin"), forged_card(acme, two, "one", role="admin")]
    assert [member.name for member in acme.members.members] == ["office"]


def test_the_founder_s_name_with_another_key(acme: Acme) -> None:
    must_be_refused(acme, forged_card(acme, acme.office, "office"), "the founder's name")


def test_thousands_of_strangers_cards_cost_little(acme: Acme) -> None:
    stranger = Site("nobody", PrivateKey.generate(), acme.network, acme.folder)
    acme.files += [forged_card(acme, stranger, f"n{number}") for number in range(2000)]
    members = acme.members
    assert [member.name for member in members.members] == ["office"]
    assert len(members.waiting) == 2000


def test_a_second_founder(acme: Acme) -> None:
    must_be_refused(
        acme, make_founder_card(PrivateKey.generate(), acme.network, "office", NOW), "founds a network of its own"
    )


def test_a_card_of_another_network(acme: Acme) -> None:
    foreign = Acme(acme.folder)
    acme.office.network = foreign.network
    stranger = PrivateKey.generate()
    file = make_founder_card(stranger, Network(id=foreign.network.id, name="other"), "office", NOW)
    must_be_refused(acme, file, "founds a network of its own")


def test_a_card_made_after_the_invitation_had_expired(acme: Acme) -> None:
    must_be_refused(acme, acme.card(acme.invite("site-b"), PrivateKey.generate(), NOW + DAY + 1), "had expired")


def test_a_card_without_the_invitation_s_key(acme: Acme) -> None:
    certificate = base64.b64encode(read_invitation(acme.invite("site-b"), NOW).certificate).decode()
    must_be_refused(acme, card(acme, "site-b", certificate, PrivateKey.generate()), "invitation's key")


def test_a_card_for_another_name_than_was_invited(acme: Acme) -> None:
    invitation = read_invitation(acme.invite("site-b"), NOW)
    certificate = base64.b64encode(invitation.certificate).decode()
    must_be_refused(acme, card(acme, "site-z", certificate, PrivateKey.generate(), invitation.key), "not for the node")


def test_a_card_that_is_not_signed_by_its_own_key(acme: Acme) -> None:
    invitation = read_invitation(acme.invite("site-b"), NOW)
    file = Card(
        network=acme.network,
        node="site-b",
        key=acme.office.key.public.text,
        created=time_text(NOW),
        certificate=base64.b64encode(invitation.certificate).decode(),
    ).seal(invitation.key)
    must_be_refused(acme, file, "not signed by the key that it names")


def test_a_configuration_signed_by_one_who_is_no_admin(acme: Acme) -> None:
    site = acme.join("site-b")
    made = Configuration.of(acme.network, [CUSTOMERS], signer="site-b", stamp=1, version=9)
    must_be_refused(acme, made.seal(site.key), "is no admin")


def test_a_configuration_in_an_admin_s_name(acme: Acme) -> None:
    site = acme.join("site-b")
    made = Configuration.of(acme.network, [CUSTOMERS], signer="office", stamp=1, version=9)
    must_be_refused(acme, made.seal(site.key), "is signed by site-b")


def test_a_configuration_of_another_network(acme: Acme) -> None:
    foreign = Network(id="6ba7b810-9dad-11d1-80b4-00c04fd430c8", name="other")
    made = Configuration.of(foreign, [CUSTOMERS], signer="office", stamp=1)
    must_be_refused(acme, made.seal(acme.office.key), "another network")


def test_a_statement_of_a_reader(acme: Acme) -> None:
    kiosk = acme.join("kiosk", "reader")
    must_be_refused(acme, make_seen(kiosk.key, acme.network, "kiosk", "c0ffee", NOW), "reader")


def test_a_statement_in_another_s_name(acme: Acme) -> None:
    site = acme.join("site-b")
    must_be_refused(acme, make_seen(site.key, acme.network, "office", "c0ffee", NOW), "is signed by site-b")


@pytest.mark.parametrize("file", [b"", b"{}", b"\x00" * 100, b"[" * 10_000])
def test_rubbish_among_the_files(acme: Acme, file: bytes) -> None:
    must_be_refused(acme, file, "")


def test_an_expired_invitation_says_so(acme: Acme) -> None:
    with pytest.raises(SatchelError, match="expired on 2026") as caught:
        read_invitation(acme.invite("site-b"), NOW + DAY + 1)
    assert (caught.value.exit_code, bool(caught.value.hint)) == (1, True)


@pytest.mark.parametrize("file", [b"", b"hello", b"{}", b'{"payload": 1}'])
def test_a_file_that_is_no_invitation_says_so(file: bytes) -> None:
    with pytest.raises(UsageError, match="not an invitation"):
        read_invitation(file, NOW)


def test_a_card_is_no_invitation(acme: Acme) -> None:
    with pytest.raises(UsageError, match="not an invitation"):
        read_invitation(acme.files[0], NOW)


def altered(acme: Acme, signer: PrivateKey, **fields: Any) -> bytes:
    """An invitation with other fields; signed again if the signer is the inviter, else as the forger can."""
    payload = json.loads(InvitationFile.open(acme.invite("site-n")).payload) | fields
    return InvitationFile.model_validate_json(json.dumps(payload)).seal(signer)


def test_an_altered_invitation_says_so(acme: Acme) -> None:
    text = acme.invite("site-b")
    payload = InvitationFile.open(text).payload
    swapped = base64.b64encode(payload.replace(b'"node": "site-b"', b'"node": "site-c"'))
    with pytest.raises(VerificationFailed, match="altered"):
        read_invitation(text.replace(base64.b64encode(payload), swapped), NOW)
    with pytest.raises(VerificationFailed, match="altered"):
        read_invitation(altered(acme, PrivateKey.generate(), vector={}), NOW)


def test_an_invitation_for_another_node_than_its_certificate(acme: Acme) -> None:
    with pytest.raises(VerificationFailed, match="something else"):
        read_invitation(altered(acme, acme.office.key, node="site-c"), NOW)


def test_an_invitation_with_another_key_than_its_certificate(acme: Acme) -> None:
    key = base64.b64encode(PrivateKey.generate().raw()).decode()
    with pytest.raises(VerificationFailed, match="something else"):
        read_invitation(altered(acme, acme.office.key, key=key), NOW)


def test_an_invitation_by_one_who_is_no_admin(acme: Acme) -> None:
    site = acme.join("site-b")
    inviter = {"node": "site-b", "key": site.key.public.text}
    files = [base64.b64encode(file).decode() for file in acme.files]
    with pytest.raises(VerificationFailed, match="no admin"):
        read_invitation(altered(acme, site.key, inviter=inviter, files=files), NOW)


def test_an_invitation_used_at_two_places_is_an_alarm_everywhere(acme: Acme) -> None:
    invitation = read_invitation(acme.invite("site-b"), NOW)
    acme.files += [make_card(invitation, PrivateKey.generate(), NOW) for _ in range(2)]
    assert len(acme.members.alarms) == 1
