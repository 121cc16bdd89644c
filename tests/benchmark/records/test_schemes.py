import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.basics.errors import SchemeError
from benchmark.records.schemes import (
    all_schemes,
    bits_scheme,
    format_bits,
    parse_scheme,
    scheme_bits,
    stage_integers,
)


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


@pytest.mark.parametrize(
    "text", ["(7,0,50,3)", "7,0,50,3", "7|0|50|3", "[7, 0, 50, 3]", "7 0 50 3"]
)
def test_the_papers_integers_have_the_first_block_of_a_stage_as_most_significant_bit(
    text: str,
) -> None:
    shape = (3, 4, 6, 3)
    expected = "111|0000|110010|011"
    assert format_bits(scheme_bits(parse_scheme(text, shape)), shape) == expected


def test_schemes_that_the_papers_code_prints_are_read() -> None:
    # (4, 11, 19, 3) is its SGE ticket for ResNet50, 1001011010011011.
    assert scheme_bits(parse_scheme("(4,11,19,3)", (3, 4, 6, 3))) == "1001011010011011"


def test_what_can_be_bits_is_bits() -> None:
    # As integers, 0010 = ten and 0001 = one would fit four blocks as well.
    assert scheme_bits(parse_scheme("0010,0001", (4, 4))) == "00100001"
    assert scheme_bits(parse_scheme("10,1", (4, 4))) == "10100001"


@given(st.data(), st.lists(st.integers(1, 18), min_size=1, max_size=4))
def test_integers_are_a_third_view_of_a_scheme(data: st.DataObject, shape: list[int]) -> None:
    blocks = sum(shape)
    scheme = np.array(data.draw(st.lists(st.booleans(), min_size=blocks, max_size=blocks)))
    text = ",".join(str(number) for number in stage_integers(scheme, shape))
    assert np.array_equal(parse_scheme(text, shape), scheme)


@pytest.mark.parametrize("text", ["16,0", "0,4", "11,011"])
def test_an_integer_too_large_for_its_stage_says_how_large_it_may_be(text: str) -> None:
    with pytest.raises(SchemeError, match=r"6 bits, or integers of at most \(15, 3\), received"):
        parse_scheme(text, (4, 2))


@pytest.mark.parametrize("text", ["1,2,3", "1,-2", "7"])
def test_a_wrong_number_of_integers_says_how_many_there_must_be(text: str) -> None:
    with pytest.raises(SchemeError, match="an integer for each of 2 stages, received"):
        parse_scheme(text, (4, 2))


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
