"""What goes into the guest's file system beside init: programs, the files they need, busybox.

    packing = Packing(build)
    packing.add(Path("data"), "/data")
    packing.add_busybox()
    line = packing.program(Program("script", "./script.sh"))
    packing.members                              # by path in the guest
"""

import shutil
import stat
import subprocess
from pathlib import Path, PurePosixPath

import programs
from build import Build
from errors import ToolError
from initramfs import DIRECTORY, EXECUTABLE, SYMLINK, Member, PlanLine
from scenario import Program

BIN = "/bin"
BUSYBOX = f"{BIN}/busybox"
SYSTEM_DIRECTORIES = ("/bin", "/usr/bin", "/sbin", "/usr/sbin")
# Where programs expect to find room.
EMPTY_DIRECTORIES = {"/tmp": stat.S_IFDIR | 0o1777}


class Packing:
    """Collects members; every mistake is a ToolError that names the file."""

    def __init__(self, build: Build) -> None:
        self.members: dict[str, Member] = {path: Member(mode) for path, mode in EMPTY_DIRECTORIES.items()}
        self._build = build
        self._applets: frozenset[str] = frozenset()

    def add(self, host: Path, guest: str) -> None:
        """A file, or a directory with all that is in it. A link that `host` itself is is followed;
        those below stay links."""
        if not host.exists():
            raise ToolError(f"{host}: no such file or directory")
        self._add(host, host.stat(), guest.rstrip("/") or "/")

    def add_busybox(self) -> None:
        """/bin/busybox, and a link for each of its applets that is not there yet."""
        if self._applets:
            return
        found = shutil.which("busybox")
        if found is None:
            raise ToolError("busybox not found: run `make deps` (package busybox-static)")
        programs.check_static(Path(found))
        listed = subprocess.run([found, "--list"], check=True, capture_output=True, text=True)
        self._applets = frozenset(listed.stdout.split()) - {"busybox"}
        self._put(BUSYBOX, Member(EXECUTABLE, Path(found)))
        for applet in sorted(self._applets):
            self.members.setdefault(f"{BIN}/{applet}", Member(SYMLINK, text=b"busybox"))

    def program(self, program: Program) -> PlanLine:
        """Packs a program with what it needs to be executed."""
        stdin = f"/stdin/{program.name}" if program.stdin else ""
        if program.stdin:
            self.add(Path(program.stdin), stdin)
        return PlanLine(program.name, program.mode, program.args, self._executable(program),
                        program.env, program.cwd, stdin, program.terminal and not stdin)

    def _executable(self, program: Program) -> str:
        """Its path in the guest."""
        if program.file in self._applets and self._build.program(program.file) is None:
            return f"{BIN}/{program.file}"
        if program.file.startswith("/") and self._is_file(program.file):
            return program.file
        file = programs.find(program.file, self._build)
        path = f"{BIN}/{program.name}"
        if interpreter := programs.interpreter(file):
            for needed in interpreter:
                self._require(needed, file)
        else:
            programs.check_static(file)
        self._put(path, Member(EXECUTABLE, file))
        return path

    def _require(self, path: str, script: Path) -> None:
        """What a script names behind #! is to be in the guest: one packed by name, an applet of
        busybox, or the host's own when it is static."""
        where, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
        if self._is_file(path):
            return
        if static := shutil.which(f"{name}-static"):
            self.add(Path(static), path)
            return
        if where in SYSTEM_DIRECTORIES and name != "bash":
            self.add_busybox()
            if name in self._applets:
                self.members.setdefault(path, Member(SYMLINK, text=BUSYBOX.encode()))
                return
        found = Path(path)
        if not found.is_file():
            raise ToolError(f"{script}: its interpreter {path} is not on this host, nor packed by --file")
        try:
            programs.check_static(found)
        except ToolError as error:
            raise ToolError(f"{script}: its interpreter {error}") from error
        self.add(found, path)

    def _is_file(self, path: str) -> bool:
        return path in self.members and self.members[path].mode != DIRECTORY

    def _add(self, host: Path, status, guest: str) -> None:
        kind = stat.S_IFMT(status.st_mode)
        mode = kind | stat.S_IMODE(status.st_mode)
        if kind == stat.S_IFREG:
            self._put(guest, Member(mode, host))
        elif kind == stat.S_IFLNK:
            self._put(guest, Member(SYMLINK, text=str(host.readlink()).encode()))
        elif kind == stat.S_IFDIR:
            if guest != "/":
                self.members.setdefault(guest, Member(mode))
            for child in sorted(host.iterdir()):
                self._add(child, child.lstat(), f"{guest.rstrip('/')}/{child.name}")
        else:
            raise ToolError(f"{host}: neither a file, a directory nor a symbolic link")

    def _put(self, path: str, member: Member) -> None:
        known = self.members.get(path)
        if known is not None and known != member and known.mode != SYMLINK:
            raise ToolError(f"{path} in the guest is to be both {_source(known)} and {_source(member)}")
        self.members[path] = member


def _source(member: Member) -> str:
    return str(member.file) if member.file is not None else "a link or a directory"

