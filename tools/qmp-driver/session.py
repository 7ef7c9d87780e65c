"""Session directories: made, found, opened, sealed.

  scenario.toml   what was asked            machine.json   how QEMU was started and how it ended
  console.log     the guest's console       qemu.log       QEMU's own messages, if any
  ctf/            metadata, one stream file per CPU
  events.tsv      names, sizes and layouts of the events
  packets.tsv     a checksum of every packet, taken when the session ended
  verify/         what was read of guest memory
  session.db      SQLite                    *.svg, *.dot   pictures
  manifest.sha256 checksums, as `sha256sum -c` reads them
"""

import hashlib
import os
import sqlite3
import time
import urllib.parse
from pathlib import Path

from build import ROOT
from errors import ToolError

DATABASE = "session.db"
LIVE_DATABASE = "live.db"  # while the session is being recorded with --follow
PACKETS = "packets.tsv"
MANIFEST = "manifest.sha256"
LATEST = "latest"

# PRAGMA application_id and user_version of schema.sql.
APPLICATION_ID = 0x504C4D50
SCHEMA_VERSION = 1


def sessions_directory() -> Path:
    """Where sessions go that were given no place: $PALIMPSEST_SESSIONS, else sessions/ of this
    tree.
    """
    return Path(os.environ.get("PALIMPSEST_SESSIONS") or ROOT / "sessions")


def create(directory: str | None) -> Path:
    """A new session directory: the one named, which must be empty or not exist, or one named by the
    time.
    """
    try:
        if directory is None:
            return _create_by_time()
        path = Path(directory).absolute()
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise ToolError(f"{path}: not empty; a session needs a directory of its own")
    except OSError as error:
        raise ToolError(f"{error.filename}: {error.strerror}") from error
    return path


def _create_by_time() -> Path:
    parent = sessions_directory()
    parent.mkdir(parents=True, exist_ok=True)
    stem = time.strftime("auto-%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{n}" for n in range(2, 100))):
        try:
            path = parent / (stem + suffix)
            path.mkdir()
            return path.absolute()
        except FileExistsError:
            continue
    raise ToolError(f"{parent}: too many sessions called {stem}")


def point_latest(directory: Path) -> None:
    """Make sessions/latest name this session, at once: a reader sees the old one or the new one."""
    parent = sessions_directory()
    parent.mkdir(parents=True, exist_ok=True)
    inside = directory.resolve().parent == parent.resolve()
    fresh = parent / f".{LATEST}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(directory.name if inside else directory.resolve())
    os.replace(fresh, parent / LATEST)


def find(name: str | None) -> Path:
    """A session by path, by its name in the sessions directory, or the newest."""
    if name is None:
        path = sessions_directory() / LATEST
        if not path.is_dir():
            raise ToolError("there is no session yet: record one with `make trace-run` or "
                            "`tools/palimpsest record -- PROGRAM`")
        return path.resolve()
    for path in (Path(name), sessions_directory() / name):
        if path.is_dir():
            return path.resolve()
    raise ToolError(f"{name}: no such session")


def open_database(directory: Path) -> sqlite3.Connection:
    """The session's database, for reading. The caller closes it (contextlib.closing)."""
    path = directory / DATABASE
    if (directory / LIVE_DATABASE).is_file():
        path = directory / LIVE_DATABASE
    if not path.is_file():
        raise ToolError(f"{directory} has no {DATABASE}: run `tools/palimpsest ingest {directory}`")
    database = sqlite3.connect(f"file:{urllib.parse.quote(str(path))}?mode=ro", uri=True)
    try:
        found = tuple(database.execute(f"PRAGMA {name}").fetchone()[0]
                      for name in ("application_id", "user_version"))
    except sqlite3.DatabaseError as error:
        raise ToolError(f"{path}: {error}") from error
    if found != (APPLICATION_ID, SCHEMA_VERSION):
        raise ToolError(f"{path} is not a session database of this version: "
                        f"run `tools/palimpsest ingest {directory}`")
    return database


def shown(directory: Path) -> str:
    """The session's path as the user would type it."""
    try:
        return str(directory.relative_to(Path.cwd()))
    except ValueError:
        return str(directory)


def write_manifest(directory: Path) -> None:
    """Checksums of every file of the session."""
    lines = []
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            lines.append(f"{digest}  {path.relative_to(directory)}\n")
    fresh = directory / f".{MANIFEST}"
    fresh.write_text("".join(lines))
    os.replace(fresh, directory / MANIFEST)
