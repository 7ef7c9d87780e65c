"""The guest's first file system: a cpio archive (format newc) with init, the programs and the plan.

The plan is what init does: a line a program, fields separated by tabs: name, mode (fg: init waits
for it before the next line; bg: it goes on), then argv, whose first member is the program's path in
the guest, /bin/NAME.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError

DIRECTORY = 0o040755
EXECUTABLE = 0o100755
PLAIN = 0o100644
ALIGNMENT = 4

# What init reads (user/init.c).
MAX_PLAN_BYTES = 16383
MAX_PROGRAMS = 64
MAX_ARGUMENTS = 64


@dataclass(frozen=True)
class PlanLine:
    """One program of the plan, its arguments behind argv[0], and the host file it is."""

    name: str
    mode: str
    arguments: tuple[str, ...]
    file: Path


class CpioWriter:
    """Collects members; bytes() is the archive. Times and owners are zero, so equal input gives
    equal bytes.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._inode = 0

    def add(self, name: str, mode: int, content: bytes = b"") -> None:
        self._inode += 1
        self._member(self._inode, name, mode, content)

    def __bytes__(self) -> bytes:
        trailer = CpioWriter()
        trailer._member(0, "TRAILER!!!", 0, b"")
        return b"".join(self._parts + trailer._parts)

    def _member(self, inode: int, name: str, mode: int, content: bytes) -> None:
        encoded = name.encode() + b"\0"
        links = 2 if mode == DIRECTORY else 1
        fields = (inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts += [_padded(header + encoded), _padded(content)]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def plan_text(lines: Sequence[PlanLine]) -> str:
    """The plan file; ToolError for what init could not read."""
    if len(lines) > MAX_PROGRAMS:
        raise ToolError(f"{len(lines)} programs: a plan has at most {MAX_PROGRAMS}")
    text = []
    for line in lines:
        fields = (line.name, line.mode, f"/bin/{line.name}", *line.arguments)
        for value in fields:
            if any(character in value for character in "\t\n\0"):
                raise ToolError(f"{line.name}: a program cannot be passed a tab, line break "
                                f"or NUL: {value!r}")
        if len(line.arguments) >= MAX_ARGUMENTS:
            raise ToolError(f"{line.name}: at most {MAX_ARGUMENTS - 1} arguments can be passed")
        text.append("\t".join(fields) + "\n")
    plan = "".join(text)
    if len(plan.encode()) > MAX_PLAN_BYTES:
        raise ToolError(f"names and arguments take more than {MAX_PLAN_BYTES} bytes")
    return plan


def build(init: Path, lines: Sequence[PlanLine]) -> bytes:
    """The archive: init, bin/NAME of every program once, plan."""
    writer = CpioWriter()
    writer.add("init", EXECUTABLE, init.read_bytes())
    writer.add("bin", DIRECTORY)
    files: dict[str, Path] = {}
    for line in lines:
        known = files.setdefault(line.name, line.file)
        if known != line.file:
            raise ToolError(f"two programs are called {line.name}: {known} and {line.file}")
    for name, file in files.items():
        writer.add(f"bin/{name}", EXECUTABLE, file.read_bytes())
    writer.add("plan", PLAIN, plan_text(lines).encode())
    return bytes(writer)
