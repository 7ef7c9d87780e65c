"""Sizes as people write them: 64M is 64 * 2**20 bytes."""

import re

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse(text: str) -> int:
    """Bytes; ValueError when text is not a size."""
    match = re.fullmatch(r"(\d+)([KMG]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 64M")
    return int(match.group(1)) * UNITS[match.group(2).upper()]


def exact(size_bytes: int) -> str:
    """The shortest text that parse() turns back into size_bytes."""
    for unit in ("G", "M", "K"):
        if size_bytes and size_bytes % UNITS[unit] == 0:
            return f"{size_bytes // UNITS[unit]}{unit}"
    return str(size_bytes)


def human(size_bytes: int) -> str:
    """Rounded, for reading."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
