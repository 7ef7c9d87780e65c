"""What was measured: rows with a goal, kept as JSON, part by part.

A run of some parts replaces the rows of those parts and leaves the others; each part says at which
commit and when it was measured, and what it cost.
"""

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from errors import ToolError

SCHEMA_VERSION = 1
PARTS = ("micro", "vdso", "trace", "pressure", "ingest", "boot", "looking")
MET, MISSED, OPEN = "met", "missed", ""


@dataclass(frozen=True)
class Goal:
    """What a value should be: a bound, or not above Linux's."""

    at_most: float | None = None
    at_least: float | None = None
    not_above_linux: bool = False

    def verdict(self, value: float | None, linux: float | None) -> str:
        """MET or MISSED; OPEN when there is nothing to compare."""
        if value is None:
            return MISSED
        bounds = [self.at_most, linux if self.not_above_linux else None]
        checks = [value <= bound for bound in bounds if bound is not None]
        if self.at_least is not None:
            checks.append(value >= self.at_least)
        if not checks:
            return OPEN
        return MET if all(checks) else MISSED


@dataclass(frozen=True)
class Row:
    """One figure. value None: it could not be measured, and missing says why."""

    name: str
    unit: str
    value: float | None
    linux: float | None = None
    goal: Goal | None = None
    missing: str = ""
    linux_missing: str = ""  # why Linux has no value
    details: dict = field(default_factory=dict)  # for whoever reads the JSON

    @property
    def verdict(self) -> str:
        return self.goal.verdict(self.value, self.linux) if self.goal else OPEN


@dataclass
class Part:
    """The rows of one part, with where they come from."""

    rows: list[Row]
    commit: str
    measured: str  # date and time
    cpu_s: float
    versions: dict[str, str]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def load(path: Path) -> dict[str, Part]:
    """Parts by name; none when there is no file. ToolError when it is not one of ours."""
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text())
        if data["schema_version"] != SCHEMA_VERSION:
            raise ToolError(f"{path}: schema_version {data['schema_version']}, "
                            f"expected {SCHEMA_VERSION}")
        return {name: _part(part) for name, part in data["parts"].items()}
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"{path} is not a file of results: {error}") from error


def save(path: Path, parts: dict[str, Part]) -> None:
    """Write it whole or not at all."""
    data = {"schema_version": SCHEMA_VERSION,
            "parts": {name: asdict(parts[name]) for name in PARTS if name in parts}}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(data, indent=1) + "\n")
    os.replace(new, path)


def _part(data: dict) -> Part:
    rows = [Row(**{**row, "goal": Goal(**row["goal"]) if row["goal"] else None})
            for row in data["rows"]]
    return Part(**{**data, "rows": rows})
