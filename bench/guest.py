"""A measured machine: this kernel or Linux, with the instruction counter, carrying out steps.

    run = Palimpsest(build).run([["run", "/bin/micro"]], {"micro": path}, memory_bytes=64 << 20)
    run.counts.sections[0].count.kernel

Both machines have one CPU, the same model of it, `-icount shift=0` (an instruction is a nanosecond
of guest time) and a swap disk on AHCI.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import counts
import initramfs
import swapfile
from build import Build
from errors import ToolError
from machine import Machine, MachineConfig

SWAP_BYTES = 128 << 20
DEFAULT_MEMORY = 128 << 20
TIMEOUT_S = 600
ICOUNT = ("-icount", "shift=0")


@dataclass
class Run:
    """How one machine went."""

    lines: list[str]  # of the console
    counts: counts.Counts
    statuses: dict[str, int]  # wait status by program

    def values(self, pattern: str) -> dict[str, int]:
        """{name: value} of the console lines that match; pattern has two groups."""
        found = (re.search(pattern, line) for line in self.lines)
        return {match[1]: int(match[2]) for match in found if match}

    def line(self, pattern: str) -> re.Match:
        """The first line that matches."""
        for line in self.lines:
            if match := re.search(pattern, line):
                return match
        raise ToolError(f"the guest printed no line like /{pattern}/; "
                        f"last: {' | '.join(self.lines[-3:])}")


@dataclass
class Options:
    """What differs between runs of one kernel."""

    memory_bytes: int = DEFAULT_MEMORY
    swap_bytes: int = SWAP_BYTES
    parameters: Sequence[str] = ()  # words of the kernel's command line
    starts: Sequence[int] = ()  # addresses whose first execution is noted
    functions: bool = False  # count by kernel function
    trace_directory: Path | None = None  # where streams go, when traced


class Guest:
    """One of the two kernels. What differs stands in the subclasses."""

    name: str

    def __init__(self, build: Build) -> None:
        self.build = build
        self.plugin = build.require("bench/count.so")
        self.step = build.require("bench/step")

    def kernel(self) -> Path:
        raise NotImplementedError

    def command_line(self, options: Options) -> str:
        raise NotImplementedError

    def fill(self, archive: initramfs.CpioWriter) -> None:
        """Add to the initramfs what this kernel needs."""

    def steps(self, wanted: Sequence[Sequence[str]], options: Options) -> list[list[str]]:
        raise NotImplementedError

    def symbols(self) -> Path:
        raise ToolError(f"{self.name} has no symbols to count by")

    def run(self, steps: Sequence[Sequence[str]], programs: Mapping[str, Path],
            options: Options | None = None) -> Run:
        """Boot, carry out the steps, end. ToolError when a step or the machine failed."""
        options = options or Options()
        with tempfile.TemporaryDirectory(prefix="plm-bench-") as holder:
            directory = Path(holder)
            image = directory / "initramfs"
            image.write_bytes(self._archive(self.steps(steps, options), programs))
            swap = None
            if options.swap_bytes:
                swap = directory / "swap"
                swapfile.create(swap, options.swap_bytes)
            log = directory / "counts"
            config = MachineConfig(
                kernel=self.kernel(), initrd=image, command_line=self.command_line(options),
                memory_bytes=options.memory_bytes, cpus=1, swap=swap,
                trace_directory=options.trace_directory,
                extra=(*ICOUNT, "-plugin", self._plugin_argument(log, options)))
            with Machine(config) as machine:
                machine.wait_end(TIMEOUT_S)
                lines = list(machine.console.lines)
                if machine.exit_status < 0:
                    raise ToolError(f"QEMU died: {machine.error_text()}")
            self._check(lines)
            with open(log) as file:
                counted = counts.parse(file)
        statuses = {match[1]: int(match[2]) for line in lines
                    if (match := re.search(r"exit /bin/(\S+) (\d+)", line))}
        if lost := [name for name in programs
                    if name not in statuses and any(f"/bin/{name}" in words for words in steps)]:
            raise ToolError(f"{self.name}: {' '.join(lost)} did not end; last: "
                            f"{' | '.join(lines[-3:])}")
        return Run(lines, counted, statuses)

    def _plugin_argument(self, log: Path, options: Options) -> str:
        words = [f"file={self.plugin}", f"out={log}"]
        words += [f"start={address:#x}" for address in options.starts]
        if options.functions:
            words.append(f"symbols={self.symbols()}")
        return ",".join(words)

    def _archive(self, steps: Sequence[Sequence[str]], programs: Mapping[str, Path]) -> bytes:
        writer = initramfs.CpioWriter()
        writer.add("init", initramfs.EXECUTABLE, self.step.read_bytes())
        for name in ("bin", "dev", "proc", "sys"):
            writer.add(name, initramfs.DIRECTORY)
        for name, file in programs.items():
            writer.add(f"bin/{name}", initramfs.EXECUTABLE, file.read_bytes())
        self.fill(writer)
        text = "".join("\t".join(words) + "\n" for words in steps)
        writer.add("steps", initramfs.PLAIN, text.encode())
        return bytes(writer)

    def _check(self, lines: list[str]) -> None:
        for line in lines:
            if match := re.search(r"step: .*|[Kk]ernel panic.*", line):
                raise ToolError(f"{self.name}: {match[0]}")


class Palimpsest(Guest):
    """This tree's kernel."""

    name = "palimpsest"

    def __init__(self, build: Build, kernel: Path | None = None) -> None:
        super().__init__(build)
        self._kernel = kernel or build.kernel

    def kernel(self) -> Path:
        return self._kernel

    def symbols(self) -> Path:
        return self._kernel

    def command_line(self, options: Options) -> str:
        words = ["trace=" + ("lossless" if options.trace_directory else "off"),
                 "swap=" + ("on" if options.swap_bytes else "off"), "kaslr=1", "nokaslr"]
        return " ".join([*words, *options.parameters])

    def steps(self, wanted: Sequence[Sequence[str]], options: Options) -> list[list[str]]:
        return [list(words) for words in wanted]


def new_session(directory: Path, build: Build) -> Path:
    """A session's directory inside another, as far as a trace needs it: streams go to its ctf/."""
    session = Path(tempfile.mkdtemp(prefix="session-", dir=directory))
    metadata, layout = build.trace_metadata
    (session / "ctf").mkdir()
    shutil.copyfile(metadata, session / "ctf" / metadata.name)
    shutil.copyfile(layout, session / layout.name)
    return session
