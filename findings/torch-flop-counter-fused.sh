#!/bin/sh
# torch's FLOP counter says 0 for LSTMs and transformer layers on CPUs, and the right number on meta.
#
# Package: torch 2.15.0 (PyPI), on a CPU.
# Source:  torch/utils/flop_counter.py has formulas for products, convolutions and attention; on CPUs an
#          LSTM is one oneDNN operator (aten::mkldnn_rnn_layer) and a transformer layer in evaluation
#          mode one fused operator, for which it has none. On the meta device both are products.
# Guess:   a network has the same FLOPs wherever it is counted, and what isn't counted is said.
# Seen:    LSTM(8, 8) of 4 steps: 0 on the CPU, 4096 on meta; an encoder layer in evaluation mode: 0 on
#          the CPU, more on meta.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

def flops(make, device):
    with torch.device(device):
        network, rows = make().eval(), torch.ones(4, 1, 8)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(rows)
    return counter.get_total_flops()

kinds = {"LSTM": lambda: nn.LSTM(8, 8), "encoder layer": lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)}
for name, make in kinds.items():
    cpu, meta = flops(make, "cpu"), flops(make, "meta")
    print(f"{name}: {cpu} on the CPU, {meta} on meta")
    assert cpu == 0 < meta, "they are counted now"
P
