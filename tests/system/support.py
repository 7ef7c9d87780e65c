"""What the system tests share: sessions of the real kernel, recorded once and asked many times.

A test class records what it needs in prepare(); its tests read consoles and databases. The sessions
of a class lie in one temporary directory, which goes when all its tests have passed; when one has
not, it stays, and its name is printed.
"""

import importlib.machinery
import importlib.util
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "qmp-driver"), str(ROOT / "tools")]

import results
import session
import sizes
import verification
from build import Build
from console import MonitorVisit
from errors import MachineTimeout
from instants import Plan
from recording import Recording
from scenario import DEFAULT_SEED, Program, Scenario

PALIMPSEST = ROOT / "tools" / "palimpsest"
# Time limit of one session, then of one command: many times what they take on a quiet host. A debug
# kernel takes several times as long.
SESSION_SECONDS = 1200 if Build().is_debug else 240
COMMAND_SECONDS = 300
# Nothing tells the driver that a stream has grown: how often it looks.
LOOK_S = 0.02
FOREVER = 9223372036854775807  # t_end of what had not ended


def default_signals() -> None:
    """In a child, before it becomes a program whose signals are looked at: as init starts programs. A test that runs in the
    background of a script has SIGINT and SIGQUIT ignored, and so would the program."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def host_program(name: str) -> str:
    """Of this host; LookupError where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise LookupError(f"{name} is not installed: make deps")
    return found


def link_applets(directory: Path) -> None:
    """Makes the directory, with a link for each program that busybox is, as /bin of the guest."""
    directory.mkdir()
    busybox = host_program("busybox")
    listed = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True)
    for name in listed.stdout.split():
        (directory / name).symlink_to(busybox)


def program(name: str, *arguments: str, mode: str = "fg") -> Program:
    return Program(name, name, arguments, mode, status=None)


def scenario(programs: Sequence[Program], *, memory: str = "24M", cpus: int = 1, swap: str = "48M",
             trace: str = "lossless", timeout_s: int = SESSION_SECONDS, seed: int = DEFAULT_SEED,
             kaslr: bool = True, randmaps: bool = True, verify: Plan = Plan(), **parameters) -> Scenario:
    """A small machine; what has no name here is a kernel parameter."""
    return Scenario(
        programs=tuple(programs), memory_bytes=sizes.parse(memory), cpus=cpus,
        swap_bytes=0 if swap == "none" else sizes.parse(swap), trace=trace, timeout_s=timeout_s,
        seed=seed, kaslr=kaslr, randmaps=randmaps, verify=verify,
        parameters=tuple((key, str(value)) for key, value in parameters.items()))


def front_door():
    """tools/palimpsest as a module; its name has no .py."""
    loader = importlib.machinery.SourceFileLoader("front_door", str(PALIMPSEST))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("front_door", loader))
    loader.exec_module(module)
    return module


class Session:
    """A session that is over: how it ended, its console, its database."""

    def __init__(self, recording: Recording) -> None:
        self.directory = recording.directory
        self.wanted = recording.scenario
        self.outcome = recording.outcome
        self.lines = recording.machine.console.lines
        self.exits = recording.console_exits()
        done = subprocess.run([str(Build().ingest), str(self.directory)], text=True, check=False,
                              capture_output=True, timeout=COMMAND_SECONDS)
        self.ingest_status = done.returncode
        self.ingest_messages = (done.stdout + done.stderr).splitlines()
        self.database = session.open_database(self.directory)

    def rows(self, sql: str, **parameters) -> list[tuple]:
        return self.database.execute(sql, parameters).fetchall()

    def column(self, sql: str, **parameters) -> list:
        return [row[0] for row in self.rows(sql, **parameters)]

    def value(self, sql: str, **parameters):
        return results.value(self.database, sql, **parameters)

    def pid(self, name: str) -> int:
        """The process that init started under this name."""
        return self.value("SELECT pid FROM sched_process_exec WHERE comm = :name", name=name)

    @property
    def loss(self) -> results.Loss:
        return results.loss(self.database)


def record(directory: Path, wanted: Scenario, during: Callable[[Recording], None] | None = None,
           recorder: type[Recording] = Recording) -> Session:
    """Records a scenario. `during` is called once QEMU runs, and may do with it what it likes."""
    with recorder(wanted, str(directory), Build()) as recording:
        if during is not None:
            during(recording)
        recording.run_to_end()
    return Session(recording)


def visits(recording: Recording, count: int, step_bytes: int,
           commands: list[str]) -> Iterator[MonitorVisit]:
    """Visits to the monitor, one now and each other when so much trace more has come."""
    machine = recording.machine
    traces = [machine.config.trace_directory / f"cpu{cpu}" for cpu in range(machine.config.cpus)]
    deadline = time.monotonic() + SESSION_SECONDS
    start = sum(path.stat().st_size for path in traces)
    for visit in range(count):
        goal = start + visit * step_bytes
        while sum(path.stat().st_size for path in traces) < goal and not machine.ended:
            if time.monotonic() > deadline:
                raise MachineTimeout(f"no {step_bytes} bytes of trace more")
            machine.wait(lambda: False, LOOK_S)
        yield machine.monitor(commands)


class SystemTest(unittest.TestCase):
    """Tests that share sessions; see the head of this file."""

    maxDiff = 4000
    directory: Path
    _keep = False

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="plm-system-"))
        cls._sessions: list[Session] = []
        cls.addClassCleanup(cls._clean)
        cls._keep = True  # should prepare() fail
        cls.prepare()
        cls._keep = False

    @classmethod
    def prepare(cls) -> None:
        """Records the sessions of the class; a subclass has its own."""

    @classmethod
    def record(cls, name: str, wanted: Scenario, *arguments) -> Session:
        """A session in the class's directory."""
        recorded = record(cls.directory / name, wanted, *arguments)
        cls._sessions.append(recorded)
        return recorded

    @classmethod
    def _clean(cls) -> None:
        for recorded in cls._sessions:
            recorded.database.close()
        if cls._keep:
            print(f"{cls.__name__}: kept {cls.directory}", file=sys.stderr)
        else:
            shutil.rmtree(cls.directory)

    def run(self, result: unittest.TestResult) -> unittest.TestResult:
        def faults() -> int:
            return len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)

        before = faults()
        super().run(result)
        if faults() > before:
            type(self)._keep = True
        return result

    def assert_ended(self, recorded: Session, cause: str = "exit") -> None:
        """The session ended, for that reason."""
        tail = "\n".join(recorded.lines[-12:])
        self.assertEqual(recorded.outcome.cause, cause,
                         f"{recorded.directory}: {recorded.outcome.message}\n{tail}")

    def assert_consistent(self, recorded: Session) -> None:
        """The kernel's own check of its memory structures found nothing, and the machine ended in
        order."""
        self.assertTrue(recorded.outcome.in_order, recorded.directory)
        checks = [line for line in recorded.lines if line.startswith("mm_check")]
        self.assertEqual(set(checks), {"mm_check: clean"}, recorded.directory)

    def assert_complete(self, recorded: Session) -> None:
        """Every event arrived, each was legal when it came, and their counts are the kernel's
        own."""
        self.assertEqual((recorded.ingest_status, recorded.ingest_messages), (0, []))
        self.assertGreater(recorded.loss.received, 0)
        self.assertTrue(recorded.loss.complete, (recorded.directory, recorded.loss))
        self.assertEqual(recorded.rows("SELECT * FROM order_violation LIMIT 5"), [],
                         recorded.directory)
        counters = recorded.rows("SELECT item, kernel, events, equal FROM vmstat_check")
        items = recorded.column(
            "SELECT name FROM enum_name WHERE enum = 'vmstat_item' ORDER BY value")
        self.assertEqual([row[0] for row in counters], items)
        self.assertEqual([row for row in counters if not row[3]], [], recorded.directory)

    def assert_verified(self, recorded: Session) -> None:
        """At each instant that the scenario asks for, guest memory was as the trace says."""
        found, failures = verification.check(recorded.directory, recorded.database)
        self.assertEqual(failures, [])
        self.assertEqual(len(found), recorded.wanted.verify.count)
        for one in found:
            self.assertEqual(verification.lines(one)[1:], [])
            self.assertGreater(one.objects, 1000)

    def assert_clean(self, recorded: Session, exits: Sequence[tuple[str, int]]) -> None:
        """All that holds of a session in which nothing was asked to go wrong. exits: name and wait
        status of the programs, in any order."""
        self.assert_ended(recorded)
        self.assertEqual(sorted(recorded.exits), sorted(exits), "\n".join(recorded.lines))
        self.assert_consistent(recorded)
        self.assert_complete(recorded)
