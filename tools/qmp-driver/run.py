"""Run a scenario: record it, draw its pictures, check its expectations, print a summary.

Exit status: 0 when the session ended in order and every expectation holds, 1 when one does not, 125
when the tool failed, 130 when the run was interrupted.
"""

import argparse
import importlib
import io
import sqlite3
from contextlib import closing, redirect_stdout
from pathlib import Path

import expect
import report
import scenario
import session
import verification
from build import Build
from recording import Recording, set_session_options
from terminal import Terminal

PICTURES = ("rmap", "lru")
EXIT_NOT_AS_EXPECTED = 1
EXIT_TOOL_FAILED = 125
EXIT_INTERRUPTED = 130


def set_argparser(parser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO.toml", type=Path)
    parser.add_argument("--pictures", action=argparse.BooleanOptionalAction, default=True,
                        help="draw rmap and lru (default: yes)")
    parser.add_argument("--quiet", action="store_true",
                        help="keep the guest's output off the terminal")
    set_session_options(parser)


def main(args) -> int:
    wanted = scenario.load(args.scenario)
    terminal = Terminal(echo=not args.quiet)
    with Recording(wanted, args.output, Build(args.build), terminal,
                   source=args.scenario.read_text(), keep_swap=args.keep_swap,
                   follow=args.follow) as recording:
        outcome = recording.run_to_end()
    traced = wanted.trace != "off"
    failures = [] if outcome.cause == "exit" else [outcome.message]
    try:
        if traced and not recording.load():
            failures.append("the trace is damaged")
        if traced and args.pictures:
            failures += _draw(recording.directory, terminal)
    finally:
        recording.seal()
    if traced:
        with closing(session.open_database(recording.directory)) as database:
            failures += _summary(recording, database)
            failures += verification.failures(database, wanted.verify.count)
    else:
        failures += _summary(recording, None)
    for failure in failures:
        terminal.message(failure)
    if outcome.cause == "interrupt":
        return EXIT_INTERRUPTED
    if outcome.cause in ("died", "reset", "silent", "panic", "disk"):
        return EXIT_TOOL_FAILED
    return EXIT_NOT_AS_EXPECTED if failures else 0


def _summary(recording: Recording, database: sqlite3.Connection | None) -> list[str]:
    """Print it; returns what does not hold."""
    count, failures = expect.check(recording.scenario, database, recording.machine.console.lines,
                                   recording.console_exits())
    lines = []
    if database is not None:
        lines = report.render(report.collect(database, recording.directory, None))
    lines.append(report.row("expected", f"{count - len(failures)} of {count} expectations hold"))
    print("\n".join(lines), flush=True)
    return failures


def _draw(directory: Path, terminal: Terminal) -> list[str]:
    """Each picture at the instant that it finds the most telling; returns what could not be
    drawn.
    """
    failures = []
    for name in PICTURES:
        terminal.progress(f"drawing {name}")
        module = importlib.import_module(f"visualize.{name}")
        parser = argparse.ArgumentParser(prog=f"palimpsest {name}")
        module.set_argparser(parser)
        # Its paths are in the summary; its errors go to stderr.
        with redirect_stdout(io.StringIO()):
            status = module.main(parser.parse_args([str(directory)]))
        if status != 0:
            failures.append(f"{name} could not be drawn")
    return failures
