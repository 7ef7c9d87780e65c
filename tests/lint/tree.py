"""The source tree as the checks see it, and how they tell what they found."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def files(patterns: list[str]) -> list[str]:
    """All sources that git has or would add, by path from the root."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for path in listing.stdout.splitlines() if (ROOT / path).is_file()]


def report(patterns: list[str], faults: Callable[[str], Iterable[str]]) -> None:
    """Print what is wrong with each file; the exit status tells whether anything is."""
    found = [fault for path in files(patterns) for fault in faults(path)]
    for fault in found:
        print(fault)
    sys.exit(bool(found))
