"""SVG paths as matplotlib's: corners, and a code for each."""

import re
from cmath import phase, rect
from math import pi, sqrt

NUMBER = r"-?\d*\.?\d+(?:e-?\d+)?"
Point = tuple[float, float]
_CHORDS = 24


def path_corners(text: str) -> tuple[list[Point], list[int]]:
    """Corners and matplotlib's codes of an SVG path of M, L, H, V, Z and circular A.

    Raises:
        ValueError: it has other commands.
    """
    corners: list[Point] = []
    codes: list[int] = []
    start: Point = (0.0, 0.0)
    for command, inside in re.findall(r"([A-Za-z])([^A-Za-z]*)", text):
        numbers = [float(number) for number in re.findall(NUMBER, inside)]
        at = corners[-1] if corners else start
        if command == "Z":
            corners.append(start)
            codes.append(79)
            continue
        steps = _steps(command, numbers, at)
        if command == "M":
            start = steps[0]
        codes += [1 if command == "M" and step == 0 else 2 for step in range(len(steps))]
        corners += steps
    return corners, codes


def _steps(command: str, numbers: list[float], at: Point) -> list[Point]:
    """Where one command leads."""
    if command in "ML":
        return list(zip(numbers[::2], numbers[1::2], strict=True))
    if command == "H":
        return [(number, at[1]) for number in numbers]
    if command == "V":
        return [(at[0], number) for number in numbers]
    if command == "A":
        return _arc(at, numbers)
    raise ValueError(f"expected paths of M, L, H, V, Z and A, received {command!r}")


def _arc(at: Point, numbers: list[float]) -> list[Point]:
    """A circular arc as a chain of short lines; see SVG's notes on elliptical arcs."""
    radius, _, _, large, sweep, x, y = numbers
    begin, end = complex(*at), complex(x, y)
    half = (end - begin) / 2
    radius = max(radius, abs(half))
    side = 1 if large == sweep else -1
    away = sqrt(radius**2 - abs(half) ** 2)
    middle = begin + half - side * away * half / abs(half) * 1j
    first, last = phase(begin - middle), phase(end - middle)
    turn = (last - first) % (2 * pi) if sweep else -((first - last) % (2 * pi))
    points = [middle + rect(radius, first + turn * step / _CHORDS) for step in range(1, _CHORDS)]
    return [*((point.real, point.imag) for point in points), (x, y)]
