"""What `satchel.toml` and the environment say, and how mistakes in them are told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from satchel.errors import SatchelError
from satchel.files import Throttle, copy_new, throttled
from satchel.packet.limits import Limits
from satchel.sync import volumes as volumes_room
from satchel.sync.exchange_settings import ExchangeSettings
from satchel.sync.settings import PLACES, Settings, line_of, read_settings, settings_text

TEXT = """\
[node]
name = "office"
[network]
name = "acme"
id = "1"
root = "r"
[database]
url = "shop.db"
"""
NEEDED = Settings("office", "acme", "1", "r", "shop.db")


def read(text: str, **environment: str) -> Settings:
    return read_settings(text, "satchel.toml", environment)[0]


def source(name: str, text: str, **environment: str) -> str:
    (found,) = (c.source for c in read_settings(text, "satchel.toml", environment)[1] if c.name == name)
    return found


def test_what_is_not_said_is_as_by_default() -> None:
    assert read(TEXT) == NEEDED


def test_everything_that_can_be_said_is_written_and_read_again() -> None:
    all_of_it = Settings(
        "office", "acme", "1", "r", "shop.db", "by", 3.5,
        {"nas": ExchangeSettings("/nas"), "stick": ExchangeSettings("data", "removable", "ACME", 1000)},
        ("a",), ("b", "c"), 1.5, 2, 3, 4, 5, 6, {"conflict": 'echo "x"'}, Limits(tables=5),
    )  # fmt: skip
    unsaid = [f.name for f in dataclasses.fields(Settings) if getattr(all_of_it, f.name) == getattr(NEEDED, f.name)]
    assert set(unsaid) == {"node", "network", "network_id", "root", "database"}
    assert read(settings_text(all_of_it)) == all_of_it


def test_environment_comes_before_file_and_file_before_default() -> None:
    text = TEXT + "[watch]\nevery_minutes = 7\n"
    assert read(text).every_minutes == 7
    assert read(text, SATCHEL_WATCH_EVERY_MINUTES="2.5").every_minutes == 2.5
    assert read(TEXT, SATCHEL_TRIGGERS_SKIP="a,b").skip_triggers == ("a", "b")
    assert source("watch.every_minutes", text) == "satchel.toml, line 10"
    assert source("watch.every_minutes", text, SATCHEL_WATCH_EVERY_MINUTES="1") == "SATCHEL_WATCH_EVERY_MINUTES"
    assert source("watch.settle_seconds", text) == "default"


def test_what_the_network_knows_a_home_by_is_not_to_be_changed_by_the_environment() -> None:
    assert read(TEXT, SATCHEL_NODE_NAME="other", SATCHEL_NETWORK_ID="2") == NEEDED


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            "[watch]\nevery_minutes = 'often'",
            "satchel.toml, line 10: watch.every_minutes must be a number, not 'often'",
        ),
        ("[watch]\nevery_minute = 5", "line 10: watch.every_minute is no setting; do you mean every_minutes?"),
        ("[wacth]\nevery_minutes = 5", "line 9: wacth is no section; do you mean watch?"),
        ("[status]\ngrace_minutes = -1", "line 10: status.grace_minutes must be a number, not -1"),
        ("[status]\ngrace_minutes = true", "line 10: status.grace_minutes must be a number"),
        ("[limits]\ntables = 0", "line 10: limits.tables must be a whole number, not 0"),
        ("[limits]\ntables = 1.5", "line 10: limits.tables must be a whole number"),
        ("[triggers]\nrun = 'a'", "line 10: triggers.run must be a list of names"),
        ("[hooks]\non_conflict = 3", "line 10: hooks.on_conflict must be a text"),
        ("[exchanges]\nnas = 3", "line 10: the exchange nas must be a folder, or a table with"),
        ("[exchanges.nas]\nkind = 'share'", "line 9: the exchange nas needs a path"),
        ("[exchanges.nas]\npath = 'x'\nkind = 'ftp'", "line 9: the exchange nas is of kind share or removable"),
        ("[exchanges.nas]\npath = 'x'\nspeed = 3", "line 9: the exchange nas has speed, which is none of"),
        ("[exchanges]\nnas = {path = 'x', bandwidth = 0}", "line 10: the exchange nas needs a whole number of bytes"),
        ("[exchanges]\nnas = {kind = 'share', label = 'X'}", "line 10: the exchange nas has a label, so its kind"),
        ("exchanges = 3", "exchanges is no setting"),
        ("[node", "satchel.toml is no TOML"),
    ],
)
def test_a_mistake_names_line_and_key(wrong: str, says: str) -> None:
    with pytest.raises(SatchelError) as told:
        read(TEXT + wrong + "\n")
    assert says in told.value.message
    assert told.value.hint


def test_a_mistake_in_the_environment_names_the_variable() -> None:
    with pytest.raises(SatchelError, match="SATCHEL_WATCH_EVERY_MINUTES: it must be a number, not 'x'"):
        read(TEXT, SATCHEL_WATCH_EVERY_MINUTES="x")


@pytest.mark.parametrize("name", ["node.name", "network.root", "database.url"])
def test_what_is_needed_is_missed_by_name(name: str) -> None:
    key = name.partition(".")[2]
    without = "".join(line for line in TEXT.splitlines(True) if not (line.startswith(f"{key} =") and _in(name, line)))
    with pytest.raises(SatchelError, match=f"{name} is missing"):
        read(without)


def _in(name: str, line: str) -> bool:
    return line_of(TEXT, *name.split(".")) == TEXT.splitlines(True).index(line) + 1 or name != "node.name"


def test_every_setting_has_a_name_of_its_own() -> None:
    assert len({place.variable for place in PLACES}) == len({place.name for place in PLACES}) == len(PLACES)


def test_a_stick_is_found_by_a_pattern_and_is_nowhere_while_it_is_not_there(tmp_path: Path) -> None:
    stick = ExchangeSettings("media/*/ACME", "removable")
    assert stick.folder(tmp_path) is None
    (tmp_path / "media" / "ann" / "ACME").mkdir(parents=True)
    assert stick.folder(tmp_path) == tmp_path / "media" / "ann" / "ACME"


def test_a_stick_is_found_by_the_label_of_its_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes_room, "_PLACES", (str(tmp_path / "*" / "{}"),))
    stick = ExchangeSettings("data", "removable", "ACME [1]")
    assert stick.folder(tmp_path) is None
    (tmp_path / "ann" / "ACME [1]" / "data").mkdir(parents=True)
    assert stick.folder(tmp_path) == tmp_path / "ann" / "ACME [1]" / "data"


def test_a_share_is_where_it_is_said_to_be_also_while_it_is_away(tmp_path: Path) -> None:
    assert ExchangeSettings("share").folder(tmp_path) == tmp_path / "share"


def test_a_slow_line_carries_no_more_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("satchel.files.throttle.time.sleep", slept.append)
    monkeypatch.setattr("satchel.files.throttle.time.monotonic", lambda: sum(slept))
    source = tmp_path / "part"
    source.write_bytes(b"x" * 100_000)
    with throttled(Throttle(20_000)):
        copy_new(source, tmp_path / "copy")
    assert sum(slept) == pytest.approx(5)
    assert max(slept) < 0.5
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    copy_new(source, tmp_path / "fast")
    assert sum(slept) == pytest.approx(5)
