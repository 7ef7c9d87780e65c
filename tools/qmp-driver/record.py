"""Record a session of one program, run in the guest as it is.

Exit status: the program's (128 + signal when a signal ended it); 125 when the tool failed, 126 when
the program returned 0 but events were lost, 130 when the recording was interrupted.
"""

import sys
from contextlib import closing
from pathlib import Path

import programs
import results
import session
import sizes
from build import Build
from machine import MAX_CPUS
from recording import Recording, set_session_options
from scenario import (ACCELERATORS, DEFAULT_SEED, MAX_COMM, TRACE_MODES, Program, Scenario,
                      check_guest_path, check_parameter, check_seed, check_variable, parse_memory,
                      parse_swap)
from supervisor import Outcome
from terminal import Terminal

EXIT_TOOL_FAILED = 125
EXIT_EVENTS_LOST = 126
EXIT_INTERRUPTED = 130


def _parameter(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r}: expected NAME=VALUE")
    check_parameter(key, value)
    return key, value


def _file(text: str) -> tuple[str, str]:
    """Path in the guest, and on the host."""
    host, colon, guest = text.rpartition(":")
    if not colon or not guest.startswith("/"):
        host, guest = text, f"/{Path(text).absolute().name}"
    return check_guest_path(guest), str(Path(host).absolute())


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r}: expected NAME=VALUE")
    check_variable(name, value)
    return name, value


def _cpus(text: str) -> int:
    cpus = int(text)
    if not 1 <= cpus <= MAX_CPUS:
        raise ValueError(f"1 to {MAX_CPUS} CPUs")
    return cpus


def _seed(text: str) -> int:
    return check_seed(int(text, 0))


def _seconds(text: str) -> int:
    seconds = int(text)
    if seconds < 0:
        raise ValueError("a time limit is not negative")
    return seconds


def set_argparser(parser) -> None:
    parser.add_argument("--memory", type=parser.checked(parse_memory), default=64 << 20,
                        metavar="SIZE", help="RAM (default: 64M)")
    parser.add_argument("--cpus", type=parser.checked(_cpus), default=2, metavar="N",
                        help="CPUs (default: 2)")
    parser.add_argument("--swap", type=parser.checked(parse_swap), default=128 << 20,
                        metavar="SIZE", help="swap disk, or none (default: 128M)")
    parser.add_argument("--trace", choices=TRACE_MODES, default="lossless",
                        help="what happens when a trace ring is full: the guest waits, the event "
                             "is counted as lost; off: no trace (default: lossless)")
    parser.add_argument("--param", type=parser.checked(_parameter), action="append", default=[],
                        metavar="NAME=VALUE", help="kernel parameter, may be repeated")
    parser.add_argument("--seed", type=parser.checked(_seed), default=DEFAULT_SEED, metavar="N",
                        help="of everything random in the kernel: equal seeds give equal layouts "
                             f"(default: {DEFAULT_SEED})")
    parser.add_argument("--no-kaslr", action="store_true",
                        help="the kernel stays where it is linked")
    parser.add_argument("--no-randmaps", action="store_true",
                        help="programs lie where they would without ASLR")
    parser.add_argument("--accel", choices=ACCELERATORS, default="tcg",
                        help="kvm is used only when asked for (default: tcg)")
    parser.add_argument("--timeout", type=parser.checked(_seconds), default=0, metavar="S",
                        help="end the session in order after S seconds (default: 0, never)")
    parser.add_argument("-i", "--interactive", action="store_true",
                        help="keys go to the program, Ctrl-C and Ctrl-Z too; Ctrl-] opens the kernel "
                             "monitor, and Ctrl-C there ends the session")
    parser.add_argument("--file", "--dir", type=parser.checked(_file), action="append", default=[],
                        dest="files", metavar="HOST[:GUEST]",
                        help="a file, or a directory with all in it, for the guest; may be repeated "
                             "(default for GUEST: /NAME)")
    parser.add_argument("--busybox", action="store_true",
                        help="/bin/busybox and its applets in the guest; PROGRAM may be one of them")
    parser.add_argument("--stdin", metavar="FILE", default="",
                        help="what the program reads (default: the end of file, with -i the console)")
    parser.add_argument("--env", type=parser.checked(_variable), action="append", default=[],
                        metavar="NAME=VALUE",
                        help="variable of the program's environment, may be repeated "
                             "(default: PATH=/bin and HOME=/)")
    parser.add_argument("--cwd", type=parser.checked(check_guest_path), default="/", metavar="DIR",
                        help="the program's working directory in the guest (default: /)")
    set_session_options(parser)
    parser.add_argument("command", nargs="+", metavar="PROGRAM ARGS", help="behind --")


def _program_file(name: str, busybox: bool, build: Build) -> str:
    """The host's file; or the name alone of what only the guest may have: an applet, a path that
    --file gives."""
    if "/" not in name and busybox or name.startswith("/") and not Path(name).exists():
        return name
    return str(programs.find(name, build).absolute())


def main(args) -> int:
    build = Build(args.build)
    name, *arguments = args.command
    file = _program_file(name, args.busybox, build)
    interactive = args.interactive and sys.stdin.isatty()
    scenario = Scenario(
        title=" ".join(args.command), memory_bytes=args.memory, cpus=args.cpus,
        swap_bytes=args.swap, accel=args.accel, trace=args.trace, parameters=tuple(args.param),
        timeout_s=args.timeout, seed=args.seed, kaslr=not args.no_kaslr,
        randmaps=not args.no_randmaps,
        busybox=args.busybox, files=tuple(args.files),
        programs=(Program(Path(name).name[:MAX_COMM], file, tuple(arguments), status=None,
                          stdin=args.stdin and str(Path(args.stdin).absolute()),
                          terminal=interactive, cwd=args.cwd,
                          env=tuple(args.env)),))
    terminal = Terminal()
    with Recording(scenario, args.output, build, terminal, keep_swap=args.keep_swap,
                   interactive=interactive, follow=args.follow) as recording:
        outcome = recording.run_to_end()
    try:
        intact = scenario.trace == "off" or recording.load()
    finally:
        recording.seal()
    return _report(terminal, recording, outcome, intact)


def _report(terminal: Terminal, recording: Recording, outcome: Outcome, intact: bool) -> int:
    """Say how it went in a line or two; returns the exit status."""
    where = session.shown(recording.directory)
    if recording.scenario.trace == "off":
        exits = recording.console_exits()
        status = exits[0][1] if exits else None
        lost = ""
        terminal.message(f"{where}: no trace, as asked")
    else:
        with closing(session.open_database(recording.directory)) as database:
            known = results.session_values(database).get("status")
            losses = results.loss(database)
        status = None if known is None else int(known)
        lost = _loss_text(losses, intact)
        terminal.message(f"{where}: {losses.received} events, {lost or 'none lost'}, "
                         f"{_trace_size(recording.directory)}")
    if outcome.cause == "interrupt":
        terminal.message(outcome.message)
        return EXIT_INTERRUPTED
    if outcome.cause != "exit":
        terminal.message(outcome.message)
        return EXIT_TOOL_FAILED
    if status is None:
        terminal.message("the session ended in order, but the program's status is not in it")
        return EXIT_TOOL_FAILED
    code = results.exit_code(status)
    return EXIT_EVENTS_LOST if lost and code == 0 else code


def _loss_text(losses: results.Loss, intact: bool) -> str:
    """Empty when the trace is complete."""
    parts = []
    if losses.discarded:
        parts.append(f"{losses.discarded} discarded")
    if losses.unaccounted:
        parts.append(f"{losses.unaccounted} missing")
    if losses.tail not in results.TAIL_COMPLETE:
        parts.append(f"tail {losses.tail}")
    if not intact:
        parts.append("trace damaged")
    return ", ".join(parts)


def _trace_size(directory: Path) -> str:
    return sizes.human(sum(path.stat().st_size for path in (directory / "ctf").glob("cpu*")))
