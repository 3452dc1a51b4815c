"""Words of the form NAME=VALUE."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.errors import UsageError


def split_pair(word: str, option: str, form: str) -> tuple[str, str]:
    """Name and value; the value may hold further `=`. UsageError if there is none."""
    name, sign, value = word.partition("=")
    if not sign or not name:
        raise UsageError(f"{option} {word!r} is not of the form {form}", f"write {option} {form}")
    return name, value


def split_pairs(words: Iterable[str], option: str, form: str) -> dict[str, str]:
    """Several pairs; UsageError if a name stands twice."""
    pairs: dict[str, str] = {}
    for word in words:
        name, value = split_pair(word, option, form)
        if name in pairs:
            raise UsageError(f"{option} names {name} twice", "name each one once")
        pairs[name] = value
    return pairs
