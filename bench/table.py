"""The figures for reading: a table on the terminal, and docs/performance.md."""

from collections.abc import Iterable
from pathlib import Path

from figures import PARTS, Goal, Part, Row

TITLES = {
    "micro": "Elementary operations",
    "vdso": "Functions of the vDSO",
    "trace": "Tracing",
    "pressure": "Under memory pressure",
    "ingest": "Reading a trace",
    "boot": "Boot, and the smallest machine",
    "looking": "Looking at a session",
}
HEADER = ("figure", "unit", "here", "Linux", "goal", "")
METHOD = Path(__file__).with_name("method.md")


def number(value: float | None) -> str:
    """Three digits or more; none is lost before the point."""
    if value is None:
        return "—"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def goal_text(goal: Goal | None) -> str:
    if goal is None:
        return ""
    parts = []
    if goal.at_most is not None:
        parts.append(f"≤ {number(goal.at_most)}")
    if goal.at_least is not None:
        parts.append(f"≥ {number(goal.at_least)}")
    if goal.not_above_linux:
        parts.append("≤ Linux")
    return ", ".join(parts)


def cells(row: Row) -> tuple[str, ...]:
    value = number(row.value) if row.value is not None else "missing"
    return (row.name, row.unit, value, number(row.linux), goal_text(row.goal), row.verdict)


def text(parts: dict[str, Part]) -> str:
    """For the terminal: columns aligned, a paragraph a part."""
    blocks = []
    for name, part in in_order(parts):
        lines = [HEADER, *(cells(row) for row in part.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]
        blocks.append("\n".join([f"{TITLES[name]} ({part.cpu_s:.0f} CPU s)"] + [
            "  ".join(cell.rjust(width) if 2 <= i <= 3 else cell.ljust(width)
                      for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
            for line in lines]))
    return "\n\n".join(blocks)


def document(parts: dict[str, Part]) -> str:
    """docs/performance.md: the method, then a table a part, with what is missing and why."""
    out = [METHOD.read_text().rstrip(), ""]
    for name, part in in_order(parts):
        out += [f"## {TITLES[name]}", "", *markdown(part.rows), ""]
        notes = list(why_missing(part.rows))
        out += [*notes, ""] if notes else []
        used = ", ".join(v for v in (f"commit {part.commit}", part.measured,
                                     part.versions.get("qemu", ""), part.versions.get("gcc", ""),
                                     f"Linux {part.versions.get('linux') or '—'}") if v)
        out += [f"Measured at {used}; {part.cpu_s:.0f} CPU seconds.", ""]
    missed = [row for _, part in in_order(parts) for row in part.rows if row.verdict == "missed"]
    out += ["## Missed", ""]
    out += [f"- {row.name}: {by_how_much(row)}." for row in missed] or ["Nothing."]
    return "\n".join(out) + "\n"


def in_order(parts: dict[str, Part]) -> list[tuple[str, Part]]:
    return [(name, parts[name]) for name in PARTS if name in parts]


def markdown(rows: Iterable[Row]) -> list[str]:
    lines = ["| " + " | ".join(HEADER) + " |", "|---|---|--:|--:|---|---|"]
    for row in rows:
        *rest, verdict = cells(row)
        mark = f"**{verdict}**" if verdict == "missed" else verdict
        lines.append("| " + " | ".join([*rest, mark]) + " |")
    return lines


def why_missing(rows: Iterable[Row]) -> Iterable[str]:
    for row in rows:
        if row.missing:
            yield f"- {row.name}: missing here: {row.missing}."
        if row.linux_missing:
            yield f"- {row.name}: no value of Linux: {row.linux_missing}."


def by_how_much(row: Row) -> str:
    if row.value is None:
        return f"not measured ({row.missing or 'no value'})"
    bounds = [bound for bound in (row.goal.at_most, row.goal.at_least,
                                  row.linux if row.goal.not_above_linux else None)
              if bound is not None]
    return f"{number(row.value)} {row.unit} for a goal of {goal_text(row.goal)}" + \
        "".join(f" ({100 * (row.value / bound - 1):+.0f} %)" for bound in bounds if bound)
