"""Everything that the page shows, from a session's database."""

import json
import sqlite3
from pathlib import Path

import report
from errors import ToolError
from results import rows, session_values

from . import bands, heat, lines, oom, story, strips
from .choices import Choice
from .clock import Clock

LINE_BINS = 4096
MAP_BINS = 2048


def figures(database: sqlite3.Connection, directory: Path, wanted: Choice | None) -> dict:
    about = session_values(database)
    if "t_first" not in about or "t_last" not in about:
        raise ToolError(f"{directory}: the session holds no events, so there is nothing to show")
    begin, end = int(about["t_first"]), int(about["t_last"]) + 1
    fine, coarse = Clock(begin, end, LINE_BINS), Clock(begin, end, MAP_BINS)
    summary = report.collect(database, directory, None)
    summary["verdict"] = report.verdict(summary["trace"], report.unmet(database, directory))
    return {
        "clock": {"begin": begin, "end": end, "line_bins": LINE_BINS, "map_bins": MAP_BINS},
        "summary": summary,
        "configuration": _configuration(directory),
        "loss": [dict(zip(("cpu", "emitted", "received", "discarded", "stalled_ns", "tail"), row))
                 for row in rows(database, "SELECT cpu, emitted, received, discarded, stalled_ns, "
                                           "tail FROM loss ORDER BY cpu")],
        "vmstat": [list(row) for row in rows(
            database, "SELECT item, kernel, events, equal FROM vmstat_check")],
        "marks": bands.marks(database),
        "doubtful": bands.doubtful(database, fine),
        "reclaim": bands.reclaim(database, fine),
        "stalls": bands.stalls(database, fine),
        "programs": bands.programs(database, fine),
        "free": lines.free_memory(database, fine),
        "lru": lines.lru_sizes(database, fine),
        "latency": heat.fault_latency(database, coarse),
        "refault": heat.refault_distance(database, coarse),
        "frames": strips.frames(database, coarse),
        "slots": strips.slots(database, coarse),
        "oom": oom.decisions(database),
        "biography": story.tell_all(database, wanted, fine),
    }


def _configuration(directory: Path) -> list[tuple[str, str]]:
    """What machine.json says, in words; nothing when there is none."""
    try:
        machine = json.loads((directory / "machine.json").read_text())
    except (OSError, ValueError):
        return []
    qemu = machine.get("qemu", {})
    arguments = qemu.get("arguments", [])
    options = dict(zip(arguments, arguments[1:]))
    found = [
        ("recorded", machine.get("begun", "")),
        ("QEMU", qemu.get("version", "").removeprefix("QEMU emulator version ")),
        ("accelerator", options.get("-accel", "")),
        ("CPU model", options.get("-cpu", "")),
        ("RAM", options.get("-m", "")),
        ("kernel command line", machine.get("kernel", {}).get("command_line", "")),
        ("kernel SHA-256", machine.get("kernel", {}).get("sha256", "")[:16]),
        ("commit", (machine.get("git_commit") or "")[:12]),
    ]
    return [pair for pair in found if pair[1]]
