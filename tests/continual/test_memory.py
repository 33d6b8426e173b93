"""Memories: bounded, in the order of time, made of what was learned, and fair as each promises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.continual import BalancedMemory, FadingMemory, Memory, ReservoirMemory, WindowMemory
from skdqm.continual._rows import Rows
from tests.continual.parts import numbered

MEMORIES = (BalancedMemory, FadingMemory, ReservoirMemory, WindowMemory)
every_memory = pytest.mark.parametrize("memory", MEMORIES)
BLOCKS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=12)


def streams(memory: Memory, lengths: list[int], groups: Any, seed: int = 0) -> list[Rows]:
    """Return what is kept after each block of a stream."""
    random = np.random.default_rng(seed)
    kept, n_rows, found = numbered(0), 0, []
    for length, group in zip(lengths, groups, strict=True):
        kept = memory.kept(kept, numbered(length, n_rows, group), n_rows, random)
        n_rows += length
        found.append(kept)
    return found


@every_memory
@given(size=st.integers(1, 60), blocks=BLOCKS)
def test_memories_are_bounded_and_keep_rows_as_they_came(
    memory: Callable[[int], Memory], size: int, blocks: list[tuple[int, int]]
) -> None:
    lengths, groups = [b[0] for b in blocks], [b[1] for b in blocks]
    came = np.repeat(groups, lengths) if blocks else np.zeros(0)
    for n_blocks, kept in enumerate(streams(memory(size), lengths, groups), start=1):
        assert len(kept) == min(size, sum(lengths[:n_blocks]))
        assert (np.diff(kept.positions) > 0).all()
        np.testing.assert_array_equal(kept.values[:, 0], kept.positions)
        np.testing.assert_array_equal(kept.groups, came[kept.positions])


@every_memory
def test_a_memory_that_has_become_smaller_is_bounded_at_once(
    memory: Callable[[int], Memory],
) -> None:
    kept = memory(10).kept(numbered(50), numbered(3, 50), 50, np.random.default_rng(0))
    assert len(kept) == 10
    assert (np.diff(kept.positions) > 0).all()


@every_memory
def test_a_memory_depends_on_the_generator_alone(memory: Callable[[int], Memory]) -> None:
    first, again = (streams(memory(20), [30] * 5, [0, 1, 0, 1, 2]) for _ in range(2))
    np.testing.assert_array_equal(first[-1].positions, again[-1].positions)


def chances(memory: Memory, lengths: list[int], n_streams: int) -> Any:
    """Return the share of streams after which each row is kept."""
    counts = np.zeros(sum(lengths))
    for seed in range(n_streams):
        counts[streams(memory, lengths, [0] * len(lengths), seed)[-1].positions] += 1
    return counts / n_streams


def test_a_reservoir_keeps_every_row_with_the_same_chance() -> None:
    n_streams, expected = 2000, 10 / 60
    found = chances(ReservoirMemory(10), [7, 13, 1, 19, 20], n_streams)
    error = np.sqrt(expected * (1 - expected) / n_streams)
    # Of 60 rows none is five standard errors away, and they scatter as they should.
    assert np.abs(found - expected).max() < 5 * error
    assert 0.6 < found.std() / error < 1.4


def test_a_window_keeps_the_latest_rows() -> None:
    kept = streams(WindowMemory(25), [10, 20, 30], [0, 0, 0])[-1]
    np.testing.assert_array_equal(kept.positions, np.arange(35, 60))


def test_rows_fade_by_e_while_as_many_are_learned_as_are_kept() -> None:
    found = chances(FadingMemory(100), [100, *[5] * 20], 400)
    assert found[:100].mean() == pytest.approx(np.exp(-1), abs=0.02)
    assert found[-5:].min() == 1


@given(size=st.integers(1, 60), blocks=BLOCKS)
def test_a_balanced_memory_shares_its_room_among_conditions(
    size: int, blocks: list[tuple[int, int]]
) -> None:
    lengths, groups = [b[0] for b in blocks], [b[1] for b in blocks]
    random = np.random.default_rng(0)
    old = numbered(sum(lengths), groups=np.repeat(groups, lengths) if blocks else 0)
    kept = BalancedMemory(size).kept(old, numbered(0), 0, random)
    came = np.bincount(old.groups, minlength=4)
    stays = np.bincount(kept.groups, minlength=4)
    # Who has fewer than the most has all of its rows, or one fewer than the most.
    assert all(n == all_of or n >= stays.max() - 1 for n, all_of in zip(stays, came, strict=True))


def test_a_condition_that_is_gone_keeps_its_share_of_a_balanced_memory() -> None:
    kept = streams(BalancedMemory(100), [200, *[50] * 40], [1, *[2] * 40])[-1]
    assert np.bincount(kept.groups).tolist() == [0, 50, 50]


@every_memory
def test_sizes_that_keep_nothing_are_refused(memory: Callable[[int], Memory]) -> None:
    with pytest.raises(ValueError, match="size"):
        memory(0)._validate_params()
