"""Finds the questions of an audit in SQL: `as_of('customers', '2026-05-03T10:00Z')` stands where a table may stand.

DuckDB has macros, but none that could ask the rules of the network, and functions in Python only where numpy is
installed. So the words are found before DuckDB reads them, and a table with the answer takes their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from satchel.errors import UsageError

# What is one word to DuckDB, whatever stands inside.
_TOKEN = re.compile(
    r"""
    (?P<skip> --[^\n]* | /\*.*?\*/ | [eE]'(?:\\.|''|[^'\\])*' | '(?:''|[^'])*' | "(?:""|[^"])*"
        | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<word> [^\W\d]\w* )
    | (?P<open> [(\[{] ) | (?P<close> [)\]}] ) | (?P<dot> \. ) | (?P<space> \s+ ) | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

Answer = Callable[[str, str], str]  # a function's name and the text of its arguments -> what takes the call's place


def replace_calls(sql: str, names: Collection[str], answer: Answer) -> str:
    """The SQL with every call of these functions replaced, the innermost first. UsageError: one does not end."""
    found: list[str] = []
    at, dotted = 0, False
    while at < len(sql):
        token = _TOKEN.match(sql, at)
        assert token is not None
        word = token["word"]
        start = _opened(sql, token.end()) if word and not dotted and word.lower() in names else None
        if start is None:
            found.append(token.group())
            at = token.end()
        else:
            end = _closed(sql, start, word)
            found.append(answer(word.lower(), replace_calls(sql[start:end], names, answer)))
            at = end + 1
        if not token["space"]:
            dotted = bool(token["dot"])
    return "".join(found)


def _opened(sql: str, at: int) -> int | None:
    """Where the arguments begin; None: it is no call."""
    token = _TOKEN.match(sql, at)
    if token is not None and token["space"]:
        token = _TOKEN.match(sql, token.end())
    return token.end() if token is not None and token.group() == "(" else None


def _closed(sql: str, at: int, word: str) -> int:
    depth = 1
    while token := _TOKEN.match(sql, at):
        depth += bool(token["open"]) - bool(token["close"])
        if not depth:
            return at
        at = token.end()
    raise UsageError(f"the call of {word} does not end", "Close its parenthesis.")
