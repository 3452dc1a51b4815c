"""A watch that starts with the user's session and is started again when it fails (INTERFACE, service)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from satchel.daemon.definition import LAUNCHD, SYSTEMD, TASK, Service, definition
from satchel.daemon.requests import Desk
from satchel.errors import NotSupported, SatchelError
from satchel.files import make_folders, remove_file, replace
from satchel.sync.home import Home

_LONGEST = 30.0  # seconds that systemd may take to answer


def service_of(home: Path, *, jsonl: bool = False) -> Service:
    """The service of a home: this very program, watching it. NoHome, SatchelError: the home's settings are wrong."""
    settings = Home.at(home).settings()
    whole = Path(os.path.abspath(home))
    words = [*_program(), "--home", str(whole), "watch", *(["--jsonl"] if jsonl else [])]
    return Service(settings.node, settings.network, whole, tuple(words))


def _program() -> list[str]:
    """The command `satchel` beside this Python, else the module: the same environment in either case."""
    beside = Path(sys.executable).with_name("satchel.exe" if sys.platform == "win32" else "satchel")
    return [str(beside)] if beside.is_file() else [sys.executable, "-m", "satchel"]


def usual_kind() -> str:
    """What this system has."""
    return {"darwin": LAUNCHD, "win32": TASK}.get(sys.platform, SYSTEMD)


def install(service: Service, *, dry_run: bool = False) -> dict[str, Any]:
    """Writes the user unit, enables and starts it. NotSupported: not systemd. SatchelError: systemd refuses; the unit
    stays, so that it can be looked at."""
    _need_systemd()
    path = unit_path(service)
    if not dry_run:
        make_folders(path.parent)
        replace(path, definition(service, SYSTEMD).encode())
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", path.name)
    return {"service": service.name, "file": str(path), "dry_run": dry_run}


def remove(service: Service, *, dry_run: bool = False) -> dict[str, Any]:
    """Stops and disables the unit and removes it; nothing to do where there is none."""
    _need_systemd()
    path = unit_path(service)
    there = path.exists()
    if there and not dry_run:
        _systemctl("disable", "--now", path.name)
        remove_file(path)
        _systemctl("daemon-reload")
    return {"service": service.name, "file": str(path), "removed": there, "dry_run": dry_run}


def status(service: Service) -> dict[str, Any]:
    """{service, installed, active: what systemd says of it (null: not asked), file, watch: whether one runs}."""
    path = unit_path(service)
    installed = usual_kind() == SYSTEMD and path.exists()
    active = _asked("is-active", path.name) if installed else None
    return {
        "service": service.name,
        "installed": installed,
        "active": active,
        "file": str(path) if installed else None,
        "watch": Desk(service.home).is_open(),
    }


def unit_path(service: Service) -> Path:
    """Where systemd looks for a user's units."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base) / "systemd" / "user" / f"{service.name}.service"


def _need_systemd() -> None:
    if usual_kind() != SYSTEMD:
        raise NotSupported(
            "on this system satchel does not install a service by itself",
            "`satchel service install --print` writes the definition; docs/guide/office.md says where to put it",
        )
    if shutil.which("systemctl") is None:
        raise NotSupported(
            "there is no systemd here", "have `satchel watch` started when you log in, by whatever this system has"
        )


def _systemctl(*words: str) -> None:
    done = _run(words)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SatchelError(
            f"systemctl --user {' '.join(words)} failed: {said[-1] if said else done.returncode}",
            "it needs the session of a user who is logged in; see `systemctl --user status`",
        )


def _asked(*words: str) -> str | None:
    """One word of systemd's; None: it does not answer."""
    try:
        return _run(words).stdout.strip() or None
    except SatchelError:
        return None


def _run(words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["systemctl", "--user", *words], capture_output=True, text=True, timeout=_LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise SatchelError(f"systemctl cannot be asked: {problem}", "see `systemctl --user status`") from problem
