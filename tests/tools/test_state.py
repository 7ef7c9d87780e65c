"""The memory state at an instant, as the tools ask for it."""

import os
import random
import sqlite3
import subprocess
import unittest
from contextlib import closing

import support
import instant
import state

BUILD = support.ROOT / os.environ.get("PALIMPSEST_BUILD", "build")
NR_INSTANTS = 40


class StateTest(support.DatabaseTest):

    def test_a_span_holds_from_its_begin_until_just_before_its_end(self):
        self.add("swap_cache_span", slot=1, pfn=10, t_begin=100, t_end=200)
        self.add("swap_cache_span", slot=1, pfn=11, t_begin=200, t_end=support.OPEN)
        for t, pfns in ((99, []), (100, [10]), (199, [10]), (200, [11]), (10_000, [11])):
            found = state.at(self.database, t).rows("swap_cache_span", "pfn")
            self.assertEqual([pfn for pfn, in found], pfns, f"at {t}")

    def test_a_condition_with_a_parameter(self):
        for pfn in (10, 11):
            self.add("swap_cache_span", slot=1, pfn=pfn, t_begin=1, t_end=support.OPEN)
        found = state.at(self.database, 5).rows("swap_cache_span", "pfn",
                                                "pfn = :pfn OR pfn = 99", pfn=11)
        self.assertEqual(found, [(11,)])


class KeyframeTest(support.TemporaryDirectoryTest):
    """States by keyframes against those that a look at all spans gives, on the reference session."""

    def test_states_at_random_instants(self):
        session = support.cookbook().unpack(self.directory)
        path = self.directory / "keyframes.db"
        subprocess.run([BUILD / "palimpsest-ingest", session, "-o", path,
                        "--keyframe-events", "2500"], check=True)
        with closing(sqlite3.connect(path)) as database:
            tables = [name for name, in database.execute("SELECT name FROM span_table")]
            self.assertIn("free_span", tables)
            for t in self.instants(database):
                moment = state.at(database, t)
                for table in (*tables, "reclaim_pass"):
                    found = moment.rows(table, "rowid, *")
                    self.assertEqual(sorted(found), database.execute(
                        f"SELECT rowid, * FROM {table} WHERE t_begin <= :t AND :t < t_end "
                        "ORDER BY rowid", {"t": t}).fetchall(), f"{table} at {t}")

    def instants(self, database: sqlite3.Connection) -> list[int]:
        """Random ones, those of keyframes and beside them, and the ends."""
        keyframes = [t for t, in database.execute("SELECT t FROM keyframe ORDER BY k")]
        self.assertGreater(len(keyframes), 10)
        first, last = keyframes[0], instant.end(database)
        chosen = random.Random(1)
        return [0, first - 1, first, first + 1, keyframes[5] - 1, keyframes[5], keyframes[5] + 1,
                keyframes[-1], keyframes[-1] + 1, last, last + 1,
                *(chosen.randrange(first // 2, last) for _ in range(NR_INSTANTS))]


if __name__ == "__main__":
    unittest.main()
