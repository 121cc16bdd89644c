"""Who works for a process that is gone ends, too."""

import os
import subprocess
import sys

import pytest

RANK = """
import time
from benchmark.workers.orphans import end_with_torchrun
end_with_torchrun()
print("working", flush=True)
time.sleep({seconds})
print("done", flush=True)
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


@pytest.mark.parametrize(("marked", "seconds", "said"), [(True, 30, ""), (False, 1, "done\n")])
def test_a_rank_ends_with_its_torchrun_only(marked: bool, seconds: int, said: str) -> None:  # noqa: FBT001 - a case
    environment = {name: value for name, value in os.environ.items() if "TORCHELASTIC" not in name}
    line = [sys.executable, "-c", PARENT, RANK.format(seconds=seconds)]
    with subprocess.Popen(
        line,
        env=environment | ({"TORCHELASTIC_RUN_ID": "1"} if marked else {}),
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "working\n"
        parent.kill()
        assert parent.stdout.read() == said  # until the rank, too, has closed it
