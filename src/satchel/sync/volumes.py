"""Volumes by their label, as systems mount what is plugged in."""

from __future__ import annotations

import glob
import string
import sys
from pathlib import Path

# Where desktops mount sticks: /media/USER/LABEL, /run/media/USER/LABEL, /Volumes/LABEL.
_PLACES = ("/media/*/{}", "/media/{}", "/run/media/*/{}", "/mnt/{}", "/Volumes/{}")


def volumes(label: str) -> list[Path]:
    """The folders of mounted volumes with this label, by name; a second stick of one name has a digit behind it."""
    if sys.platform == "win32":
        return [Path(f"{letter}:\\") for letter in string.ascii_uppercase if _label_of(f"{letter}:\\") == label]
    name = glob.escape(label)
    patterns = [place.format(each) for place in _PLACES for each in (name, f"{name}[0-9]")]
    return [Path(found) for pattern in patterns for found in sorted(glob.glob(pattern))]


if sys.platform == "win32":

    def _label_of(root: str) -> str | None:
        """None: there is no such drive."""
        import ctypes

        buffer = ctypes.create_unicode_buffer(261)
        found = ctypes.windll.kernel32.GetVolumeInformationW(root, buffer, 261, None, None, None, None, 0)
        return buffer.value if found else None
