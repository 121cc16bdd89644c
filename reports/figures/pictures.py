"""Grad-CAM maps as pictures: the heat over the image, its core outlined for all who see no hue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, UInt8
from PIL import Image

from benchmark.records.pictures import Pixels, decoded, png
from benchmark.records.run import CamRecord, RunRecords
from benchmark.records.schemes import format_bits
from reports.tables.formats import count, percent
from reports.tables.table import Column, Table, Value

Heat = Float64[np.ndarray, "height width"]
CORE = 0.5
"""Share of the largest heat from which on a place is outlined."""
_SIDE = 96
_SCALE = np.array([(20, 24, 60), (86, 28, 108), (180, 44, 80), (240, 120, 30), (252, 230, 120)])
"""Colours of heat from none to all: each lighter than the last, so that grey reads too."""
CAMS = (
    Column("scheme", "Scheme", "of the network", kind="bits"),
    Column("seed", "Seed", "of its training", kind="whole"),
    Column("image", "Image", "row of the test split", kind="whole"),
    Column("target", "Class", "of the image; the map is for it", kind="whole"),
    Column("score", "Probability", "of that class", unit="%", kind="number", scale=100),
    Column("says", "Says", "class of the highest probability", kind="whole"),
    Column("test_accuracy", "Test accuracy", "trained again", unit="%", kind="number", scale=100),
    Column("stage", "Stage", "behind whose last block the map was taken", kind="whole"),
    Column("map", "Map", "heat in [0, 1]: rows separated by semicolons, values by blanks"),
)


@dataclass(frozen=True)
class Shown:
    """One picture for a page.

    Attributes:
        source: PNG as a data URI.
        alt: what it shows, in words.
        caption: one line.
        width: in pixels.
        height: in pixels.
    """

    source: str
    alt: str
    caption: str
    width: int
    height: int


def colours(heat: Heat) -> Float64[np.ndarray, "height width 3"]:
    """A colour in [0, 255] for each heat in [0, 1]."""
    at = np.linspace(0, 1, len(_SCALE))
    return np.stack([np.interp(heat, at, _SCALE[:, channel]) for channel in range(3)], axis=2)


def outline(inside: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Pixels inside that touch one outside; the picture's edge is no outside."""
    padded = np.pad(inside, 1, mode="edge")
    around = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge: Bool[np.ndarray, "height width"] = inside & ~around
    return edge


def enlarged(picture: Pixels, side: int = _SIDE) -> UInt8[np.ndarray, "tall wide 3"]:
    """Each pixel repeated so often that no side is shorter than ``side``."""
    times = max(-(-side // min(picture.shape[:2])), 1)
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def overlay(picture: Pixels, heat: Float64[np.ndarray, "i j"], tiles: int) -> Pixels:
    """Heat over a picture of ``tiles`` equal parts side by side, its core outlined in white."""
    height, width = picture.shape[0], picture.shape[1] // tiles
    large = Image.fromarray(heat.astype(np.float32)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    spread = np.tile(np.asarray(large, dtype=np.float64), (1, tiles)).clip(0, 1)
    mixed = 0.45 * picture + 0.55 * colours(spread)
    parts = [outline(part) for part in np.split(spread >= CORE, tiles, axis=1)]
    mixed[np.concatenate(parts, axis=1)] = 255
    return mixed.round().astype(np.uint8)


def rows_of_pictures(
    cams: Sequence[CamRecord], blocks_per_stage: Sequence[int]
) -> list[list[Shown]]:
    """One row an image: the image itself, then every network's map."""
    rows = []
    for row in dict.fromkeys(cam.row for cam in cams):
        own = [cam for cam in cams if cam.row == row]
        plain = enlarged(decoded(own[0].picture))
        title = f"test image {row}, class {own[0].target}"
        drawn = [_shown(plain, title, title)]
        for cam in own:
            name = network_name(cam.bits, blocks_per_stage)
            heat = np.array(cam.heat, dtype=np.float64)
            says = "" if cam.predicted == cam.target else f", says {cam.predicted}"
            caption = f"{name}: {percent(cam.score, 1)} for {cam.target}{says}"
            alt = f"{title}, as {name} sees it: {where(heat)}. {caption}."
            dark = "" if heat.any() else " (dark: no place speaks for it)"
            drawn.append(_shown(overlay(plain, heat, cam.tiles), alt, caption + dark))
        rows.append(drawn)
    return rows


def where(heat: Float64[np.ndarray, "i j"]) -> str:
    """Where most of the heat is, in words for those who can't see it."""
    total = float(heat.sum())
    if total == 0:
        return "no place speaks for the class"
    i, j = np.indices(heat.shape)
    down = float((heat * (i + 0.5)).sum()) / total / heat.shape[0]
    right = float((heat * (j + 0.5)).sum()) / total / heat.shape[1]
    rows = ("at the top", "in the middle", "at the bottom")
    columns = ("left", "centre", "right")
    core = float(np.mean(heat >= CORE))
    place = f"{rows[min(int(3 * down), 2)]}, {columns[min(int(3 * right), 2)]}"
    return f"centred {place}; {percent(core, 0)} of it at least half as strong as the strongest"


def network_name(bits: str, blocks_per_stage: Sequence[int]) -> str:
    """Original, Full-SA, or the scheme."""
    known = {"0": "Original", "1": "Full-SA"}
    return known.get("".join(sorted(set(bits))), format_bits(bits, blocks_per_stage))


def _shown(pixels: Pixels, alt: str, caption: str) -> Shown:
    uri = f"data:image/png;base64,{png(pixels)}"
    return Shown(uri, alt, caption, pixels.shape[1], pixels.shape[0])


def cams_table(records: RunRecords) -> Table:
    """One row a network and image, with its map."""
    rows: list[tuple[Value, ...]] = [
        (
            format_bits(cam.bits, records.blocks_per_stage),
            cam.seed,
            cam.row,
            cam.target,
            cam.score,
            cam.predicted,
            cam.test_accuracy,
            cam.stage,
            "; ".join(" ".join(f"{value:g}" for value in line) for line in cam.heat),
        )
        for cam in records.cams
    ]
    caption = cam_words(records)
    return Table("gradcam", "Where the networks look", caption, CAMS, tuple(rows))


def cam_words(records: RunRecords) -> str:
    """What the pictures show, and whether the networks are the run's own."""
    if not records.cams:
        return ""
    recorded = {(item.bits, item.seed): item.test_accuracy for item in records.standalone}
    known = [cam for cam in records.cams if (cam.bits, cam.seed) in recorded]
    same = all(recorded[cam.bits, cam.seed] == cam.test_accuracy for cam in known)
    again = (
        "the run recorded no test accuracy of theirs"
        if not known
        else "their test accuracy is exactly the one that the run recorded"
        if same
        else "here they don't reach exactly the test accuracy that the run recorded"
    )
    networks = len({cam.bits for cam in records.cams})
    first = records.cams[0]
    return (
        f"Networks trained again from stand-alone seed {first.seed} ({again}). Maps from behind "
        f"stage {first.stage}: the lighter, the more a place speaks for the class, relative to the "
        f"picture's strongest; white lines go round places at least half as strong. Percentages "
        "are the class's probability. A map shows where, not why, and "
        f"{count(networks, 'network')} of one seed {'is' if networks == 1 else 'are'} no sample."
    )
