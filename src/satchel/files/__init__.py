"""The one file layer: every byte that satchel writes outside the database goes through here, flushed."""

from satchel.files.read import file_size, names_in, open_regular, read_back, read_limited, stands
from satchel.files.remove import remove_file, remove_folder, remove_leftovers
from satchel.files.throttle import Throttle, throttled
from satchel.files.trouble import FileTrouble, trouble_with, wall
from satchel.files.write import (
    copy_new,
    fsync_file,
    fsync_folder,
    make_folders,
    rename_file,
    replace,
    replace_with,
    write_new,
)

__all__ = [
    "FileTrouble",
    "Throttle",
    "copy_new",
    "file_size",
    "fsync_file",
    "fsync_folder",
    "make_folders",
    "names_in",
    "open_regular",
    "read_back",
    "read_limited",
    "remove_file",
    "remove_folder",
    "remove_leftovers",
    "rename_file",
    "replace",
    "replace_with",
    "stands",
    "throttled",
    "trouble_with",
    "wall",
    "write_new",
]
