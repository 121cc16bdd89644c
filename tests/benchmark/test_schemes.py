import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import SchemeError
from benchmark.schemes import all_schemes, bits_scheme, format_bits, parse_scheme, scheme_bits


def test_all_schemes_count_upwards_with_the_first_block_most_significant() -> None:
    expected = [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert all_schemes(2).astype(int).tolist() == expected


@pytest.mark.parametrize("text", ["110010", "11|0010", "11,0010", " 11 0010 ", "11-00_10"])
def test_bits_are_read_with_any_separator(text: str) -> None:
    assert scheme_bits(parse_scheme(text, (2, 4))) == "110010"


def test_full_and_none_are_words_for_all_and_no_connections() -> None:
    assert parse_scheme("full", (2, 1)).tolist() == [True, True, True]
    assert parse_scheme("None", (2, 1)).tolist() == [False, False, False]


def test_a_wrong_length_says_expected_and_received() -> None:
    with pytest.raises(SchemeError, match=r"a scheme of 6 bits \(2\+4 blocks\), received 5"):
        parse_scheme("11001", (2, 4))


@pytest.mark.parametrize("text", ["", "12", "fulll", "||"])
def test_anything_else_is_refused_with_what_was_received(text: str) -> None:
    with pytest.raises(SchemeError, match="received"):
        parse_scheme(text, (1, 1))


@given(st.lists(st.booleans(), min_size=1, max_size=54))
def test_text_and_arrays_are_two_views_of_a_scheme(bits: list[bool]) -> None:
    scheme = np.array(bits)
    assert np.array_equal(bits_scheme(scheme_bits(scheme)), scheme)
    shape = (1, len(bits) - 1)
    assert np.array_equal(parse_scheme(format_bits(scheme_bits(scheme), shape), shape), scheme)
