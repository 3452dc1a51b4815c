"""Real file servers on loopback, with a folder mounted as a desktop would mount it: SMB (samba, mounted by rclone) and
SFTP (sshd, mounted by sshfs). Nothing of the machine's own servers is touched."""

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

NEEDED = {"smb": ("smbd", "rclone", "fusermount3"), "sftp": ("sshd", "sshfs", "ssh-keygen", "fusermount3")}
PACKAGES = "samba rclone sshfs openssh-server fuse3"  # of Debian
_LONGEST = 20.0  # seconds until a server or a mount is there


def program(name: str) -> str | None:
    """Where a program is, servers' folders included."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def missing(kind: str) -> list[str]:
    """What this machine lacks for a kind of share."""
    return [name for name in NEEDED[kind] if program(name) is None] + (
        [] if Path("/dev/fuse").exists() else ["/dev/fuse"]
    )


@contextmanager
def mounts(kind: str, root: Path, count: int) -> Iterator[Sequence[Path]]:
    """Several mounts of one share, each a client of its own."""
    folders = [root / f"mount{number}" for number in range(count)]
    with ExitStack() as stack:
        mount = stack.enter_context({"smb": _samba, "sftp": _sshd}[kind](root))
        for folder in folders:
            folder.mkdir()
            mount(folder)
            stack.callback(subprocess.run, ["fusermount3", "-uz", str(folder)], check=False)
            _until(lambda folder=folder: os.path.ismount(folder), f"{folder} is not mounted")
        yield folders


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


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _serving(command: Sequence[object], port: int) -> Iterator[None]:
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            _until(lambda: _answers(port), f"{command[0]} does not answer")
            yield
        finally:
            server.terminate()


@contextmanager
def _samba(root: Path) -> Iterator[Callable[[Path], None]]:
    state, data, port = root / "state", root / "data", _free_port()
    state.mkdir()
    data.mkdir()
    folders = "\n".join(
        f"{name} = {state}"
        for name in ("private dir", "lock directory", "state directory", "cache directory", "pid directory")
    )
    config = root / "smb.conf"
    config.write_text(f"""\
[global]
server role = standalone server
smb ports = {port}
bind interfaces only = yes
interfaces = lo
{folders}
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

    def mount(folder: Path) -> None:
        password = subprocess.run(["rclone", "obscure", "x"], capture_output=True, text=True, check=True).stdout.strip()
        remote = f":smb,host=127.0.0.1,port={port},user=guest,pass={password}:data"
        options = ["--config", "", "--vfs-cache-mode", "writes", "--vfs-write-back", "0s", "--dir-cache-time", "1s"]
        cache = ["--cache-dir", str(folder.with_name(folder.name + "-cache"))]
        subprocess.run(["rclone", "mount", remote, str(folder), *options, *cache, "--daemon"], check=True)

    subprocess.run([str(program("smbd")), "-s", str(config), "-D"], check=True)
    try:
        _until(lambda: _answers(port), "smbd does not answer")
        yield mount
    finally:
        os.kill(int((state / "smbd.pid").read_text()), signal.SIGTERM)


@contextmanager
def _sshd(root: Path) -> Iterator[Callable[[Path], None]]:
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

    def mount(folder: Path) -> None:
        settings = f"IdentityFile={root / 'client'},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,reconnect"
        place = f"{_user()}@127.0.0.1:{data}"
        subprocess.run(["sshfs", "-p", str(port), "-o", settings, place, str(folder)], check=True)

    server = [program("sshd"), "-D", "-f", "/dev/null", "-h", root / "host", "-p", port, *words]
    with _serving(server, port):
        yield mount


def _user() -> str:
    import getpass

    return getpass.getuser()
