#!/bin/sh
# Pillow reduces 16-bit colour to its upper byte, but clips 16-bit grey: one task, two brightnesses.
#
# Package: Pillow 13.0.0 (PyPI), with NumPy 2.4.6 and, as another writer of PNGs, pypng 0.20220715.0.
# Source:  PngImagePlugin opens 16-bit RGB as "RGB" through the raw mode "RGB;16B", which takes upper
#          bytes, and 16-bit grey as "I;16"; libImaging/Convert.c clips "I;16" at 255 on the way to "L"
#          (and so "RGB"), which is what torchvision's ImageFolder asks for (`convert("RGB")`).
# Guess:   `convert("RGB")` of a 16-bit ramp gives the ramp in 8 bits, whatever its colour type.
# Seen:    a ramp of all 65,536 values: colour gives 256 levels of 256 pixels each; grey gives 255 for
#          65,281 of 65,536 pixels (99.6%).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6 pypng==0.20220715.0
"$work/venv/bin/python" - <<'P'
import io
import numpy as np, png
from PIL import Image

ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)

def red(grey):
    file = io.BytesIO()
    rows = ramp if grey else np.repeat(ramp, 3, axis=1)
    png.Writer(256, 256, greyscale=grey, bitdepth=16).write(file, rows)
    image = Image.open(file)
    return image.mode, np.asarray(image.convert("RGB"))[..., 0]

(colour_mode, colour), (grey_mode, grey) = red(False), red(True)
print("colour:", colour_mode, "levels", len(np.unique(colour)), "white", int((colour == 255).sum()))
print("grey:  ", grey_mode, "levels", len(np.unique(grey)), "white", int((grey == 255).sum()))
assert (colour_mode, grey_mode) == ("RGB", "I;16")
assert (colour == ramp >> 8).all(), "16-bit colour is no longer its upper byte"
assert int((grey == 255).sum()) == 65281, "16-bit grey is no longer clipped"
P
