"""Commands that a home runs at events, as `satchel.toml` names them under [hooks]."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from satchel.errors import SatchelError

LONGEST = 60.0  # seconds that a hook may take; what takes longer has to start something of its own


def run_hook(command: str, about: Mapping[str, object]) -> None:
    """Runs a command line in the system's shell. The event is one line of JSON on its stdin, its name, home and node in
    SATCHEL_EVENT, SATCHEL_HOME, SATCHEL_NODE. SatchelError: it could not be started, failed, or took too long; nothing
    else depends on it."""
    environment = os.environ | {
        f"SATCHEL_{name.upper()}": str(about.get(name, "")) for name in ("event", "home", "node")
    }
    try:
        done = subprocess.run(
            command, shell=True, input=json.dumps(about) + "\n", capture_output=True, text=True, errors="replace",
            timeout=LONGEST, env=environment, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise SatchelError(f"the hook {command!r} took longer than {LONGEST:g} seconds", _HINT) from late
    except (OSError, ValueError) as problem:
        raise SatchelError(f"the hook {command!r} could not be started: {problem}", _HINT) from problem
    if done.returncode:
        said = ""
        with suppress(IndexError):
            said = ": " + done.stderr.strip().splitlines()[-1]
        raise SatchelError(f"the hook {command!r} ended with code {done.returncode}{said}", _HINT)


_HINT = "correct it under [hooks] in satchel.toml"
