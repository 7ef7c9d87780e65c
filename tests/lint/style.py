#!/usr/bin/python3
"""What can be told about style without reading: no file above 700 lines, nothing left to do."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ["*.c", "*.h", "*.S", "*.py", "tools/palimpsest", "tests/run"]
MAX_LINES = 700
# The words are put together so that this file may be looked at, too.
LEFT_TO_DO = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "X" "XX"]) + r")\b")


def files() -> list[str]:
    """All sources that git has or would add, by path from the root."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PATTERNS],
        cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for path in listing.stdout.splitlines() if (ROOT / path).is_file()]


def faults(path: str) -> Iterator[str]:
    lines = (ROOT / path).read_text().splitlines()
    if len(lines) > MAX_LINES:
        yield f"{path}:{MAX_LINES + 1}: {len(lines)} lines"
    for number, line in enumerate(lines, 1):
        if match := LEFT_TO_DO.search(line):
            yield f"{path}:{number}: {match[1]}"


def main() -> int:
    found = [fault for path in files() for fault in faults(path)]
    for fault in found:
        print(fault)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
