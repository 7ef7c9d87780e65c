"""Accessed bits are real: a page in constant use is found used at every look.

Clearing an accessed bit while a CPU keeps the translation makes the page look unused for ever, and
LRU would be FIFO without anybody noticing; hence one flush a pass, and this test.
"""

import re
import unittest

import support
from support import program, scenario

MIN_LOOKS = 6

# What each look at the page found, and how often the program faulted since the accessed bit could
# be set again: since the end, with its flush, of the pass of the look before. user/tests/touch.c
# uses the page between any two faults.
LOOKS = """
    WITH look AS (
        SELECT looked.t, referenced, lag(pass.t_end) OVER (ORDER BY looked.t) AS since
        FROM lru_referenced AS looked JOIN rmap_span AS mapped ON mapped.pfn = looked.pfn
            AND mapped.t_begin <= looked.t AND looked.t < mapped.t_end
        JOIN task_span AS task USING (mm_id) JOIN reclaim_pass AS pass USING (pass_id)
        WHERE va = :va AND task.pid = :pid AND comm = 'touch')
    SELECT referenced, (SELECT count(*) FROM fault WHERE pid = :pid
        AND fault.t > since AND fault.t < look.t) FROM look"""


class AccessedTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        # The warm part is more than half of memory, so that pages in use do not just stay on the
        # active list: that one is looked at, too.
        plan = [program("touch", "--cold", "12M", "--warm", "8M", "--steps", "14000")]
        cls.sessions = {cpus: cls.record(f"cpus-{cpus}", scenario(
            plan, memory="16M", swap="32M", cpus=cpus)) for cpus in (1, 2)}

    def test_sessions_are_clean(self):
        for cpus, recorded in self.sessions.items():
            with self.subTest(cpus=cpus):
                self.assert_clean(recorded, [("touch", 0)])

    def test_every_look_finds_it_used(self):
        for cpus, recorded in self.sessions.items():
            with self.subTest(cpus=cpus):
                console = "\n".join(recorded.lines)
                address = re.search(r"^touch.page 0x([0-9a-f]+) address$", console, re.MULTILINE)[1]
                looks = recorded.rows(LOOKS, va=int(address, 16), pid=recorded.pid("touch"))
                counted = [referenced for referenced, faults in looks if faults >= 2]
                self.assertGreaterEqual(len(counted), MIN_LOOKS, looks)
                self.assertEqual(set(counted), {1}, looks)

    def test_other_pages_are_found_unused(self):
        for cpus, recorded in self.sessions.items():
            with self.subTest(cpus=cpus):
                self.assertGreater(recorded.value(
                    "SELECT count(*) FROM lru_referenced WHERE referenced = 0"), 1000)


if __name__ == "__main__":
    unittest.main()
