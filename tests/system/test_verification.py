"""The trace is complete: guest memory, read out of a dump by a reader that shares nothing with the kernel's own checks,
equals the state rebuilt from the events; and the comparison finds one wrong row and one wrong bit."""

import contextlib
import shutil
import sqlite3
import subprocess
import unittest
from pathlib import Path

import support
import comparison
import session
import state
import verification
import verify_def
from build import Build
from guestram.layout import Layout
from guestram.memory import Kernel, Memory
from guestram.walk import SOURCES, walk
from instants import Plan
from recording import Recording
from stalled import StalledRecording
from support import program, scenario

MAX_BUSY = 64
PLAN = {"verify": Plan(barriers=3, arbitrary=2, every_bytes=256 << 10)}


class VerificationTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.sessions = {
            "pressure": cls.record("pressure", scenario(
                [program("thrash", "--size", "16M", "--rounds", "1", mode="bg"),
                 program("mapchurn", "--size", "8M", "--steps", "300", "--range", "64")],
                memory="16M", cpus=4, **PLAN)),
            "forkshare": cls.record("forkshare", scenario(
                [program("forkshare", "--size", "5M", "--children", "3", "--rounds", "1")],
                memory="10M", cpus=2, **PLAN)),
            "oom": cls.record("oom", scenario(
                [program("oomhog")], memory="12M", cpus=2, swap="8M",
                verify=Plan(barriers=3, arbitrary=2, every_bytes=128 << 10))),
        }

    def test_there_was_pressure(self):
        for name, sql in (("pressure", "SELECT count(*) > 1000 FROM eviction"),
                          ("forkshare", "SELECT count(*) > 100 FROM eviction"),
                          ("oom", "SELECT count(*) > 0 FROM oom_kill")):
            self.assertTrue(self.sessions[name].value(sql), name)

    def test_memory_equals_the_trace(self):
        for name, recorded in self.sessions.items():
            with self.subTest(name):
                self.assert_complete(recorded)
                found, failures = verification.check(recorded.directory, recorded.database)
                self.assertEqual(failures, [])
                self.assertEqual(sorted(one.kind for one in found), ["arbitrary"] * 2 + ["barrier"] * 3)
                for one in found:
                    self.assertEqual(verification.lines(one)[1:], [])
                    self.assertLessEqual(len(one.busy), 0 if one.kind == "barrier" else MAX_BUSY)
                    self.assertGreater(one.objects, 1000)

    def test_nothing_else_is_excused_at_an_arbitrary_instant(self):
        """The area is one of init's, which waits: any lock that others contend for may be held at the instant."""
        recorded = self.sessions["pressure"]
        found, _ = verification.check(recorded.directory, recorded.database)
        instant = next(one for one in found if one.kind == "arbitrary")
        path = self.directory / "arbitrary.db"
        shutil.copyfile(recorded.directory / session.DATABASE, path)
        with contextlib.closing(sqlite3.connect(path)) as database:
            vma_id = database.execute("SELECT vma_id FROM vma_span WHERE mm_id = 1 AND anon_vma_id = 0 "
                                      "AND t_begin <= ? AND ? < t_end", (instant.t, instant.t)).fetchone()[0]
            with database:
                database.execute("DELETE FROM vma_span WHERE vma_id = ?", (vma_id,))
            altered, _ = verification.check(recorded.directory, database)
        told = verification.lines(next(one for one in altered if one.instant == instant.instant))
        self.assertEqual(len(told), 2, told)
        self.assertIn(f"  vma vma_id {vma_id}: memory mm_id=1 ", told[1])
        self.assertIn("trace none; last event: vma_create", told[1])

    def verify(self) -> subprocess.CompletedProcess:
        return subprocess.run([str(support.PALIMPSEST), "verify", str(self.sessions["oom"].directory)],
                              text=True, check=False, capture_output=True,
                              timeout=support.COMMAND_SECONDS)

    def test_verify_tells_and_fails(self):
        recorded = self.sessions["oom"]
        session.write_manifest(recorded.directory)
        done = self.verify()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(done.stdout.splitlines()), 6, done.stdout)
        t, slot = recorded.rows("""
            SELECT v.t, slot FROM trace_barrier v JOIN swap_span ON t_begin <= v.t AND v.t < t_end
            WHERE n = 3 LIMIT 1""")[0]
        path = recorded.directory / session.DATABASE
        kept = self.directory / "kept.db"
        shutil.copyfile(path, kept)
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE swap_span SET refs = refs + 7 WHERE slot = ? AND t_begin <= ? AND ? < t_end",
                             (slot, t, t))
        done = self.verify()
        shutil.copyfile(kept, path)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(done.stdout, rf"(?m)^instant \d+, barrier, t={t}: \d+ objects, 0 busy, 1 different\n"
                                      rf"  slot slot {slot}: memory refs=\d+, trace refs=\d+; last event: swap_slot_")


class AlteredTest(support.SystemTest):
    """One thing wrong on either side is found, named, and is all that is found."""

    @classmethod
    def prepare(cls) -> None:
        cls.layout = Layout(Build().kernel, SOURCES)
        cls.recorded = cls.record("altered", scenario(
            [program("thrash", "--size", "16M", "--rounds", "1")], memory="12M"), cls._dump)

    @classmethod
    def _dump(cls, recording: Recording) -> None:
        machine = recording.machine
        cls.dump = cls.directory / "dump"
        machine.console.wait_line(r"thrash\.fill_time", support.SESSION_SECONDS)
        machine.ctl("hold")
        machine.console.wait_line("held at barrier 1", support.COMMAND_SECONDS)
        machine.qmp.execute("stop")
        machine.qmp.execute("dump-guest-memory", {
            "paging": False, "protocol": f"file:{cls.dump}"}, timeout_s=support.COMMAND_SECONDS)
        machine.qmp.execute("cont")
        machine.ctl("go")

    def compare(self, dump: Path, database: sqlite3.Connection) -> list[tuple[str, str, str]]:
        """What differs at the barrier."""
        t = database.execute("SELECT t FROM trace_barrier WHERE n = 1").fetchone()[0]
        names = comparison.Names(database)
        objects = walk(self.layout, dump).objects
        found = []
        for kind in verify_def.kinds():
            rows = comparison.from_trace(state.at(database, t), kind, names)
            found += comparison.compare(kind, objects[kind.name], rows, names)[1]
        return [(one.name, one.text(one.memory), one.text(one.trace)) for one in found]

    def altered(self, sql: str, **parameters) -> sqlite3.Connection:
        """A copy of the database, changed."""
        path = self.directory / f"{self.id()}.db"
        shutil.copyfile(self.recorded.directory / session.DATABASE, path)
        database = sqlite3.connect(path)
        self.addCleanup(database.close)
        with database:
            self.assertEqual(database.execute(sql, parameters).rowcount, 1)
        return database

    def one_at_the_barrier(self, columns: str, table: str, condition: str) -> tuple:
        return self.recorded.rows(f"""
            SELECT {columns} FROM {table}, trace_barrier b
            WHERE n = 1 AND t_begin <= b.t AND b.t < t_end AND {condition} LIMIT 1 OFFSET 40""")[0]

    def test_unaltered(self):
        self.assert_clean(self.recorded, [("thrash", 0)])
        self.assertEqual(self.compare(self.dump, self.recorded.database), [])

    def test_dropped_entry(self):
        row, mm_id, va, slot = self.one_at_the_barrier(
            "pte_span.rowid, mm_id, va, slot", "pte_span", "kind = 'swap'")
        database = self.altered("DELETE FROM pte_span WHERE rowid = :row", row=row)
        self.assertEqual(self.compare(self.dump, database), [
            (f"pte mm_id {mm_id} va {va:#x}", f"kind=swap pfn=None slot={slot} flags=0", "none")])

    def test_moved_page(self):
        row, pfn, pos = self.one_at_the_barrier(
            "lru_span.rowid, pfn, pos", "lru_span", "list = 'inactive_anon'")
        database = self.altered("UPDATE lru_span SET pos = -1000 WHERE rowid = :row", row=row)
        found = self.compare(self.dump, database)
        self.assertEqual([name for name, _, _ in found], [f"lru pfn {pfn}"])
        self.assertRegex(found[0][1], rf"^pos={pos} place=\d+$")
        self.assertRegex(found[0][2], r"^pos=-1000 place=\d+$")

    def test_flipped_field(self):
        pfn, = self.one_at_the_barrier("pfn", "rmap_span", "1")
        page = self.layout.struct("page")
        with Memory(self.dump) as memory:
            kernel = Kernel(self.layout, memory)
            place = memory.place(kernel.physical(kernel.value("mem_map")) + pfn * page.size
                                 + page.offset("mapcount"))
        flipped = self.directory / "flipped"
        shutil.copyfile(self.dump, flipped)
        flipped.chmod(0o600)
        with open(flipped, "r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 4]))
        self.assertEqual(self.compare(flipped, self.recorded.database),
                         [(f"mapcount pfn {pfn}", f"mapcount={(byte ^ 4) + 1}",
                           f"mapcount={byte + 1}")])

    def test_what_is_told(self):
        row, mm_id, va = self.one_at_the_barrier("pte_span.rowid, mm_id, va", "pte_span", "kind = 'page'")
        event = self.recorded.rows("""
            SELECT id, t FROM (SELECT id, t, mm_id, va FROM pte_set UNION SELECT id, t, mm_id, va FROM pte_young)
            WHERE mm_id = :mm_id AND va = :va AND t <= (SELECT t FROM trace_barrier WHERE n = 1)
            ORDER BY id DESC LIMIT 1""", mm_id=mm_id, va=va)[0]
        database = self.altered("UPDATE pte_span SET pfn = pfn + 1 WHERE rowid = :row", row=row)
        t = database.execute("SELECT t FROM trace_barrier WHERE n = 1").fetchone()[0]
        kind = next(kind for kind in verify_def.kinds() if kind.name == "pte")
        names = comparison.Names(database)
        _, found = comparison.compare(kind, walk(self.layout, self.dump).objects["pte"],
                                      comparison.from_trace(state.at(database, t), kind, names), names)
        last = verification.last_event(database, found[0], t)
        self.assertEqual((len(found), last.id, last.t), (1, *event))


class UncertainTest(support.SystemTest):
    """Events were lost while the first program ran: what the trace then does not know it says, and what it says is so."""

    @classmethod
    def prepare(cls) -> None:
        lost = program("forkshare", "--size", "6M", "--children", "4", "--rounds", "1")
        told = program("forkshare", "--size", "6M", "--children", "3", "--rounds", "2")
        cls.recorded = cls.record("uncertain", scenario(
            [lost, told], cpus=2, trace="discard", trace_buffers=4,
            verify=Plan(barriers=2, every_bytes=64 << 10)), None, StalledRecording)

    def test_uncertain_but_never_wrong(self):
        self.assert_ended(self.recorded)
        self.assertGreater(self.recorded.loss.discarded, 1000)
        found, failures = verification.check(self.recorded.directory, self.recorded.database)
        self.assertEqual((failures, len(found)), ([], 2))
        for one in found:
            self.assertEqual(verification.lines(one)[1:], [])
            self.assertLessEqual({finding.guard for finding in one.busy}, {verification.UNCERTAIN})
            self.assertGreater(one.objects - len(one.busy), 200)


if __name__ == "__main__":
    unittest.main()
