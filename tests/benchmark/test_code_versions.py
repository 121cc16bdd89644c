"""Whatever is imported to compute with what is registered is part of its code version."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from benchmark.basics.identity import sources
from benchmark.networks.registry import ATTENTIONS
from strategies.registry import COMPARATORS, STRATEGIES
from tasks.registry import TASKS, task_class
from tests.tasks.test_contract import OPTIONS, TREES

COMPUTED = Path(__file__).with_name("computed.py")
NO_NUMBERS = re.compile(
    r"reports|strategies"  # the packages, imported with `benchmark`; empty
    r"|benchmark(\.(plugins|storage|watching|workers)(\..*)?)?"  # they carry computations about
    r"|benchmark\.basics\.(interpreter|fork_server)"  # starts processes
)


def _computed(cases: list[dict[str, object]], folder: Path) -> list[set[str]]:
    """Our modules that are imported once each case has been computed."""
    given = json.dumps([case | {"folder": str(folder)} for case in cases])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run(
        [sys.executable, COMPUTED],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert ran.returncode == 0, ran.stderr
    return [
        {name for name in json.loads(line) if not NO_NUMBERS.fullmatch(name)}
        for line in ran.stdout.splitlines()
    ]


def test_every_task(tmp_path: Path) -> None:
    cases: list[dict[str, object]] = []
    for task in TASKS:
        data = str(TREES[task](tmp_path / task)) if task_class(task).reads else None
        cases.append({"task": task, "data": data, "options": OPTIONS.get(task, ())})
    roots = ["benchmark.networks.spec", "benchmark.networks.se", "benchmark.networks.resnet"]
    for case, found in zip(cases, _computed(cases, tmp_path), strict=True):
        module = TASKS[str(case["task"])].partition(":")[0]
        assert module in found
        assert found <= sources([*roots, module]).keys(), case


def test_every_attention_module(tmp_path: Path) -> None:
    cases: list[dict[str, object]] = [
        {"attention": name, "backbone": "resnet26-thin"} for name in ATTENTIONS
    ]
    roots = ["benchmark.oracle.supernet", "benchmark.standalone.training", "tasks.digits"]
    roots.append("benchmark.networks.resnet")
    for case, found in zip(cases, _computed(cases, tmp_path), strict=True):
        module = ATTENTIONS[str(case["attention"])].partition(":")[0]
        assert module in found
        assert found <= sources([*roots, module]).keys(), case


def test_every_strategy(tmp_path: Path) -> None:
    classes = [STRATEGIES[name] for name in STRATEGIES if name not in COMPARATORS]
    imported = _computed([{"strategy": strategy} for strategy in classes], tmp_path)
    for strategy, found in zip(classes, imported, strict=True):
        module = strategy.partition(":")[0]
        assert module in found
        assert found <= sources([module]).keys()
