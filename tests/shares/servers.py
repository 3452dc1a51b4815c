"""Real file servers on loopback, with a folder mounted as a desktop would mount it: SMB (samba, by smbnetfs) and SFTP
(sshd, by sshfs). Nothing of the machine's own servers is touched.

A mount by rclone is no such thing: it says that a file is written and renamed before the server has it, and with
several of them files stay under their old names there.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

NEEDED = {"smb": ("smbd", "smbnetfs", "fusermount3"), "sftp": ("sshd", "sshfs", "ssh-keygen", "fusermount3")}
PACKAGES = "samba smbnetfs sshfs openssh-server fuse3"  # of Debian
ADDRESS = "127.0.0.77"  # of the SMB server
_LONGEST = 20.0  # seconds until a server or a mount is there


def program(name: str) -> str | None:
    """Where a program is, servers' folders included."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def missing(kind: str) -> list[str]:
    """What this machine lacks for a kind of share."""
    lacking = [name for name in NEEDED[kind] if program(name) is None]
    if not Path("/dev/fuse").exists():
        lacking.append("/dev/fuse")
    if kind == "smb" and os.geteuid() != 0:
        lacking.append("root, for port 445 of a loopback address")
    return lacking


@contextmanager
def mounts(kind: str, root: Path, count: int) -> Iterator[Sequence[Path]]:
    """Several mounts of one share, each a client of its own."""
    folders = [root / f"mount{number}" for number in range(count)]
    with ExitStack() as stack:
        mount = stack.enter_context({"smb": _samba, "sftp": _sshd}[kind](root))
        places = []
        for folder in folders:
            folder.mkdir()
            places.append(mount(folder))
            stack.callback(subprocess.run, ["fusermount3", "-uz", str(folder)], check=False)
            _until(lambda folder=folder: os.path.ismount(folder), f"{folder} is not mounted")
        for place in places:
            _until(place.is_dir, f"{place} is not there")
        yield places


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(holds: Callable[[], bool], what: str) -> None:
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > _LONGEST:
            raise RuntimeError(what)
        time.sleep(0.1)


def _answers(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


@contextmanager
def _serving(command: Sequence[object], port: int) -> Iterator[None]:
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            _until(lambda: _answers("127.0.0.1", port), f"{command[0]} does not answer")
            yield
        finally:
            server.terminate()


@contextmanager
def _samba(root: Path) -> Iterator[Callable[[Path], Path]]:
    """Clients know no port but 445, so it has an address of its own."""
    state, data = root / "state", root / "data"
    state.mkdir()
    data.mkdir()
    kinds = ("private dir", "lock directory", "state directory", "cache directory", "pid directory")
    config = root / "smb.conf"
    config.write_text(f"""\
[global]
server role = standalone server
smb ports = 445
bind interfaces only = yes
interfaces = {ADDRESS}/8
{chr(10).join(f"{name} = {state}" for name in kinds)}
ncalrpc dir = {state}/ncalrpc
log file = {state}/log
map to guest = Bad User
guest account = {_user()}
disable netbios = yes
load printers = no
[data]
path = {data}
read only = no
guest ok = yes
""")

    def mount(folder: Path) -> Path:
        home = folder.with_name(folder.name + "-home")
        (home / ".smb").mkdir(parents=True)
        shutil.copy(config, home / ".smb" / "smb.conf")
        for name, text in {
            "smbnetfs.conf": 'include "smbnetfs.auth"\ninclude "smbnetfs.host"\nsmb_query_browsers "false"\n',
            "smbnetfs.auth": 'auth "guest" "x"\n',
            "smbnetfs.host": f"host {ADDRESS} visible=true\n",
        }.items():
            (home / ".smb" / name).write_text(text)
            (home / ".smb" / name).chmod(0o600)
        subprocess.run(["smbnetfs", str(folder)], env=os.environ | {"HOME": str(home)}, check=True, capture_output=True)
        return folder / ADDRESS / "data"

    subprocess.run([str(program("smbd")), "-s", str(config), "-D"], check=True)
    try:
        _until(lambda: _answers(ADDRESS, 445), "smbd does not answer")
        yield mount
    finally:
        os.kill(int((state / "smbd.pid").read_text()), signal.SIGTERM)


@contextmanager
def _sshd(root: Path) -> Iterator[Callable[[Path], Path]]:
    data, port = root / "data", _free_port()
    data.mkdir()
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)], check=True)
    shutil.copy(root / "client.pub", root / "authorized")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "ListenAddress": "127.0.0.1", "AuthorizedKeysFile": root / "authorized", "PidFile": "none",
        "StrictModes": "no", "Subsystem": "sftp internal-sftp", "PermitRootLogin": "yes", "UsePAM": "no",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]

    def mount(folder: Path) -> Path:
        settings = f"IdentityFile={root / 'client'},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,reconnect"
        place = f"{_user()}@127.0.0.1:{data}"
        subprocess.run(["sshfs", "-p", str(port), "-o", settings, place, str(folder)], check=True)
        return folder

    server = [program("sshd"), "-D", "-f", "/dev/null", "-h", root / "host", "-p", port, *words]
    with _serving(server, port):
        yield mount


def _user() -> str:
    import getpass

    return getpass.getuser()
