"""A revoked signer: its key is good, its word is not, from the cut on (docs/spec/trust.md)."""

from __future__ import annotations

from pathlib import Path

from tests.attacks.traitor import Fields, Traitor, customers
from tests.sync.sites import Place


def test_a_revoked_signer_s_next_packet(office: Place, branch: Place, share: Path) -> None:
    traitor = Traitor(branch, share)
    office.node.revoke("branch")
    traitor.send(customers("Eve"))
    before = office.dump()
    report = office.node.sync(share)
    assert report.applied == []
    assert [(entry["packet"], "revoked" in entry["reason"]) for entry in report.quarantined] == [("branch/1", True)]
    assert office.dump() == before


def test_a_revoked_signer_who_dates_back_what_it_writes(office: Place, branch: Place, share: Path) -> None:
    traitor = Traitor(branch, share)
    office.node.revoke("branch")
    traitor.drop(traitor.write(customers("Eve")), lambda fields: fields.update(created="2001-01-01T00:00:00.000Z"))
    assert office.node.sync(share).applied == []
    assert office.rows("SELECT count(*) FROM customers WHERE name = 'Eve'") == [(0,)]


def test_a_revoked_member_s_configuration(office: Place, branch: Place, share: Path) -> None:
    """A member was never allowed to; a revoked one even less, whatever version it writes on it."""

    def rule(fields: Fields) -> None:
        fields["policy"] = "latest"

    traitor = Traitor(branch, share)
    office.node.revoke("branch")
    traitor.configure(rule)
    office.node.sync(share)
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    assert office.node.sync(share).sealed
    assert "policy" in str(office.node.tables())
    assert "latest" not in str(office.node.tables())


def test_what_a_revoked_signer_took_with_it_holds_up_nobody_else(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    traitor = Traitor(branch, share)
    office.node.revoke("branch")
    office.node.sync(share)
    traitor.send(customers("Eve"))
    clinic.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    clinic.node.sync(share)
    assert "clinic/1" in office.node.sync(share).applied
    assert office.dump() == clinic.dump()
