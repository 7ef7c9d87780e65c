"""`palimpsest compare` on the reference session and copies of it that were changed on purpose."""

import json
import shutil
import sqlite3
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from contextlib import closing
from pathlib import Path

import support


class CompareTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls) -> None:
        cls.holder = tempfile.TemporaryDirectory(prefix="plm-test-")
        cls.addClassCleanup(cls.holder.cleanup)
        cls.sessions = Path(cls.holder.name)
        cls.directory = support.cookbook().unpack(cls.sessions)

    def copy(self, name: str, *changes: str) -> str:
        """A session like the reference but for what the statements change."""
        directory = self.sessions / name
        directory.mkdir()
        self.addCleanup(shutil.rmtree, directory)
        for file in ("session.db", "scenario.toml"):
            shutil.copy(self.directory / file, directory / file)
        with closing(sqlite3.connect(directory / "session.db")) as database:
            for change in changes:
                database.execute(change)
            database.commit()
        return name

    def compare(self, *arguments: str):
        return support.palimpsest("compare", *arguments, sessions=self.sessions)

    def told(self, *arguments: str) -> dict:
        done = self.compare("--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_a_session_equals_itself(self):
        done = self.compare("reference", self.copy("same"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0].split(), ["reference", "same", "change"])
        self.assertEqual(lines[-1], "all 1,712 evictions are of the same pages, with the same verdicts")
        changes = {line.split()[-1] for line in lines[1:-2]}
        self.assertEqual(changes, {"+0.0%"})

    def test_figures_are_those_of_the_events(self):
        one = self.told("reference", "reference")["sessions"][0]
        with closing(sqlite3.connect(self.directory / "session.db")) as database:
            def count(sql: str):
                return database.execute(sql).fetchone()[0]
            self.assertEqual(one["evictions"], count("SELECT count(*) FROM page_evicted"))
            self.assertEqual(one["pages_out"], count("SELECT count(*) FROM swap_out_end WHERE error = 0"))
            self.assertEqual(one["pages_in"], count("SELECT count(*) FROM swap_in_end WHERE error = 0"))
            self.assertEqual(one["scanned"], count("SELECT count(*) FROM reclaim_decision"))
            self.assertEqual(one["direct_reclaims"], count("SELECT count(*) FROM mm_vmscan_direct_reclaim_end"))
            self.assertEqual(one["oom_kills"], count("SELECT count(*) FROM mark_victim"))
            self.assertEqual(sum(one["faults"].values()), count("SELECT count(*) FROM page_fault_end"))
            waits = sorted(row[0] for row in database.execute("SELECT latency_ns FROM page_fault_end"))
        self.assertEqual(one["fault_p50_ns"], waits[-(-len(waits) * 50 // 100) - 1])
        self.assertEqual(one["fault_p99_ns"], waits[-(-len(waits) * 99 // 100) - 1])
        self.assertEqual(one["scan_cost"], round(one["scanned"] / one["evictions"], 2))

    def test_first_difference_and_deltas(self):
        other = self.copy("other", "UPDATE eviction SET reason = 'freed' WHERE n = 900",
                          "DELETE FROM eviction WHERE n > 1700", "UPDATE fault SET latency_ns = latency_ns * 2",
                          "DELETE FROM oom_kill")
        told = self.told("reference", other)
        first, second = told["sessions"]
        self.assertEqual(told["first_difference"]["n"], 900)
        verdicts = [eviction["verdict"] for eviction in told["first_difference"]["evictions"]]
        self.assertEqual(verdicts, ["write", "freed"])
        self.assertEqual([first[name] - second[name] for name in ("evictions", "oom_kills", "pages_out")], [12, 1, 0])
        self.assertEqual(second["fault_p99_ns"], 2 * first["fault_p99_ns"])
        lines = self.compare("reference", other).stdout.splitlines()
        self.assertIn("the first 899 evictions are of the same pages; number 900 differs:", lines)
        self.assertEqual(lines[-2].split()[0], "reference:")
        self.assertIn("+100.0%", next(line for line in lines if "99 %" in line))

    def test_pages_of_files_are_told_apart(self):
        """Another page of the same file is another content, though no entry names the slot of either."""
        with closing(sqlite3.connect(self.sessions / "reference" / "session.db")) as database:
            event, mapping_id, pgoff, slot, t, n = database.execute(
                "SELECT eviction_id, mapping_id, pgoff, e.slot, e.t, n FROM file_eviction f JOIN eviction e ON e.id = eviction_id "
                "ORDER BY e.id LIMIT 1 OFFSET 10").fetchone()
        other = self.copy("moved", f"UPDATE cache_span SET pgoff = pgoff + 100000 WHERE mapping_id = {mapping_id} "
                          f"AND pgoff = {pgoff} AND slot = {slot} AND t_begin <= {t} AND {t} < t_end")
        told = self.told("reference", other)
        self.assertEqual(told["first_difference"]["n"], n)
        self.assertEqual([eviction["pgoff"] for eviction in told["first_difference"]["evictions"]], [pgoff, pgoff + 100000])
        self.assertTrue(any(f"page {pgoff} of the file that was number" in line
                            for line in self.compare("reference", other).stdout.splitlines()))

    def test_one_that_evicts_less(self):
        told = self.told("reference", self.copy("less", "DELETE FROM eviction WHERE n > 1700"))
        self.assertEqual(told["first_difference"]["n"], 1701)
        self.assertIsNone(told["first_difference"]["evictions"][1])

    def test_picture_has_all_sessions_in_each_panel(self):
        path = self.sessions / "x.svg"
        done = self.compare("reference", self.copy("second"), self.copy("third"), "-o", str(path))
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, str(path)))
        root = ElementTree.fromstring(path.read_text())
        self.assertEqual(sum(element.tag.endswith("}polyline") for element in root.iter()), 4 * 3)
        texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
        for name in ("reference", "second", "third"):
            self.assertIn(name, texts)

    def test_other_programs_are_refused(self):
        other = self.copy("stranger")
        scenario = self.sessions / other / "scenario.toml"
        scenario.write_text(scenario.read_text().replace('"8000K"', '"6400K"'))
        done = self.compare("reference", other)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        self.assertRegex(done.stderr, "zipf --size 8000K.*zipf --size 6400K.*not one workload; --force")
        self.assertEqual(self.compare("reference", other, "--force").returncode, 0)

    def test_other_settings_are_told(self):
        other = self.copy("larger")
        scenario = self.sessions / other / "scenario.toml"
        scenario.write_text(scenario.read_text().replace('"12M"', '"14M"'))
        self.assertEqual(self.told("reference", other)["settings"], {"memory_bytes": [12 << 20, 14 << 20]})

    def test_what_cannot_be_compared(self):
        other = self.copy("bare")
        (self.sessions / other / "scenario.toml").unlink()
        for arguments, message in ((("reference",), "name two sessions or more"), (("reference", "none"), "no such session"),
                                   (("reference", other), "has no scenario.toml: what ran there is not known")):
            with self.subTest(arguments):
                done = self.compare(*arguments)
                self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
                self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
