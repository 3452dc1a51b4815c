"""The sites are fixtures of every test here."""

from tests.sync.places import branch, clinic, office, share, templates

__all__ = ["branch", "clinic", "office", "share", "templates"]
