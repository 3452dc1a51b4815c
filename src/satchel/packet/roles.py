"""What a node may do (PROTOCOL, Members: roles)."""

from __future__ import annotations

from typing import Literal

Role = Literal["admin", "member", "reader"]
ROLES: tuple[Role, ...] = ("admin", "member", "reader")
