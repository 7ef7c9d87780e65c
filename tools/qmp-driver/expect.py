"""Checking a session against its scenario's expectations."""

import operator
import re
import sqlite3

from results import exit_code, program_runs
from scenario import Expectation, Scenario

COMPARISONS = {"is": (operator.eq, "is not"), "min": (operator.ge, "is below"),
               "max": (operator.le, "is above")}


def check(scenario: Scenario, database: sqlite3.Connection | None,
          console_lines: list[str], exits: list[tuple[str, int]]) -> tuple[int, list[str]]:
    """How many expectations there were, and a sentence for each that does not hold.

    Without a database (trace = "off") statuses are those that init printed, and queries do not
    hold.
    """
    failures = _statuses(scenario, database, exits)
    for expectation in scenario.expectations:
        failure = _failure(expectation, database, console_lines)
        if failure is not None:
            failures.append(failure)
    count = len(scenario.expectations) + sum(p.status is not None for p in scenario.programs)
    return count, failures


def _statuses(scenario: Scenario, database: sqlite3.Connection | None,
              exits: list[tuple[str, int]]) -> list[str]:
    if all(program.status is None for program in scenario.programs):
        return []
    if database is not None:
        seen = [(run.name, run.status) for run in program_runs(database)]
    else:
        # Init prints exits as they happen; programs of one name are taken in that order.
        left = list(exits)
        seen = []
        for program in scenario.programs:
            index = next((i for i, (name, _) in enumerate(left) if name == program.name), None)
            seen.append((program.name, None) if index is None else left.pop(index))
    failures = []
    for index, program in enumerate(scenario.programs):
        if program.status is None:
            continue
        _, status = seen[index] if index < len(seen) else (program.name, None)
        if status is None:
            failures.append(f"{program.name} did not end")
        elif exit_code(status) != program.status:
            failures.append(f"{program.name} ended with status {exit_code(status)}, "
                            f"expected {program.status}")
    return failures


def _failure(expectation: Expectation, database: sqlite3.Connection | None,
             console_lines: list[str]) -> str | None:
    if expectation.source == "console":
        regex = re.compile(expectation.text)
        found = sum(regex.search(line) is not None for line in console_lines)
        what = f"console lines matching /{expectation.text}/"
    elif database is None:
        return f"{expectation.why}: there is no database to ask (trace = \"off\")"
    else:
        what = expectation.text
        try:
            row = database.execute(expectation.text).fetchone()
        except sqlite3.Error as error:
            return f"{expectation.why}: {what}: {error}"
        found = row[0] if row else None
    for key, bound in expectation.bounds:
        holds, wording = COMPARISONS[key]
        comparable = isinstance(found, str) == isinstance(bound, str) and found is not None
        if not comparable or not holds(found, bound):
            return f"{expectation.why}: {what}: {found!r} {wording} {bound!r}"
    return None
