"""Programs on the host's disk: found by name, and checked for what the guest can run."""

import shutil
import struct
from pathlib import Path

from build import Build
from errors import ToolError

ELF_CLASS_64 = 2
ELF_TYPES = (2, 3)  # ET_EXEC, ET_DYN (static-pie)
ELF_MACHINE_X86_64 = 62
PROGRAM_INTERPRETER = 3  # PT_INTERP
SCRIPT_HEAD = 256  # what the kernel reads of a script's first line
HEADER = struct.Struct("<4sBB10xHHIQQQIHHHHHH")


def find(name: str, build: Build, relative_to: Path | None = None) -> Path:
    """A path when name has a slash; else one of the tree's own programs, else one in $PATH."""
    if "/" in name:
        path = (relative_to or Path()) / name
        if not path.is_file():
            raise ToolError(f"{path}: no such program")
        return path
    found = build.program(name) or shutil.which(name)
    if found is None:
        raise ToolError(f"{name}: no such program in {build.directory / 'user'} or $PATH")
    return Path(found)


def interpreter(path: Path) -> list[str]:
    """Of a script: the program behind its #!, and the one that this finds in $PATH when it is env.
    Empty when it is no script."""
    with open(path, "rb") as file:
        head = file.read(SCRIPT_HEAD)
    if not head.startswith(b"#!"):
        return []
    words = head[2:].partition(b"\n")[0].decode(errors="replace").split(maxsplit=1)
    if not words:
        raise ToolError(f"{path}: no interpreter behind #!")
    if words[0].endswith("/env") and len(words) == 2 and not words[1].startswith("-"):
        return [words[0], f"/bin/{words[1].split()[0]}"]
    return words[:1]


def _advice(path: Path) -> str:
    """How to get a static program of that name."""
    if path.name == "bash":
        return "Debian's package bash-static has one, bash-static"
    if path.name in ("sh", "dash", "ash"):
        return "busybox has a static one (package busybox-static, --busybox)"
    return "link it with -static (musl-gcc -static); of the usual tools busybox has its own (--busybox)"


def check_static(path: Path) -> None:
    """Refuse what the guest cannot run, here rather than by a failed exec in the guest."""
    try:
        with open(path, "rb") as file:
            head = file.read(HEADER.size)
            if len(head) < HEADER.size or head[:4] != b"\x7fELF":
                raise ToolError(f"{path}: not an ELF program")
            (_, elf_class, _, kind, machine, _, _, table, _, _, _, entry_size, entries, *_) = (
                HEADER.unpack(head))
            if (elf_class, machine) != (ELF_CLASS_64, ELF_MACHINE_X86_64) or kind not in ELF_TYPES:
                raise ToolError(f"{path}: not an x86-64 program")
            file.seek(table)
            headers = file.read(entry_size * entries)
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from error
    for offset in range(0, len(headers) - 3, entry_size or 1):
        if struct.unpack_from("<I", headers, offset)[0] == PROGRAM_INTERPRETER:
            raise ToolError(f"{path}: dynamically linked; the guest runs static programs: {_advice(path)}")
