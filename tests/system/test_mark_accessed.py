"""Pages of files that are used by calls are known to be used: one that was read or written twice is activated, as on Linux, and
what is read over and over stays in memory while other pages come and go."""

import unittest

import support
from support import program, scenario

# As in user/tests/reread.c: the places of the file, in pages.
PAGES = 32
WRITTEN, TWICE, MIDDLE, MAPPED, ACTIVE, HOT = (0x1000000 + i * 0x10000 for i in range(6))
HOT_PAGES = 128


class MarkAccessedTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.sessions = {policy: cls.record(policy, scenario([program("reread")], memory="16M", swap="64M", cpus=2, policy=policy))
                        for policy in ("two_list", "incumbent")}

    def activated(self, place: int) -> int:
        """Pages of a place that a use activated before the pressure began. New ones are inactive with this policy."""
        return self.sessions["two_list"].value("""
            SELECT count(DISTINCT pgoff) FROM cache_span JOIN lru_span USING (pfn)
            WHERE pgoff >= :place AND pgoff < :place + :pages AND lru_span.t_begin >= cache_span.t_begin
            AND lru_span.t_begin < min(cache_span.t_end, (SELECT min(t_begin) FROM cache_span WHERE pgoff = :hot))
            AND list = 'active_anon' AND why_in = 'accessed'""", place=place, pages=PAGES, hot=HOT)

    def test_sessions_are_clean(self):
        for policy, recorded in self.sessions.items():
            with self.subTest(policy):
                self.assert_clean(recorded, [("reread", 0)])

    def test_the_second_use_activates(self):
        for name, place in ("read", TWICE), ("mapped", MAPPED), ("written in pieces", ACTIVE):
            with self.subTest(name):
                self.assertEqual(self.activated(place), PAGES)

    def test_one_use_does_not(self):
        for name, place in ("written", WRITTEN), ("read in the middle", MIDDLE):
            with self.subTest(name):
                self.assertEqual(self.activated(place), 0)

    def test_what_is_read_over_and_over_stays(self):
        for policy, recorded in self.sessions.items():
            with self.subTest(policy):
                self.assertGreater(recorded.value("SELECT count(*) FROM eviction"), 10000)
                self.assertLess(recorded.value("""
                    SELECT count(*) FROM cache_span WHERE kind = 'swap' AND pgoff >= :hot AND pgoff < :hot + :pages""",
                                               hot=HOT, pages=HOT_PAGES), HOT_PAGES)


if __name__ == "__main__":
    unittest.main()
