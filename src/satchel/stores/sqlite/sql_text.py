"""Reading the text of CREATE TABLE and CREATE INDEX, for the little that no pragma tells."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*(?:\n|$)|/\*.*?(?:\*/|$))
      | (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*"|\[[^\]]*\]|`(?:[^`]|``)*`|[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_COLLATE = re.compile(r"""\bCOLLATE\s+("(?:[^"]|"")*"|\[[^\]]*\]|`[^`]*`|'[^']*'|\w+)""", re.IGNORECASE)


def column_definitions(sql: str, columns: list[str]) -> list[tuple[str, str]]:
    """(column, rest of its definition without expressions in parentheses) for the columns of a CREATE TABLE text."""
    start = next(token.end() for token in _TOKEN.finditer(sql) if token.group() == "(")
    found: list[tuple[str, str]] = []
    for part in split_terms(sql[start:]):
        name, rest = first_name(part)
        match = next((c for c in columns if c.lower() == name.lower()), None)
        if match is not None and match not in dict(found):
            found.append((match, without_parentheses(rest)))
    return found


def split_terms(sql: str) -> list[str]:
    """The terms of a list in SQL up to its closing parenthesis, split at commas outside parentheses and quotes."""
    terms: list[str] = []
    current: list[str] = []
    depth = 0
    for token in _TOKEN.finditer(sql):
        word = token.group()
        if token.lastgroup == "space":
            word = " "
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
            if depth < 0:
                break
        if word == "," and depth == 0:
            terms.append("".join(current).strip())
            current = []
        else:
            current.append(word)
    return [*terms, "".join(current).strip()]


def first_name(term: str) -> tuple[str, str]:
    """The first name of a term, unquoted, and what follows it."""
    token = _TOKEN.match(term)
    if token is None or token.lastgroup not in ("name", "text"):
        return "", term
    word = token.group()
    rest = term[token.end() :]
    if word[0] in "\"'`":
        return word[1:-1].replace(word[0] * 2, word[0]), rest
    return word.strip("[]"), rest


def without_parentheses(sql: str) -> str:
    """The text with everything in parentheses and every text literal left away."""
    kept, depth = [], 0
    for token in _TOKEN.finditer(sql):
        word = token.group()
        depth += (word == "(") - (word == ")")
        if depth == 0 and word != ")" and token.lastgroup != "text":
            kept.append(word)
    return "".join(kept)


def collation_in(definition: str) -> str:
    """The collation that a column's definition names; BINARY if none."""
    match = _COLLATE.search(definition)
    return match.group(1).strip("\"[]`'") if match else "BINARY"


def index_parts(sql: str) -> tuple[tuple[str, ...], str]:
    """The terms of a CREATE INDEX text, without ASC and DESC, and its condition. Comments are left away."""
    tokens = list(_TOKEN.finditer(sql))
    on = next(i for i, token in enumerate(tokens) if token.group().upper() == "ON")
    start = next(i for i, token in enumerate(tokens) if i > on and token.group() == "(")
    terms = split_terms(sql[tokens[start].end() :])
    depth, end = 1, start
    while depth:
        end += 1
        depth += (tokens[end].group() == "(") - (tokens[end].group() == ")")
    rest = "".join(" " if token.lastgroup == "space" else token.group() for token in tokens[end + 1 :])
    where = re.sub(r"^\s*WHERE\b", "", rest, flags=re.IGNORECASE).strip()
    return tuple(re.sub(r"\s+(ASC|DESC)\s*$", "", term, flags=re.IGNORECASE) for term in terms), where
