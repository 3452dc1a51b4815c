"""The coverage-guided fuzz target (atheris): every reader of what strangers can write.

    python -m tests.fuzz.target [--seconds N] [--keep FOLDER]

The first byte of an input chooses the reader, the rest is its file, and the same once more as if a member had signed
it. Any exception but satchel's own is a finding: it is printed, and the input is kept in FOLDER as `crash-...`, to be
read again with `python -m tests.fuzz.target FOLDER/crash-...`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["satchel", "json"], enable_loader_override=False):
    from tests.fuzz.corpus import TARGETS, Corpus, temporary, tokens


def write_seeds(corpus: Corpus, folder: Path) -> None:
    """What the fuzzer starts from: each file whole, and what is signed in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, target in enumerate(TARGETS):
        for kind, data in (("file", corpus.seeds[target]), ("payload", corpus.payload(target))):
            (folder / f"seed-{target}-{kind}").write_bytes(bytes([number]) + data)


def write_dictionary(corpus: Corpus, path: Path) -> None:
    """Words for mutations, as libFuzzer has them."""
    lines = ('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"' for token in tokens(corpus) if len(token) <= 64)
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Runs until the time is over or something is found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", type=Path, default=None)
    parser.add_argument("inputs", nargs="*", help="findings to be read again, instead of a run")
    options = parser.parse_args()
    corpus = temporary()
    keep = options.keep or corpus.folder / "corpus"
    write_seeds(corpus, keep)
    words = corpus.folder / "words"
    write_dictionary(corpus, words)

    def one_input(data: bytes) -> None:
        if data:
            corpus.read_both(TARGETS[data[0] % len(TARGETS)], data[1:])

    limits = ["-timeout=25", "-rss_limit_mb=2048", "-max_len=20000", "-print_final_stats=1"]
    run = [f"-max_total_time={options.seconds}", f"-dict={words}", f"-artifact_prefix={keep}/"]
    atheris.Setup([sys.argv[0], *limits, *run, *(options.inputs or [str(keep)])], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
