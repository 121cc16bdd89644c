#!/bin/sh
# torch.backends.mkldnn.fp32_precision reads oneDNN's setting and writes every backend's.
#
# Package: torch 2.15.0 (PyPI), on a CPU.
# Source:  torch/backends/mkldnn/__init__.py: the module's property is made of a getter for
#          ("mkldnn", "all") and of a setter for ("generic", "all").
# Guess:   setting a backend's own property changes that backend; the one for all of them,
#          torch.backends.fp32_precision, stays as it was ("none").
# Seen:    after torch.backends.mkldnn.fp32_precision = "bf16", torch.backends.fp32_precision is
#          "bf16": cuDNN and cuBLAS inherit what was meant for CPUs.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import torch

before = torch.backends.fp32_precision, torch.backends.mkldnn.fp32_precision
torch.backends.mkldnn.fp32_precision = "bf16"
after = torch.backends.fp32_precision, torch.backends.mkldnn.fp32_precision
print("all backends, oneDNN:", before, "->", after)
assert before == ("none", "none")
assert after == ("bf16", "bf16"), "the property writes elsewhere now"
P
