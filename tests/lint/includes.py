#!/usr/bin/python3
"""Proves the direction of includes: a layer may include itself and what stands before it.

A header is named from the root of the project or of kernel/, or lies beside the file; where it lies
decides which layer it belongs to. System headers are not looked at.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tree import ROOT, report

PATTERNS = ["*.c", "*.h", "*.S", "*.def"]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')

# Directories of each layer of the kernel, lowest first; those of one layer stay apart.
LAYERS = [
    ["trace"],
    ["kernel/lib"],
    ["kernel/cpu"],
    ["kernel/trace"],
    ["kernel/arch"],
    ["kernel/mm"],
    ["kernel/proc"],
    ["kernel/fs", "kernel/dev"],
    ["kernel/syscall"],
    ["kernel"],
]

# Outside the kernel: a directory, and those whose headers it may include beside its own.
HOST = {
    "trace": [],
    "trace/gen": ["trace"],
    "trace/ingest": ["trace", "trace/gen"],
}

DIRECTORIES = {directory for layer in LAYERS for directory in layer} | set(HOST)


def home(path: str) -> str | None:
    """The directory whose rule a file falls under: the longest that holds it."""
    holding = [d for d in DIRECTORIES if path.startswith(d + "/")]
    return max(holding, key=len, default=None)


def allowed(directory: str) -> set[str]:
    """Directories whose headers the files of one may include."""
    if directory in HOST:
        return {directory, *HOST[directory]}
    rank = next(n for n, layer in enumerate(LAYERS) if directory in layer)
    return {directory}.union(*LAYERS[:rank])


def resolve(name: str, path: str) -> str | None:
    """Where an included header lies, looked for in the compiler's order."""
    roots = [Path("kernel")] if path.startswith("kernel/") else []
    for place in [Path(path).parent, *roots, Path(".")]:
        if (ROOT / place / name).is_file():
            return str(place / name)
    return None


def faults(path: str) -> Iterator[str]:
    here = home(path)
    if here is None:
        return
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = resolve(match[1], path)
        if target is None:
            yield f'{path}:{number}: "{match[1]}" is not found'
        elif home(target) not in allowed(here):
            yield f"{path}:{number}: {here} must not include {target}"


if __name__ == "__main__":
    report(PATTERNS, faults)
