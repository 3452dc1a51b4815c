"""`satchel demo`: three sites, a share, a stick, two conflicts and an audit, played with the real thing."""

from satchel.demo.story import run

__all__ = ["run"]
