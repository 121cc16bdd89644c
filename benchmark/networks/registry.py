"""Attention modules and backbones by name, imported only when used: naming them needs no torch."""

ATTENTIONS: dict[str, str] = {
    "se": "benchmark.networks.se:SE",
    "sge": "benchmark.networks.sge:SGE",
    "dia": "benchmark.networks.dia:DIA",
}
"""Module and class of every attention module. The class says all else that others ask."""

BACKBONES: dict[str, str] = {
    "resnet": "benchmark.networks.resnet:ResNet",
}
"""Module and class of every family of backbones. The class says all else that others ask."""
