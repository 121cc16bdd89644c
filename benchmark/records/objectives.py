"""Objectives by name, imported only when they are used."""

OBJECTIVES: dict[str, str] = {
    "connections": "benchmark.records.objective:Connections",
}
"""Module and class of every objective that searches can maximise. The class says all else."""
