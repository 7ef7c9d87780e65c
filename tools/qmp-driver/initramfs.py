"""The guest's first file system: a cpio archive (format newc) with init, programs, files and the plan.

The plan is what init does: a line a program, fields separated by tabs: name, mode (fg: init waits
for it before the next line; bg: it goes on), then argv, whose first member is the program's path in
the guest. A line that begins with a tab sets something for the next program: `env` NAME=VALUE, `cwd`
DIR, `stdin` FILE. In a field, \\t, \\n and \\\\ stand for a tab, a line break and a backslash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from errors import ToolError

DIRECTORY = 0o040755
EXECUTABLE = 0o100755
PLAIN = 0o100644
SYMLINK = 0o120777
ALIGNMENT = 4

# What init reads (user/init.c).
MAX_PLAN_BYTES = 262143
MAX_PROGRAMS = 256
MAX_FIELDS = 32768
TERMINAL = "/dev/ttyS0"
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n"})


@dataclass(frozen=True)
class PlanLine:
    """One program of the plan: its path in the guest, and its arguments behind argv[0]."""

    name: str
    mode: str
    arguments: tuple[str, ...]
    path: str
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = "/"
    stdin: str = ""  # path in the guest; none: it reads the end of file
    terminal: bool = False  # the console is its controlling terminal


@dataclass(frozen=True)
class Member:
    """A file of the guest: the content of a host file, a text (of a symbolic link: where it
    points), or nothing (a directory).
    """

    mode: int
    file: Path | None = None
    text: bytes = field(default=b"")

    def content(self) -> bytes:
        return self.file.read_bytes() if self.file is not None else self.text


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
        links = 2 if mode & 0o170000 == DIRECTORY & 0o170000 else 1
        fields = (inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts += [_padded(header + encoded), _padded(content)]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _plan_lines(line: PlanLine) -> list[tuple[str, ...]]:
    """Its lines, each a list of fields."""
    lines = [("", "env", f"{name}={value}") for name, value in line.environment]
    if line.directory != "/":
        lines.append(("", "cwd", line.directory))
    if line.stdin:
        lines.append(("", "stdin", line.stdin))
    if line.terminal:
        lines.append(("", "terminal", TERMINAL))
    return lines + [(line.name, line.mode, line.path, *line.arguments)]


def plan_text(lines: Sequence[PlanLine]) -> str:
    """The plan file; ToolError for what init could not read."""
    if len(lines) > MAX_PROGRAMS:
        raise ToolError(f"{len(lines)} programs: a plan has at most {MAX_PROGRAMS}")
    rows = [row for line in lines for row in _plan_lines(line)]
    if any("\0" in field for row in rows for field in row):
        raise ToolError("a program cannot be passed a NUL")
    if sum(len(row) for row in rows) > MAX_FIELDS:
        raise ToolError(f"more than {MAX_FIELDS} arguments and variables in all")
    plan = "".join("\t".join(field.translate(ESCAPES) for field in row) + "\n" for row in rows)
    if len(plan.encode()) > MAX_PLAN_BYTES:
        raise ToolError(f"names and arguments take more than {MAX_PLAN_BYTES} bytes")
    return plan


def build(init: Path, lines: Sequence[PlanLine], members: Mapping[str, Member]) -> bytes:
    """The archive: init, plan, and the members by their path in the guest, each behind the
    directory that it is in.
    """
    writer = CpioWriter()
    writer.add("init", EXECUTABLE, init.read_bytes())
    writer.add("plan", PLAIN, plan_text(lines).encode())
    made: set[str] = set()
    for path in sorted(members, key=lambda path: PurePosixPath(path).parts):
        for parent in reversed(PurePosixPath(path).parents):
            if str(parent) != "/" and str(parent) not in made | members.keys():
                made.add(str(parent))
                writer.add(str(parent)[1:], DIRECTORY)
        writer.add(path[1:], members[path].mode, members[path].content())
    return bytes(writer)
