import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strategies._unseen import draw_unseen, scheme_key
from strategies.base import SearchSpace
from strategies.random import Random


def test_proposes_every_scheme_of_a_small_space_once_and_finishes() -> None:
    search = Random(SearchSpace((2, 2), budget=99), rng=np.random.default_rng(0), batch_size=5)
    sizes, seen = [], set[bytes]()
    while len(schemes := search.ask(99)) > 0:
        sizes.append(len(schemes))
        seen.update(scheme_key(scheme) for scheme in schemes)
    assert sizes == [5, 5, 5, 1]
    assert len(seen) == 2**4


def test_fifty_four_blocks_are_never_enumerated() -> None:
    search = Random(SearchSpace((18, 18, 18), budget=1000), rng=np.random.default_rng(0))
    schemes = np.concatenate([search.ask(1000) for _ in range(15)])
    assert schemes.shape == (15 * 64, 54)
    assert len(schemes) == len({scheme_key(scheme) for scheme in schemes})
    assert abs(schemes.mean() - 0.5) < 0.01


@given(
    seed=st.integers(0, 99),
    blocks=st.integers(1, 6),
    counts=st.lists(st.integers(0, 20), max_size=6),
)
def test_draws_are_new_until_the_space_is_exhausted(
    seed: int, blocks: int, counts: list[int]
) -> None:
    rng, seen = np.random.default_rng(seed), set[bytes]()
    for count in counts:
        schemes = draw_unseen(rng, count=count, blocks=blocks, seen=seen)
        keys = {scheme_key(scheme) for scheme in schemes}
        assert (min(count, 2**blocks - len(seen)), blocks) == schemes.shape
        assert len(schemes) == len(keys)
        assert seen.isdisjoint(keys)
        seen |= keys


def test_unseen_schemes_are_equally_likely_both_by_choice_and_by_rejection() -> None:
    rng = np.random.default_rng(0)
    for blocks, seen in ((2, {b"\x00\x00"}), (4, {bytes(4)})):
        draws = [draw_unseen(rng, count=1, blocks=blocks, seen=seen)[0] for _ in range(6000)]
        _, frequencies = np.unique(draws, axis=0, return_counts=True)
        fresh = 2**blocks - 1
        assert fresh == len(frequencies)
        assert np.abs(frequencies / 6000 - 1 / fresh).max() < 0.03
