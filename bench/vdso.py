"""The functions that programs call in place of entering the kernel, each against its system call."""

from figures import Goal, Row
from micro import Machines, Rounds

# Linux has no __vdso_getpid.
FUNCTIONS = ("clock_gettime", "gettimeofday", "time", "getcpu", "getpid")
GOAL = Goal(at_least=20)


def run(machines: Machines, quick: bool) -> list[Row]:
    off, linux = machines.off(), machines.linux()
    rows = []
    for name in FUNCTIONS:
        for prefix, words in (("vdso", f"{name}() by the vDSO"), ("call", "its system call")):
            section = f"{prefix}_{name}"
            rows.append(Row(words, "instructions", off.vdso(section), linux.vdso(section),
                            missing=off.missing.get(section, ""),
                            linux_missing=linux.missing.get(section, "")))
        rows.append(Row("the call, divided by the function", "times", times(off, name),
                        times(linux, name), GOAL))
    return rows


def times(rounds: Rounds, name: str) -> float | None:
    """How many times the instructions of the function its system call takes."""
    function, call = rounds.vdso(f"vdso_{name}"), rounds.vdso(f"call_{name}")
    return call / function if function and call else None
