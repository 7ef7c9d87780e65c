"""Pages of files that are locked, cut, read and mapped while others do the same. What the program sees is the same as on Linux."""

import subprocess
import unittest

import support
from build import Build
from support import program, scenario


class PageCacheTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("pagecache", scenario([program("pagecache")], memory="24M", swap="64M", cpus=4))

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("pagecache", 0)])

    def test_guest_agrees_with_host(self):
        done = subprocess.run([str(Build().program("pagecache"))], capture_output=True, text=True, check=False,
                              timeout=support.COMMAND_SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual([line for line in self.recorded.lines if line.startswith("ok ")],
                         [line for line in done.stdout.splitlines() if line.startswith("ok ")])

    def test_a_page_is_unlocked_before_it_is_freed(self):
        """A reader of the lists never meets one that is unevictable though no locked mapping maps it."""
        self.assertGreater(self.recorded.value(
            "SELECT count(*) FROM lru_span WHERE list = 'unevictable' AND why_out = 'munlock'"), 128)
        self.assertEqual(self.recorded.value(
            "SELECT count(*) FROM lru_span WHERE list = 'unevictable' AND why_out = 'free'"), 0)

    def test_pages_that_another_mapping_locks_are_culled(self):
        self.assertGreater(self.recorded.value(
            "SELECT count(*) FROM lru_span WHERE list = 'unevictable' AND why_in = 'cull'"), 0)


if __name__ == "__main__":
    unittest.main()
