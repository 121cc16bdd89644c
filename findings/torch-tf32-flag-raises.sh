#!/bin/sh
# Once float32's precision is set for all backends, merely reading cuDNN's older flag raises.
#
# Package: torch 2.15.0 (PyPI), on a CPU, without CUDA in use.
# Source:  aten/src/ATen/Context.cpp: the older allow_tf32 flags are checked against the newer
#          fp32_precision settings whenever they are read, and contradictions are errors.
# Guess:   torch.backends.cudnn.allow_tf32 is a flag that anyone may read, and on a machine without a
#          GPU nothing asks for it.
# Seen:    with torch.backends.fp32_precision = "ieee" (nothing but ordinary float32) reading it raises
#          RuntimeError; so does what saves and restores it, such as torch.backends.cudnn.flags().
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import torch

print("as installed:", torch.backends.cudnn.allow_tf32)
torch.backends.fp32_precision = "ieee"

def raised(read):
    try:
        read()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return None

def flags():
    with torch.backends.cudnn.flags(enabled=False):
        pass

for name, read in (("allow_tf32", lambda: torch.backends.cudnn.allow_tf32), ("flags()", flags)):
    print(f"{name}: {raised(read)}")
    assert raised(read) is not None, f"{name} can be read now"
P
