"""An exchange as `satchel.toml` names it: a share, always the same folder, or a stick wherever it is plugged in."""

from __future__ import annotations

import glob
import json
from dataclasses import dataclass
from pathlib import Path

from satchel.sync.volumes import volumes

SHARE, REMOVABLE = "share", "removable"
_KEYS = {"path", "kind", "label", "bandwidth"}


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """`path`: a folder, relative to the home, of a stick also a pattern such as `/media/*/SATCHEL`; `label`: the name
    of a volume, in place of a path or with the path below it; `bandwidth`: bytes per second, None: all there is."""

    path: str = ""
    kind: str = SHARE
    label: str = ""
    bandwidth: int | None = None

    def folder(self, home: Path) -> Path | None:
        """Where it is now; None: a stick that is not plugged in. Of several the first by name."""
        if self.label:
            found = [volume / self.path for volume in volumes(self.label)]
        elif self.kind == REMOVABLE:
            found = [Path(name) for name in sorted(glob.glob(str(home / self.path)))]
        else:
            return home / self.path
        return next((path for path in found if path.is_dir()), None)

    def __str__(self) -> str:
        where = f"the volume {self.label}" + (f", {self.path}" if self.path else "") if self.label else self.path
        slow = f", at most {self.bandwidth:,} bytes a second" if self.bandwidth else ""
        return f"{where} ({self.kind}{slow})"

    def as_toml(self) -> str:
        """Behind the `=` of its line."""
        if self == ExchangeSettings(self.path):
            return json.dumps(self.path)
        said = {"kind": self.kind, "label": self.label, "path": self.path, "bandwidth": self.bandwidth}
        return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in said.items() if value) + " }"


def read_exchange(name: str, entry: object) -> ExchangeSettings:
    """An entry of [exchanges]. ValueError says what is wrong with it."""
    if isinstance(entry, str):
        entry = {"path": entry}
    if not isinstance(entry, dict):
        raise ValueError("must be a folder, or a table with path, kind, label, bandwidth")
    if unknown := sorted(entry.keys() - _KEYS):
        raise ValueError(f"has {unknown[0]}, which is none of {', '.join(sorted(_KEYS))}")
    for key in ("path", "kind", "label"):
        if not isinstance(entry.get(key, ""), str):
            raise ValueError(f"needs a text for {key}, not {entry[key]!r}")
    label, path = entry.get("label", ""), entry.get("path", "")
    kind = entry.get("kind", REMOVABLE if label else SHARE)
    if kind not in (SHARE, REMOVABLE):
        raise ValueError(f"is of kind {SHARE} or {REMOVABLE}, not {kind!r}")
    if kind == SHARE and label:
        raise ValueError(f"has a label, so its kind is {REMOVABLE}")
    if not label and not path:
        raise ValueError("needs a path, or the label of a volume")
    bandwidth = entry.get("bandwidth")
    if bandwidth is not None and (not isinstance(bandwidth, int) or isinstance(bandwidth, bool) or bandwidth < 1):
        raise ValueError(f"needs a whole number of bytes per second for bandwidth, not {bandwidth!r}")
    return ExchangeSettings(path, kind, label, bandwidth)
