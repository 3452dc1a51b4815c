from __future__ import annotations

import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from satchel.model.vector import Mark
from satchel.replication.order import Header, Want, ready_groups, waiting
from tests.replication.bridge import digits, to_header, to_vector
from tests.replication.made import dot, vector
from tests.replication.test_against_reference import random_history


def header(name: str, *saw: str, group: tuple[int, int] | None = None, hash_: str = "") -> Header:
    """A packet; its own predecessor is in its context without being named."""
    origin, seq = dot(name)
    before = [f"{origin}/{seq - 1}"] if seq > 1 else []
    return Header(dot(name), hash_ or digits(origin, seq), group or (seq, seq), vector(*before, *saw))


def dots(*names: str) -> list:
    return [dot(name) for name in names]


def wants(headers: list[Header], known: dict[str, Mark]) -> dict[str, list[tuple[str, str]]]:
    return {
        ", ".join(map(str, w.group)): [(str(want.dot), want.state) for want in w.wants] for w in waiting(headers, known)
    }


def test_a_packet_that_saw_nothing_is_ready() -> None:
    assert ready_groups([header("a/1")], {}) == [dots("a/1")]


def test_what_is_applied_is_not_ready_again() -> None:
    assert ready_groups([header("a/1"), header("a/2")], vector("a/2")) == []
    assert waiting([header("a/1"), header("a/2")], vector("a/2")) == []


def test_causes_come_before_effects_in_one_call() -> None:
    headers = [header("a/2", "c/1"), header("c/1", "b/1"), header("b/1", "a/1"), header("a/1")]
    assert ready_groups(headers, {}) == [dots("a/1"), dots("b/1"), dots("c/1"), dots("a/2")]


def test_a_packet_waits_for_a_missing_cause_and_its_effects_wait_for_it() -> None:
    headers = [header("a/1", "b/1"), header("a/2"), header("c/1", "a/2")]
    assert ready_groups(headers, {}) == []
    assert wants(headers, {}) == {
        "a/1": [("b/1", "missing")],
        "a/2": [("a/1", "waiting")],
        "c/1": [("a/2", "waiting")],
    }


def test_a_want_names_the_hash_of_the_packet() -> None:
    assert waiting([header("a/1", "b/1")], {})[0].wants == (Want(dot("b/1"), digits("b", 1), "missing"),)


def test_what_is_ready_does_not_wait() -> None:
    headers = [header("a/1"), header("b/1", "a/1"), header("b/2", "c/1")]
    assert ready_groups(headers, {}) == [dots("a/1"), dots("b/1")]
    assert wants(headers, {}) == {"b/2": [("c/1", "missing")]}


def test_a_gap_in_a_sequence_waits() -> None:
    lone = Header(dot("a/3"), digits("a", 3), (3, 3), {})
    assert wants([lone], vector("a/1")) == {"a/3": [("a/2", "missing")]}


def test_a_group_is_ready_only_whole() -> None:
    group = [header(f"a/{seq}", group=(1, 3)) for seq in (1, 2, 3)]
    assert ready_groups(group, {}) == [dots("a/1", "a/2", "a/3")]
    assert ready_groups([group[0], group[2]], {}) == []
    assert wants([group[0], group[2]], {}) == {"a/1, a/3": [("a/2", "missing")]}


def test_a_group_is_ready_only_when_the_contexts_of_all_its_packets_are_met() -> None:
    group = [header("a/1", group=(1, 2)), header("a/2", "b/1", group=(1, 2))]
    assert ready_groups(group, {}) == []
    assert ready_groups([*group, header("b/1")], {}) == [dots("b/1"), dots("a/1", "a/2")]


def test_packets_of_a_group_may_carry_the_context_of_the_group() -> None:
    group = [Header(dot(f"a/{seq}"), digits("a", seq), (2, 3), vector("a/1")) for seq in (2, 3)]
    assert ready_groups(group, vector("a/1")) == [dots("a/2", "a/3")]


def test_who_saw_the_middle_of_a_group_gets_the_whole_group_first() -> None:
    headers = [header("b/1", "a/1"), header("a/1", group=(1, 2)), header("a/2", group=(1, 2))]
    assert ready_groups(headers, {}) == [dots("a/1", "a/2"), dots("b/1")]


def test_an_absurd_group_waits_without_counting_to_its_end() -> None:
    [entry] = waiting([header("a/1", group=(1, 10**18))], {})
    assert entry.wants[0] == Want(dot("a/2"), "", "missing")
    assert len(entry.wants) == 100


def test_a_group_that_does_not_hold_its_own_packet_is_never_ready() -> None:
    assert ready_groups([header("a/1", group=(2, 3))], {}) == []
    assert wants([header("a/1", group=(2, 3))], {}) == {"a/1": [("a/1", "another")]}


def test_another_packet_with_the_number_does_not_meet_a_context() -> None:
    other = "f" * 16
    for known, headers in (({}, [header("a/1", hash_=other)]), ({"a": Mark(1, other)}, [])):
        effect = header("b/1", "a/1")
        assert dot("b/1") not in [d for group in ready_groups([effect, *headers], known) for d in group]
        assert wants([effect, *headers], known)["b/1"] == [("a/1", "another")]


def test_an_applied_packet_meets_a_context_by_its_hash() -> None:
    known, effect = vector("a/3"), header("b/1", "a/2")
    assert ready_groups([effect, header("a/2")], known) == [dots("b/1")]
    assert ready_groups([effect], known, {dot("a/2"): digits("a", 2) + "00"}.get) == [dots("b/1")]
    assert ready_groups([effect], known, lambda cause: "f" * 16) == []


def test_an_applied_packet_whose_hash_nobody_can_tell_does_not_meet_a_context() -> None:
    assert wants([header("b/1", "a/2")], vector("a/3")) == {"b/1": [("a/2", "missing")]}


def test_hashes_are_compared_by_their_first_16_digits() -> None:
    long = Header(dot("a/1"), digits("a", 1) + "0" * 48, (1, 1), {})
    assert ready_groups([header("b/1", "a/1"), long], {}) == [dots("a/1"), dots("b/1")]


def test_neither_of_two_packets_with_one_number_is_applied_whichever_came_first() -> None:
    one, two = header("a/1"), header("a/1", hash_="f" * 16)
    for headers in ([one, two, header("a/2")], [header("a/2"), two, one]):
        assert ready_groups(headers, {}) == []
        assert {want.state for entry in waiting(headers, {}) for want in entry.wants} == {"another", "waiting"}


def test_a_packet_with_the_number_of_an_applied_one_is_listed_and_never_applied() -> None:
    impostor = header("a/1", hash_="f" * 16)
    assert ready_groups([impostor], vector("a/1")) == []
    assert wants([impostor], vector("a/1")) == {"a/1": [("a/1", "another")]}
    assert wants([impostor, header("a/1")], vector("a/1")) == {"a/1": [("a/1", "another")]}


def test_packets_that_wait_for_each_other_wait() -> None:
    assert wants([header("a/1", "b/1"), header("b/1", "a/1")], {}) == {
        "a/1": [("b/1", "waiting")],
        "b/1": [("a/1", "waiting")],
    }


def test_the_same_packet_known_twice_counts_once() -> None:
    assert ready_groups([header("a/1"), header("a/1")], {}) == [dots("a/1")]


@given(seed=st.integers(0, 40), data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_packets_are_applied_as_far_as_the_reference_applies_them(seed: int, data: st.DataObject) -> None:
    source = random_history(seed % 10, "latest")[0]
    rng = random.Random(data.draw(st.integers(0, 10**6)))
    packets = rng.sample(list(source.shelf.values()), rng.randrange(len(source.shelf) + 1))
    node = type(source)("x", "latest")
    node.receive(packets[: len(packets) // 2])
    before, shelf = dict(node.vector), dict(node.shelf)
    node.receive(packets)
    headers = [to_header(packet) for packet in packets]
    rng.shuffle(headers)

    def applied_hash(name: object) -> str:
        return digits(*name)  # type: ignore[misc]

    groups = ready_groups(headers, to_vector(before), applied_hash)
    after = dict(before)
    for group in groups:
        first = source.shelf[tuple(group[0])]
        assert [d.seq for d in group] == list(range(first.group[0], first.group[1] + 1))
        for name in group:
            assert all(seq <= after.get(origin, 0) for origin, seq in source.shelf[tuple(name)].context.items())
            assert after.get(name.origin, 0) == name.seq - 1
            after[name.origin] = name.seq
    assert after == node.vector
    assert shelf.keys() <= node.shelf.keys()
    left = {packet.dot for packet in packets if packet.dot[1] > after.get(packet.dot[0], 0)}
    listed = waiting(headers, to_vector(before), applied_hash)
    assert {tuple(name) for entry in listed for name in entry.group} == left
    assert all(entry.wants for entry in listed)
    assert groups == ready_groups(sorted(headers, key=lambda h: h.dot), to_vector(before), applied_hash)


def test_ten_thousand_packets_take_well_under_a_second() -> None:
    rng = random.Random(1)
    names = [f"n{i}" for i in range(8)]
    seen: dict[str, dict[str, Mark]] = {name: {} for name in names}
    heads: dict[str, Mark] = {}
    headers = []
    for _ in range(10_000):
        name = rng.choice(names)
        seq = heads[name].seq + 1 if name in heads else 1
        headers.append(Header(dot(f"{name}/{seq}"), digits(name, seq), (seq, seq), dict(seen[name])))
        seen[name][name] = heads[name] = Mark(seq, digits(name, seq))
        if rng.random() < 0.3:
            seen[name].update(heads)
    rng.shuffle(headers)
    began = time.process_time()
    groups = ready_groups(headers, {})
    took = time.process_time() - began
    assert len(groups) == 10_000
    assert took < 2, "linear work takes a quarter of a second here, quadratic work takes minutes"
