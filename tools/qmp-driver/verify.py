"""Compare a session with the checksums that were taken when it ended, and what was read of guest memory
with the state rebuilt from the trace.

Exit status: 0 when all that was recorded is as it was and memory agreed with the trace, 1 when something does not. What can
be made anew from the rest (the database, pictures) is named when it has changed, and does not count.
"""

import hashlib
import subprocess
from contextlib import closing
from pathlib import Path

import session
import verification
from build import Build, set_build_option
from errors import ToolError

# Made from what was recorded: by ingest and by the pictures.
DERIVED = ("session.db", "*.svg", "*.dot", "*.png", "*.html", "*.perfetto-trace",
           "trace.dat", "*.csv")


def set_argparser(parser) -> None:
    parser.add_argument("session", metavar="SESSION", nargs="?",
                        help="session directory or name (default: the newest)")
    set_build_option(parser)


def main(args) -> int:
    directory = args.session
    changed = [name for name, digest in _manifest(directory) if _sha256(directory / name) != digest]
    derived = [name for name in changed if any(Path(name).match(pattern) for pattern in DERIVED)]
    recorded = [name for name in changed if name not in derived]
    for name in recorded:
        print(f"{directory / name}: {_what_happened(directory / name)}")
    if any(name.startswith("ctf/cpu") for name in recorded):
        print(_changed_packets(directory, Build(args.build).ingest), end="")
    for name in derived:
        print(f"{directory / name}: {_what_happened(directory / name)}, "
              "but can be made anew from the trace")
    if not recorded:
        print(f"{directory}: all that was recorded is as it was")
    agrees = _verify_memory(directory)
    return 1 if recorded or not agrees else 0


def _verify_memory(directory: Path) -> bool:
    """Print how the instants compare; whether memory agrees with the trace at all of them."""
    if not verification.taken(directory):
        print(f"{directory}: guest memory was not read (`verify` in a scenario)")
        return True
    with closing(session.open_database(directory)) as database:
        found, failures = verification.check(directory, database)
    for line in [line for one in found for line in verification.lines(one)] + failures:
        print(line)
    return not failures and not any(one.differences for one in found)


def _manifest(directory: Path) -> list[tuple[str, str]]:
    """(name, checksum) of every file, as sha256sum writes them."""
    path = directory / session.MANIFEST
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}: the session was never sealed") from error
    entries = []
    for number, line in enumerate(lines, 1):
        digest, space, name = line.partition("  ")
        if not space or len(digest) != 64:
            raise ToolError(f"{path}:{number}: not a checksum and a name: the list itself is "
                            "damaged")
        entries.append((name, digest))
    return entries


def _sha256(path: Path) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _what_happened(path: Path) -> str:
    return "is not as it was recorded" if path.exists() else "is missing"


def _changed_packets(directory: Path, ingest: Path) -> str:
    """A line for each packet that differs."""
    if not (directory / session.PACKETS).exists():
        return ""
    done = subprocess.run([str(ingest), str(directory), "--verify"], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # The summary on stderr says nothing that the lines do not; another failure is told as it is.
    return done.stdout or done.stderr
