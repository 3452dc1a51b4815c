"""Readers of what strangers write end with satchel's own errors, whatever they get."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.corpus import TARGETS, Corpus, tokens

ROOT = Path(__file__).parents[2]
MUTATIONS = 150
SECONDS = 40


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize("target", TARGETS)
def test_the_files_that_mutations_start_from_are_good(corpus: Corpus, target: str) -> None:
    assert corpus.read(target, corpus.seeds[target])
    assert corpus.read_both(target, corpus.payload(target))


def mutations(seed: bytes, words: list[bytes], count: int) -> Iterator[bytes]:
    """The seed with one to four changes, the same in every run."""
    chance = random.Random(len(seed))
    for _ in range(count):
        data = bytearray(seed)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data) + 1)
            until = min(len(data), place + chance.choice((0, 1, 4, 20)))
            change = chance.choice((chance.choice(words), chance.randbytes(2), bytes(data[:9]), b""))
            data[place:until] = change
        yield bytes(data)


@pytest.mark.parametrize("target", TARGETS)
def test_a_mutated_file_gives_an_error_of_satchel_s_or_is_taken(corpus: Corpus, target: str) -> None:
    words = tokens(corpus)
    refused = sum(not corpus.read_both(target, data) for data in mutations(corpus.payload(target), words, MUTATIONS))
    assert refused > MUTATIONS // 4


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this system")
def test_a_fuzzer_that_sees_the_coverage_finds_nothing(tmp_path: Path) -> None:
    """A minute of what `make fuzz` does for hours."""
    seconds = os.environ.get("FUZZ_SECONDS", str(SECONDS))
    command = [sys.executable, "-m", "tests.fuzz.target", "--seconds", seconds, "--keep", str(tmp_path)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    assert found is not None and int(found[1]) > 1000, done.stderr[-2000:]
