"""A service for each system, and systemd told of it."""

from __future__ import annotations

import configparser
import os
import plistlib
import shlex
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from satchel.daemon import service as services
from satchel.daemon.definition import LAUNCHD, SYSTEMD, TASK, Service, definition
from satchel.errors import NotSupported, SatchelError
from tests.cli.real import run
from tests.sync.sites import Place

AWKWARD = Service("office", "acme", Path("/srv/50% off & <b>"), ("/opt/my tools/satchel", "--home", '/srv/$x "q" 50%'))


def test_a_unit_of_systemd_names_the_program_with_its_words() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(definition(AWKWARD, SYSTEMD))
    words = shlex.split(unit["Service"]["ExecStart"].replace("%%", "%").replace("$$", "$"))
    assert tuple(words) == AWKWARD.command
    assert unit["Service"]["WorkingDirectory"] == "/srv/50%% off & <b>"
    assert unit["Install"]["WantedBy"] == "default.target"


def test_a_list_of_launchd_is_one() -> None:
    found = plistlib.loads(definition(AWKWARD, LAUNCHD).encode())
    assert tuple(found["ProgramArguments"]) == AWKWARD.command
    assert found["Label"] == "satchel-acme-office"
    assert found["KeepAlive"] == {"SuccessfulExit": False}


def test_a_task_of_windows_is_one() -> None:
    text = definition(AWKWARD, TASK).replace('encoding="UTF-16"', "")
    root = ElementTree.fromstring(text)
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert root.findtext(".//t:Command", namespaces=space) == AWKWARD.command[0]
    assert root.findtext(".//t:Arguments", namespaces=space) == '--home "/srv/$x \\"q\\" 50%"'


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that writes down what it is asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    asked = tmp_path / "asked"
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{asked}"\n[ "$2" = is-active ] && echo active\nexit 0\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return asked


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_it_is_installed_looked_at_and_removed(office: Place, systemctl: Path) -> None:
    service = services.service_of(office.home)
    path = services.unit_path(service)
    assert services.status(service)["installed"] is False
    services.install(service)
    assert str(office.home) in path.read_text()
    assert services.status(service) == {
        "service": "satchel-acme-office", "installed": True, "active": "active", "file": str(path), "watch": False,
    }  # fmt: skip
    assert services.remove(service)["removed"] is True
    assert not path.exists()
    assert services.remove(service)["removed"] is False
    name = "satchel-acme-office.service"
    assert systemctl.read_text().splitlines() == [
        "--user daemon-reload", f"--user enable --now {name}", f"--user is-active {name}",
        f"--user disable --now {name}", "--user daemon-reload",
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_a_systemd_that_refuses_is_told_in_a_line(office: Place, systemctl: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "systemctl"
    program.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    with pytest.raises(SatchelError, match="failed: Failed to connect to bus"):
        services.install(services.service_of(office.home))


def test_without_systemd_it_is_said_what_to_do(office: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "usual_kind", lambda: LAUNCHD)
    with pytest.raises(NotSupported) as told:
        services.install(services.service_of(office.home))
    assert "--print" in told.value.hint


def test_a_dry_run_installs_nothing(office: Place, systemctl: Path) -> None:
    service = services.service_of(office.home)
    services.install(service, dry_run=True)
    assert not services.unit_path(service).exists()
    assert not systemctl.exists()


@pytest.mark.parametrize(("words", "says"), [([], "[Service]"), (["launchd"], "<plist"), (["task"], "<Task")])
def test_the_definition_is_printed_for_any_system(office: Place, words: list[str], says: str) -> None:
    result = run("--home", office.home, "service", "install", "--print", *words)
    assert result.exit_code == 0, result.output
    assert says in result.stdout if words or sys.platform == "linux" else result.stdout
    assert len(result.stdout.splitlines()) > 10
