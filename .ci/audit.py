"""Hold the locked versions against the known weaknesses of packages, with pip-audit.

Exit code 1 where one is known. Without a way to pip-audit or to the advisory service
nothing is said about any version, which isn't a failure: the reason is printed.
"""

import subprocess
import sys
from pathlib import Path

WHERE = Path(__file__).with_name("constraints.txt")
IGNORED = ("CVE-2025-68146",)
"""Of filelock 3.11: a link in the place of a lock makes it empty another file. nni allows no newer
one. A run's folder is asked for such a link first (`benchmark/storage/folder.py`)."""
_UNREACHABLE = ("ConnectionError", "ServiceError", "Max retries", "timed out", "HTTPError")


def main() -> int:
    """Install pip-audit where it is missing, and run it."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "pip-audit>=2.7"]
    got = subprocess.run(install, check=False, capture_output=True, text=True)
    if got.returncode != 0:
        return _skipped("pip-audit can't be installed", got.stderr)
    audit = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "-r", str(WHERE)]
    audit += [word for weakness in IGNORED for word in ("--ignore-vuln", weakness)]
    try:
        done = subprocess.run(
            [*audit, "--timeout", "10"], check=False, capture_output=True, text=True, timeout=300
        )
    except subprocess.TimeoutExpired:
        return _skipped("the advisory service doesn't answer", "after 5 minutes")
    if done.returncode != 0 and any(word in done.stderr for word in _UNREACHABLE):
        return _skipped("the advisory service can't be reached", done.stderr)
    print(done.stdout + done.stderr)
    return done.returncode


def _skipped(why: str, words: str) -> int:
    last = (words.strip().splitlines() or [""])[-1]
    print(f"skipped: {why} ({last[:200]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
