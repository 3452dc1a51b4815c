"""What holds for a home: its own settings with their sources, beside what the network agreed on (INTERFACE, config)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from satchel.errors import SatchelError
from satchel.model.stamp import milliseconds_of, rfc3339
from satchel.sync.home import Home
from satchel.sync.membership import list_tables
from satchel.sync.opening import reading
from satchel.sync.settings import DEFAULT, Chosen, default_of


def list_configuration(path: Path) -> dict[str, Any]:
    """{settings: [{name, value, source}], network: {version, signer, at, policy, and the fields of `tables`}, trouble};
    `network` is null, and `trouble` says why, where the database cannot be read. NoHome, SatchelError: a mistake in
    `satchel.toml`."""
    _, chosen = Home.at(path).chosen()
    settings = [_shown(choice) for choice in chosen]
    try:
        with reading(path) as site:
            agreed = site.configuration
            network = {
                "version": agreed.version,
                "signer": agreed.signer,
                "at": rfc3339(milliseconds_of(int(agreed.stamp))),
                "policy": agreed.policy,
                **list_tables(site),
            }
    except SatchelError as trouble:
        return {"settings": settings, "network": None, "trouble": trouble.message}
    return {"settings": settings, "network": network, "trouble": ""}


def _shown(choice: Chosen) -> dict[str, Any]:
    value = default_of(choice.name) if choice.source == DEFAULT else choice.value
    return {"name": choice.name, "value": value, "source": choice.source}
