"""A session's instants (instants.py) held against its database: what palimpsest verify and the table
verification tell.
"""

import gzip
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import comparison
import instants
import results
import session
import state
import verify_def
from busy import NEAR, Guards
from comparison import Difference, Names
from cut import Trace
from errors import ToolError

# The guard of what the trace does not claim to know, because events were lost.
UNCERTAIN = "uncertain"
# Findings of an instant that are given their last event, which costs a look at every event of some kinds, and a line on the terminal.
MAX_TOLD = 20


@dataclass(frozen=True)
class LastEvent:
    """The last event before an instant that is about an object."""

    id: int
    name: str
    t: int


@dataclass(frozen=True)
class Finding:
    """An object that differs, or that was just being changed: guard says what was held then."""

    difference: Difference
    event: LastEvent | None
    guard: str | None = None


@dataclass(frozen=True)
class Result:
    """One instant, compared."""

    instant: int
    kind: str
    t: int
    objects: int
    busy: list[Finding]
    differences: list[Finding]


def taken(directory: Path) -> list[Path]:
    """What was read of a session's instants, in order."""
    return sorted((directory / instants.DIRECTORY).glob("*.json.gz"),
                  key=lambda path: int(path.name.split(".")[0]))


def check(directory: Path, database: sqlite3.Connection) -> tuple[list[Result], list[str]]:
    """Compare every instant of a session. Also says of which ones the trace cannot tell the state,
    and why: it ends before, or is damaged, or something was discarded.
    """
    names, trace = Names(database), Trace(directory, database)
    found, failures = [], []
    for path in taken(directory):
        try:
            read = _read(path)
            if read["kind"] == instants.BARRIER:
                found.append(_check_barrier(read, database, names))
            else:
                found.append(_check_arbitrary(read, trace, database, names))
        except ToolError as error:
            failures.append(f"{path}: not compared: {error}")
    return found, failures


def store(directory: Path, found: list[Result]) -> None:
    """Fill the tables of the session's database."""
    with closing(sqlite3.connect(directory / session.DATABASE)) as database, database:
        database.execute("DELETE FROM verification")
        database.execute("DELETE FROM verification_object")
        for one in found:
            database.execute("INSERT INTO verification VALUES (?, ?, ?, ?, ?, ?)",
                             (one.instant, one.kind, one.t, one.objects, len(one.busy),
                              len(one.differences)))
            database.executemany(
                "INSERT INTO verification_object VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(one.instant, finding) for finding in one.busy + one.differences])


def fill(directory: Path) -> None:
    """Compare what was read of a session's instants, if anything, and fill the tables. An instant
    that cannot be compared is named, and is not there."""
    if not taken(directory):
        return
    with closing(session.open_database(directory)) as database:
        found, failures = check(directory, database)
    for failure in failures:
        print(f"palimpsest: {failure}", file=sys.stderr)
    store(directory, found)


def failures(database: sqlite3.Connection, wanted: int) -> list[str]:
    """What does not hold of the instants that a scenario asks for, by the tables."""
    count, different = results.rows(
        database, "SELECT count(*), coalesce(sum(differences), 0) FROM verification")[0]
    found = []
    if count < wanted:
        found.append(f"guest memory was compared at {count} of {wanted} instants: if no line above says why, the "
                     "session ended before the rest was due")
    if different:
        found.append(f"{different} objects differ between guest memory and trace: see `palimpsest verify`")
    return found


def _row(instant: int, finding: Finding) -> tuple:
    difference, event = finding.difference, finding.event
    return (instant, difference.name, difference.text(difference.memory),
            difference.text(difference.trace), finding.guard,
            *((event.id, event.name, event.t) if event else (None, None, None)))


def lines(one: Result) -> list[str]:
    """A line about an instant, and one for each difference."""
    told = [f"instant {one.instant}, {one.kind}, t={one.t}: {one.objects} objects, "
            f"{len(one.busy)} busy, {len(one.differences)} different"]
    for finding in one.differences[:MAX_TOLD]:
        difference, event = finding.difference, finding.event
        last = f"{event.name} (event {event.id}) at {event.t}" if event else "none"
        told.append(f"  {difference.name}: memory {difference.text(difference.memory)}, trace "
                    f"{difference.text(difference.trace)}; last event: {last}")
    if len(one.differences) > MAX_TOLD:
        told.append(f"  ... and {len(one.differences) - MAX_TOLD} more")
    return told


def _read(path: Path) -> dict:
    try:
        with gzip.open(path, "rt") as file:
            return json.load(file)
    except (OSError, EOFError, ValueError) as error:
        raise ToolError(str(error)) from error


def _check_barrier(read: dict, database: sqlite3.Connection, names: Names) -> Result:
    t = results.value(database, "SELECT t FROM trace_barrier WHERE n = :n", n=read["barrier"])
    if t is None:
        raise ToolError(f"the trace has no barrier {read['barrier']}")
    at = state.at(database, t)
    objects, differences = _differences(read, at, names)
    judged = [(difference, UNCERTAIN if _is_uncertain(at, difference) else None)
              for difference in differences]
    return _result(read, database, t, objects, judged)


def _is_uncertain(at: state.State, difference: Difference) -> bool:
    """Events were lost, and the trace does not claim to know this object: it may have begun unseen,
    or what it was before the loss may have ended unseen.
    """
    if at.uncertain_before is None:
        return False
    if difference.trace is None or any(field.how == "COUNT" for field in difference.kind.fields):
        return True
    key = {f"k{index}": value for index, value in enumerate(difference.key)}
    where = " AND ".join(f"{column} = :k{index}" for index, column in enumerate(difference.kind.key))
    began = at.rows(difference.kind.table, "min(t_begin)", where, **key)[0][0]
    return began < at.uncertain_before


def _check_arbitrary(read: dict, trace: Trace, database: sqlite3.Connection, names: Names) -> Result:
    cut = trace.cut(read["cpus"], NEAR)
    t = cut.last.t
    objects, differences = _differences(read, state.at(database, t), names)
    guards = Guards(database, read, cut)
    return _result(read, database, t, objects,
                   [(difference, guards.of(difference)) for difference in differences])


def _result(read: dict, database: sqlite3.Connection, t: int, objects: int,
            judged: list[tuple[Difference, str | None]]) -> Result:
    return Result(read["instant"], read["kind"], t, objects,
                  _findings(database, t, [pair for pair in judged if pair[1] is not None]),
                  _findings(database, t, [pair for pair in judged if pair[1] is None]))


def _findings(database: sqlite3.Connection, t: int,
              judged: list[tuple[Difference, str | None]]) -> list[Finding]:
    return [Finding(difference, last_event(database, difference, t) if index < MAX_TOLD else None, guard)
            for index, (difference, guard) in enumerate(judged)]


def _differences(read: dict, at: state.State, names: Names) -> tuple[int, list[Difference]]:
    objects, found = 0, []
    for kind in verify_def.kinds():
        width = len(kind.key)
        memory = {tuple(row[:width]): tuple(row[width:]) for row in read["objects"][kind.name]}
        count, different = comparison.compare(
            kind, memory, comparison.from_trace(at, kind, names), names)
        objects += count
        found += different
    return objects, found


def last_event(database: sqlite3.Connection, difference: Difference, t: int) -> LastEvent | None:
    """By the columns of the key; the child of sched_process_fork is the pid."""
    last = None
    for table in difference.kind.events:
        columns = {row[1] for row in results.rows(database, f"PRAGMA table_info({table})")}
        asked = [column if column in columns else f"child_{column}" for column in difference.kind.key]
        if not columns.issuperset(asked):
            continue
        where = " AND ".join(f"{column} = :k{index}" for index, column in enumerate(asked))
        found = results.rows(
            database, f"SELECT id, t FROM {table} WHERE {where} AND t <= :t ORDER BY id DESC LIMIT 1",
            t=t, **{f"k{index}": value for index, value in enumerate(difference.key)})
        if found and (last is None or found[0][0] > last.id):
            last = LastEvent(found[0][0], table, found[0][1])
    return last
