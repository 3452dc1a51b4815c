"""Whatever README and docs show to be typed works, and prints what they say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import RUN, SHOWN, TOP, Example, Reader, examples, pages

PAGES = {str(page.relative_to(TOP)): page for page in pages() if page.parent.name != "audit"}  # tests/audit runs those
WITH_EXAMPLES = [name for name, page in PAGES.items() if any(e.kind in RUN for e in examples(page))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def test_the_pages_that_teach_have_examples() -> None:
    assert {"README.md", "docs/python.md", "docs/guide/office.md", "docs/guide/sticks.md"} <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_page_do_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SATCHEL_HOME", raising=False)
    reader = Reader()
    for example in examples(PAGES[name]):
        try:
            reader.follow(example)
        except Exception as problem:
            raise AssertionError(f"{name}, line {example.line}: {problem}") from problem


@pytest.mark.parametrize("name", PAGES)
def test_every_fence_says_what_it_is(name: str) -> None:
    kinds = {example.kind for example in examples(PAGES[name])}
    assert kinds <= {*RUN, *SHOWN, "setup"}
    text = PAGES[name].read_text(encoding="utf-8")
    assert text.count("\n```") == 2 * sum(example.kind != "setup" for example in examples(PAGES[name]))


SECTIONS = {
    "node",
    "network",
    "database",
    "exchanges",
    "triggers",
    "status",
    "limits",
    "watch",
    "hooks",
    "archive",
    "equality",
}


@pytest.mark.parametrize("name", PAGES)
def test_every_settings_file_that_is_shown_is_toml(name: str) -> None:
    for example in examples(PAGES[name]):
        if example.kind == "toml":
            shown = tomllib.loads(example.text)
            assert shown.keys() <= SECTIONS, example.line


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    gone = [target for target in LINK.findall(text) if not (PAGES[name].parent / target).exists()]
    assert not gone


@pytest.mark.parametrize(
    "text",
    [
        "$ satchel --home nowhere status\n",
        "$ mkdir a\nsomething else\n",
        "$ satchel --version\nsatchel, version 0.0.0\n",
        "$ satchel --home nowhere status; echo $?\n...\n0\n",
    ],
)
def test_an_example_that_is_not_so_is_noticed(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError):
        Reader().follow(Example("console", text, 1))


def test_a_conversation_with_python_that_is_not_so_is_noticed() -> None:
    with pytest.raises(AssertionError, match="Expected"):
        Reader().follow(Example("python", ">>> 1 + 1\n3\n", 1))
