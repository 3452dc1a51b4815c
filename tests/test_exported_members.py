"""What is public is named, documented, and loads nothing before it is used."""

import subprocess
import sys

import satchel


def test_every_public_name_is_there_and_documented() -> None:
    for name in satchel.__all__:
        member = getattr(satchel, name)
        assert name == "__version__" or member.__doc__, name


def test_the_public_names_are_those_of_the_interface() -> None:
    rooms = {"audit", "health", "init", "join", "open", "relay", "report", "verify"}
    assert set(satchel.__all__) == {"Node", "SatchelError", "__version__", *rooms}


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(satchel, "no_such_thing")


def test_importing_satchel_loads_nothing_else() -> None:
    heavy = "{'duckdb', 'pyarrow', 'pydantic', 'click', 'rich', 'cryptography', 'sqlite3', 'watchdog'}"
    code = f"import satchel, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
