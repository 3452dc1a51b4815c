"""Trying an exchange out: whether it can be written, how it treats names, whether it tells of new files, its clock and
its room. What is written for that is gone again."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from satchel.daemon.observer import Observer
from satchel.errors import SatchelError
from satchel.files import FileTrouble, remove_file, write_new
from satchel.sync.clocks import TOLERANCE_MS, in_words
from satchel.sync.findings import Finding, finding
from satchel.sync.home import Home

_LONGEST = 1.0  # seconds that an event may take
_FREE = 100 << 20  # bytes that a share should have free


def probe_exchanges(home: Path) -> Iterator[Finding]:
    """What there is to say of each exchange of `satchel.toml` that is there now; the others are the doctor's."""
    there = Home.at(home)
    try:
        settings = there.settings()
    except SatchelError:
        return  # the doctor has said it
    for name, exchange in settings.exchanges.items():
        folder = exchange.folder(home)
        if folder is not None and folder.is_dir():
            yield from probe(name, folder)


def probe(name: str, folder: Path) -> Iterator[Finding]:
    """One exchange: a line for each thing to know, the first that stops the rest."""
    file = folder / f".satchel-probe-{secrets.token_hex(4)}.TMP"
    woken = threading.Event()
    observer = Observer(woken.set)
    observer.follow([folder])
    try:
        write_new(file, b"satchel doctor tries whether this folder can be written\n")
        told = woken.wait(_LONGEST)
        one_case = os.path.lexists(file.with_name(file.name.lower()))
        drift = (time.time() - os.stat(file).st_mtime) * 1000
    except (FileTrouble, OSError) as trouble:
        words = trouble.message if isinstance(trouble, FileTrouble) else str(trouble)
        yield finding(
            "warning", f"the exchange {name} cannot be written: {words}", "check its permissions and its space"
        )
        return
    finally:
        observer.stop()
        with suppress(SatchelError):
            remove_file(file)
    yield finding("ok", f"the exchange {name} can be written; {_how(told=told, one_case=one_case)}")
    if abs(drift) > TOLERANCE_MS:
        ahead = "behind" if drift > 0 else "ahead of"
        words = f"the clock of the exchange {name} is {in_words(int(abs(drift)))} {ahead} the one here"
        yield finding("warning", words, "set the clock that is wrong")
    yield from _room(name, folder)


def _how(*, told: bool, one_case: bool) -> str:
    """What a watch makes of it."""
    news = "a watch hears of new files at once" if told else "it tells of no new files, so a watch looks by itself"
    return f"{news}; names that differ in case only are {'one' if one_case else 'two'} there"


def _room(name: str, folder: Path) -> Iterator[Finding]:
    with suppress(OSError):
        free = shutil.disk_usage(folder).free
        if free < _FREE:
            yield finding("warning", f"only {free >> 20} MB are free on the exchange {name}", "free some space there")


def watch_findings(home: Path) -> Iterator[Finding]:
    """Whether a watch runs, and how it is."""
    from satchel.daemon.requests import Desk

    state = Desk(home).state()
    if state is None:
        yield finding(
            "note", "no watch runs in this home", "`satchel watch` starts one, `satchel service install` for good"
        )
        return
    trouble = (state.get("last") or {}).get("trouble")
    if trouble:
        yield finding("warning", f"a watch runs, and its last sync failed: {trouble}", "it tries again by itself")
    else:
        yield finding("ok", f"a watch runs, {state.get('state', 'starting')}")
