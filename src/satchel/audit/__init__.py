"""Questions to packets: audits, verification, history. Works on folders, without a database and without a home."""

import sys
from typing import TYPE_CHECKING

from satchel.audit.room import Room

if TYPE_CHECKING:
    from satchel.audit.session import Audit as Audit
    from satchel.audit.session import open_audit as open_audit
    from satchel.audit.verification import verify_paths as verify_paths

__all__ = ["Audit", "open_audit", "verify_paths"]

sys.modules[__name__].__class__ = Room
