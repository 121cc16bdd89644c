import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from reports.figures import svg


def test_elements_escape_text_and_attributes() -> None:
    drawn = svg.element("text", "a<b", x=1.0, stroke_width=2, class_='"', dy=None)
    assert drawn == '<text x="1" stroke-width="2" class="&#34;">a&lt;b</text>'


def test_elements_keep_what_is_markup_already() -> None:
    assert svg.element("g", Markup("<b></b>")) == "<g><b></b></g>"


def test_pictures_are_images_with_a_name_and_a_description() -> None:
    drawn = svg.picture("n", "Title", "What is seen", (10, 20))
    assert 'role="img"' in drawn
    assert 'aria-labelledby="n-title n-desc"' in drawn
    assert '<title id="n-title">Title</title><desc id="n-desc">What is seen</desc>' in drawn


@pytest.mark.parametrize("shape", range(7))
def test_every_marker_is_drawn(shape: int) -> None:
    assert 'class="mark"' in svg.marker(1, 2, shape, "mark")


def test_ticks_are_round() -> None:
    assert svg.ticks(0, 10) == [0, 2, 4, 6, 8, 10]
    assert svg.ticks(93.12, 93.9) == pytest.approx([93.2, 93.4, 93.6, 93.8])
    assert svg.ticks(-0.6, 12.6, whole=True) == [0, 5, 10]
    assert svg.ticks(0, 3, whole=True) == [0, 1, 2, 3]
    assert svg.ticks(4, 4) == [4]
    assert svg.powers(1, 300) == [1, 2, 5, 10, 20, 50, 100, 200]


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_ticks_rise_within_their_range(low: float, length: float) -> None:
    found = svg.ticks(low, low + length)
    assert 1 <= len(found) <= 8
    assert found == sorted(found)
    assert low - 1e-6 * length <= found[0] <= found[-1] <= low + length * (1 + 1e-6)


def test_axes_map_data_to_pixels_both_ways_round() -> None:
    axis = svg.Axis((0.0, 10.0), (100.0, 0.0))
    assert (axis(0), axis(5), axis(10)) == (100, 50, 0)
    assert axis.clamp(25) == 0
    assert svg.Axis((1.0, 100.0), (0.0, 10.0), logarithmic=True)(10) == pytest.approx(5)
    assert svg.Axis((3.0, 3.0), (0.0, 10.0))(3) == 5


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_spread_labels_keep_their_order_and_distance(wanted: list[float]) -> None:
    placed = svg.spread(wanted, 10, 0, 100)
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    gaps = [placed[b] - placed[a] for a, b in itertools.pairwise(order)]
    assert all(gap >= 10 - 1e-9 for gap in gaps)
    assert max(placed) <= 100 + 1e-9


def test_signed_ticks_have_a_true_minus() -> None:
    assert [svg.signed_tick(value) for value in (-1.0, 0.0, 0.5)] == ["−1", "0", "+0.5"]
