#!/bin/sh
# A fresh process says it has held as much memory at its peak as the process that started it.
#
# Package: CPython's `resource` and `subprocess` (3.11), on Linux.
# Source:  fs/exec.c: exec_mmap() folds the peak of the old address space into the process's own
#          maximum (setmax_mm_hiwater_rss), which getrusage() reports; before exec, the child that
#          `subprocess` makes by vfork has its parent's address space.
# Guess:   ru_maxrss of RUSAGE_SELF in a process that was just started is its own peak, so a measurement
#          in a process of its own is clean.
# Seen:    an idle Python has 11 MiB; started by one that had held 500 MiB and freed them, it says 511.
#          VmHWM in /proc/self/status belongs to the new address space and says 11.
set -eu
"${PYTHON:-python3}" - <<'P'
import subprocess, sys

CHILD = """
import re, resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
print(int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""

def started():
    ran = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    return [int(line) for line in ran.stdout.split()]

before = started()
held = bytearray(500 * 2**20)
held[::4096] = b"1" * len(held[::4096])
del held
after = started()
print("ru_maxrss and VmHWM of a child, MiB: before", *before, "after", *after)
assert max(before) < 100, "an idle Python is larger than it was"
assert after[0] > 500, "ru_maxrss no longer survives exec"
assert after[1] < 100, "VmHWM survives exec now"
P
