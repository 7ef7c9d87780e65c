"""One session from an empty directory to a sealed one.

    with Recording(scenario, None, Build()) as recording:
        recording.machine.monitor(["lru"])          # tests may intervene
        outcome = recording.run_to_end()
    recording.load()                                # ctf/ -> session.db
    recording.seal()                                # manifest

Everything that can be missing is looked for before the directory is made. What was captured is kept
whatever happens after: only swap.img goes, and the initramfs, which was never in the session.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import initramfs
import rings
import session
import swapfile
import verification
from build import ROOT, Build, set_build_option
from errors import ToolError
from follower import Follower
from instants import Instants
from machine import Machine, MachineConfig, find_qemu
from packing import BUSYBOX, Packing
from scenario import Scenario, to_toml
from supervisor import Outcome, Supervisor
from terminal import Interrupts, Keyboard, Terminal

# Exit statuses of palimpsest-ingest.
INGEST_OK, INGEST_DAMAGED = 0, 1


class Recording:
    """A session being recorded: a context manager that boots the machine and guarantees its end."""

    def __init__(self, scenario: Scenario, directory: str | None, build: Build,
                 terminal: Terminal | None = None, source: str | None = None,
                 keep_swap: bool = False, interactive: bool = False,
                 follow: bool = False) -> None:
        self.scenario = scenario
        self.outcome: Outcome | None = None
        self.directory: Path
        self.machine: Machine
        self._output = directory
        self._source = source or to_toml(scenario)
        self._terminal = terminal or Terminal(echo=False)
        self._keep_swap = keep_swap
        self._interactive = interactive
        self._follow = follow and scenario.trace != "off"
        self._follower: Follower | None = None
        packing = Packing(build)
        for guest, host in scenario.files:
            packing.add(Path(host), guest)
        if scenario.busybox:
            packing.add_busybox()
        self._plan = [packing.program(program) for program in scenario.programs]
        self._members = packing.members
        self._archive = initramfs.build(build.init, self._plan, self._members)
        self._contract = build.trace_metadata
        self._kernel = build.kernel
        self._memory_bytes = build.machine_memory(scenario.memory_bytes)
        self._ingest = build.ingest
        self._recover = build.recover
        self._rings_saved = False
        find_qemu()
        self._stack: ExitStack

    def __enter__(self) -> "Recording":
        self.directory = session.create(self._output)
        (self.directory / "scenario.toml").write_text(self._source)
        traces = self.directory / "ctf"
        traces.mkdir()
        metadata, layout = self._contract
        shutil.copyfile(metadata, traces / metadata.name)
        # Not beside the streams: a CTF reader takes every file there for one.
        shutil.copyfile(layout, self.directory / layout.name)
        with ExitStack() as stack:
            stack.callback(self._drop_empty_log)
            swap = self._make_swap(stack)
            image = stack.enter_context(tempfile.NamedTemporaryFile(prefix="plm-", suffix=".cpio"))
            image.write(self._archive)
            image.flush()
            self._boot(stack, MachineConfig(
                kernel=self._kernel, initrd=Path(image.name),
                command_line=self.scenario.command_line(), memory_bytes=self._memory_bytes,
                cpus=self.scenario.cpus, accel=self.scenario.accel, swap=swap,
                swap_behaviour=self.scenario.swap_behaviour,
                console_log=self.directory / "console.log", trace_directory=traces,
                error_log=self.directory / "qemu.log",
                # A guest that resets stays as it is, so that its rings can be read.
                extra=("-action", "shutdown=pause")))
            self._stack = stack.pop_all()
        if self._follow:
            self._follower = Follower(self.directory, self._ingest)
        return self

    def __exit__(self, exception_type, *_) -> None:
        self._stack.close()
        self._describe_end()
        if exception_type is not None and self._follower is not None:
            self._follower.end()
        if self.scenario.trace != "off":
            seal_trace(self.directory, self._ingest)

    def run_to_end(self) -> Outcome:
        """Watch the machine until the session is over, ending it when it must."""
        with ExitStack() as stack:
            instants = None
            if self.scenario.verify.count and self.scenario.trace != "off":
                instants = Instants(self.scenario.verify, self.scenario.seed, self.machine,
                                    self._kernel, self.directory, self._terminal.message)
                stack.callback(instants.finish)
            interrupts = stack.enter_context(Interrupts(self.machine.reactor))
            if self._interactive:
                stack.enter_context(Keyboard(self.machine.reactor, self.machine.console))
            supervisor = Supervisor(self.machine, self.scenario.timeout_s,
                                    self.scenario.trace != "off", interrupts, self._terminal,
                                    self._save_rings, barriers=self._follow,
                                    watch=instants.tick if instants else None)
            self.outcome = supervisor.run()
        if self._rings_saved:
            self._append_rings()
        return self.outcome

    def _rings_address(self) -> int | None:
        """Physical address of the kernel's descriptor of its rings; None: it has none."""
        try:
            return rings.physical_address(self._kernel)
        except rings.RingsError:
            return None

    def _save_rings(self) -> None:
        """The machine will be ended without having sent all of its trace."""
        if self.scenario.trace == "off":
            return
        try:
            address = rings.physical_address(self._kernel)
            self._rings_saved = rings.save(self.machine, address, self.directory)
        except rings.RingsError as error:
            self._terminal.message(f"the end of the trace is lost: {error}")

    def _append_rings(self) -> None:
        done = subprocess.run([str(self._recover), str(self.directory)], check=False, text=True,
                              capture_output=True)
        for line in done.stderr.splitlines():
            self._terminal.message(line)
        if done.stdout:
            self._terminal.message(f"read from the guest's memory: {done.stdout.strip()}")

    def load(self) -> bool:
        """Make session.db; False when the trace was damaged (ingest has said how). After the
        block.
        """
        self._terminal.progress("reading the trace")
        if self._follower is not None:
            status = self._follower.end()
            if status in (INGEST_OK, INGEST_DAMAGED):
                verification.fill(self.directory)
                return status == INGEST_OK
            self._terminal.message("the database that followed is given up; reading the trace again")
        return load(self.directory, self._ingest)

    def seal(self) -> None:
        """Write the manifest and make this the newest session."""
        self._terminal.done()
        session.write_manifest(self.directory)
        session.point_latest(self.directory)

    def console_exits(self) -> list[tuple[str, int]]:
        """(name, wait status) of every program, as init printed them."""
        return console_exits(self.machine.console.lines)

    def _make_swap(self, stack: ExitStack) -> Path | None:
        if not self.scenario.swap_bytes:
            return None
        path = self.directory / "swap.img"
        swapfile.create(path, self.scenario.swap_bytes)
        if not self._keep_swap:
            stack.callback(path.unlink)
        return path

    def _boot(self, stack: ExitStack, config: MachineConfig) -> None:
        self.machine = stack.enter_context(Machine(config, self._terminal.guest_output))
        self._description = self._describe(config)
        self._write_description()

    def _describe(self, config: MachineConfig) -> dict:
        return {
            "schema_version": 1,
            "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "qemu": {"version": _first_line([self.machine.arguments[0], "--version"]),
                     "arguments": self.machine.arguments},
            "kernel": {"command_line": config.command_line, "sha256": _sha256(self._kernel),
                       "trace_rings": self._rings_address()},
            "programs": [self._describe_program(line) for line in self._plan],
            "files": [{"path": path, "file": str(member.file), "sha256": _sha256(member.file)}
                      for path, member in sorted(self._members.items())
                      if member.file is not None and path not in {line.path for line in self._plan}],
            "git_commit": _first_line(["git", "-C", str(ROOT), "describe", "--always", "--dirty",
                                       "--abbrev=40"]),
            "host": {"system": platform.platform(), "cpus": os.cpu_count(),
                     "python": platform.python_version()},
            "end": None,
        }

    def _describe_program(self, line: initramfs.PlanLine) -> dict:
        """An applet is a link to the file that it is."""
        member = self._members[line.path]
        file = member.file or self._members[BUSYBOX].file
        return {"name": line.name, "file": str(file), "sha256": _sha256(file)}

    def _describe_end(self) -> None:
        self._description["end"] = {
            "qemu_status": self.machine.exit_status,
            "cause": self.outcome.cause if self.outcome else "cut",
            "message": self.outcome.message if self.outcome else "",
            "in_order": self.outcome.in_order if self.outcome else self.machine.ended_in_order,
            "elapsed_s": round(self.outcome.elapsed_s, 3) if self.outcome else None,
        }
        self._write_description()

    def _write_description(self) -> None:
        text = json.dumps(self._description, indent=2)
        (self.directory / "machine.json").write_text(text + "\n")

    def _drop_empty_log(self) -> None:
        log = self.directory / "qemu.log"
        if log.exists() and log.stat().st_size == 0:
            log.unlink()


def set_session_options(parser) -> None:
    """Where a session goes and what it is made with: for every subcommand that records."""
    parser.add_argument("-o", "--output", metavar="DIR",
                        help="session directory (default: named by the time)")
    parser.add_argument("--follow", action="store_true",
                        help="make the database while recording; live.db in the session can be "
                             "read meanwhile")
    parser.add_argument("--keep-swap", action="store_true",
                        help="leave the swap disk in the session")
    set_build_option(parser)


def seal_trace(directory: Path, ingest: Path) -> None:
    """Take a checksum of every packet."""
    status = subprocess.run([str(ingest), str(directory), "--seal"], check=False).returncode
    if status != INGEST_OK:
        raise ToolError(f"{directory}: the trace could not be sealed; its files are kept")


def load(directory: Path, ingest: Path) -> bool:
    """Rebuild session.db of a session from its ctf/, and compare the instants that it has; False when
    the trace was damaged."""
    status = subprocess.run([str(ingest), str(directory)], check=False).returncode
    if status not in (INGEST_OK, INGEST_DAMAGED):
        raise ToolError(f"{directory}: the trace could not be read (ingest status {status}); "
                        "its files are kept")
    verification.fill(directory)
    return status == INGEST_OK


def console_exits(lines: list[str]) -> list[tuple[str, int]]:
    """(name, wait status) of every program in the order in which they ended, from init's lines."""
    pattern = re.compile(r"\[init\] exit (\S+) pid \d+ status (\d+)")
    return [(match.group(1), int(match.group(2))) for match in map(pattern.search, lines) if match]


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(command: list[str]) -> str | None:
    """The first line a command prints; None when it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.partition("\n")[0]
