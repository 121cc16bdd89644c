from benchmark.records.run import Interval
from reports.tables.formats import between, bounds, leading, p_equals, plain


def test_a_p_is_equal_or_below_and_never_both() -> None:
    assert (p_equals(0.0341), p_equals(0.00099), p_equals(1.0)) == ("= 0.034", "< 0.001", "= 1.000")


def test_whoever_is_shown_with_the_first_number_is_level_with_it() -> None:
    assert leading([25.31, 25.34, 25.4], lambda value: plain(value, 1)) == [25.31, 25.34]
    assert leading([3, 2, 3], str) == [3, 3]
    assert leading([], str) == []


def test_a_range_of_one_number_is_that_number() -> None:
    assert [between(*ends, "lane") for ends in ((1, 1), (4, 4), (1, 5))] == [
        "1 lane",
        "4 lanes",
        "1 to 5 lanes",
    ]


def test_half_an_interval_is_none() -> None:
    assert bounds(Interval(0.0, -0.1, float("inf"))) == "[no interval]"
