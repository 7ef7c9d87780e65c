"""What the tests of the tools share: import paths, the tiny guest, a build directory made of
stand-ins.
"""

import importlib.machinery
import importlib.util
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "qmp-driver"), str(ROOT / "tools")]

PALIMPSEST = ROOT / "tools" / "palimpsest"
GUEST_SOURCE = Path(__file__).with_name("guest.S")
CROSS_COMPILE = os.environ.get("CROSS_COMPILE", "x86_64-linux-gnu-")


def cookbook():
    """tools/cookbook as a module, which unpacks the reference session; its name has no .py."""
    loader = importlib.machinery.SourceFileLoader("cookbook", str(ROOT / "tools/cookbook"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("cookbook", loader))
    loader.exec_module(module)
    return module


class TemporaryDirectoryTest(unittest.TestCase):
    """A test with a directory of its own, self.directory."""

    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory(prefix="plm-test-")
        self.addCleanup(holder.cleanup)
        self.directory = Path(holder.name)


OPEN = 9223372036854775807  # t_end of what was still there when the trace ended


class DatabaseTest(TemporaryDirectoryTest):
    """A test with a session database, self.database, of the committed schema and without rows."""

    def setUp(self) -> None:
        super().setUp()
        self.database = sqlite3.connect(self.directory / "session.db", isolation_level=None)
        self.addCleanup(self.database.close)
        self.database.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; BEGIN;"
                                    + (ROOT / "schema.sql").read_text() + "COMMIT;")
        self.columns = {}
        self.last_id = 0

    def add(self, table: str, **values) -> None:
        """A row; columns that are not given are 0, empty, or NULL where that is allowed. An event's
        id follows the row before."""
        if table not in self.columns:
            self.columns[table] = self.database.execute(f"PRAGMA table_info({table})").fetchall()
        row = {}
        for _, name, kind, not_null, _, key in self.columns[table]:
            if name == "id" and key:
                self.last_id += 1
                row[name] = values.pop(name, self.last_id)
            else:
                row[name] = values.pop(name, ("" if kind == "TEXT" else 0) if not_null else None)
        self.assertEqual(values, {}, f"columns that {table} does not have")
        names = ", ".join(f'"{name}"' for name in row)
        self.database.execute(f"INSERT INTO {table} ({names}) VALUES "
                              f"({', '.join('?' * len(row))})", list(row.values()))


def cookbook():
    """tools/cookbook as a module; its name has no .py. Its unpack() makes the reference session."""
    loader = importlib.machinery.SourceFileLoader("cookbook", str(ROOT / "tools" / "cookbook"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("cookbook", loader))
    loader.exec_module(module)
    return module


def build_guest(path: Path, behaviour: str) -> None:
    """Assemble guest.S; behaviour is one of the names at its top."""
    subprocess.run([f"{CROSS_COMPILE}gcc", "-m32", "-nostdlib", "-static",
                    "-Wl,-Ttext-segment=0x100000,--build-id=none,-z,noexecstack", f"-D{behaviour}",
                    "-o", str(path), str(GUEST_SOURCE)], check=True)


# Stands for palimpsest-ingest: a database with just what the driver asks for.
INGEST = """#!/usr/bin/python3
import sqlite3, sys
if "--seal" in sys.argv:
    open(sys.argv[1] + "/packets.tsv", "w").close()
    sys.exit(0)
with sqlite3.connect(sys.argv[1] + "/session.db") as db:
    db.executescript('''
{sql}
''')
sys.exit({status})
"""

# What marks a session database (schema.sql).
MARK = """
PRAGMA application_id = 0x504c4d50;
PRAGMA user_version = 1;
"""
EMPTY_RESULTS = MARK + """
CREATE TABLE session (key TEXT, value TEXT);
CREATE TABLE loss (cpu, emitted, received, discarded, stalled_ns, tail);
INSERT INTO loss VALUES (0, 10, 10, 0, 0, 'none');
"""


def fake_build(directory: Path, behaviour: str = "ENDS", sql: str = EMPTY_RESULTS,
               ingest_status: int = 0) -> Path:
    """A build directory whose kernel is the tiny guest."""
    build = directory / "build"
    (build / "user").mkdir(parents=True)
    (build / "ctf").mkdir()
    build_guest(build / "kernel.elf", behaviour)
    (build / "user" / "init").write_bytes(b"init")
    static_program(build / "user" / "hello")
    (build / "ctf" / "metadata").write_text("/* CTF 1.8 */\n")
    (build / "ctf" / "events.tsv").write_text("1\tsession_begin\n")
    ingest = build / "palimpsest-ingest"
    ingest.write_text(INGEST.format(sql=sql, status=ingest_status))
    ingest.chmod(0o755)
    recover = build / "palimpsest-recover"
    recover.write_text("#!/bin/sh\n")
    recover.chmod(0o755)
    return build


def static_program(path: Path) -> None:
    """The smallest file that is a static x86-64 program to whoever reads its header."""
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    header[16:20] = b"\x02\x00\x3e\x00"  # ET_EXEC, EM_X86_64
    path.write_bytes(header)


def palimpsest(*arguments: str, sessions: Path, **options) -> subprocess.CompletedProcess:
    """Run the front door with its own sessions directory."""
    environment = dict(os.environ, PALIMPSEST_SESSIONS=str(sessions), **options.pop("env", {}))
    return subprocess.run([str(PALIMPSEST), *arguments], capture_output=True, text=True,
                          timeout=120, env=environment, **options)
