"""The report's verdict and map, and colours."""

import json
import unittest
import unittest.mock

import support
import heatmap

SCENARIO = """
title = "two expectations"
[[program]]
name = "hello"
[[expect]]
console = "^hello$"
is = 1
why = "it said hello"
[[expect]]
sql = "SELECT count(*) FROM order_violation"
is = 0
why = "every event was legal"
"""


class SessionTest(support.DatabaseTest):

    def setUp(self) -> None:
        super().setUp()
        self.add("session", key="t_last", value=1001)
        self.add("loss", cpu=0, emitted=10, received=10, tail="none")
        self.add("vmstat", item=2, value=10)
        self.add("vmstat", item=2, value=10)
        self.add("sched_process_fork", parent_pid=1, child_pid=5, comm="hello")
        self.add("task_span", pid=5, tgid=5, comm="hello", t_exit=1000, t_end=1001, status=0)
        (self.directory / "scenario.toml").write_text(SCENARIO)
        (self.directory / "console.log").write_text("boot\nhello\n")

    def report(self, *arguments: str, **environment: str) -> str:
        done = support.palimpsest("report", str(self.directory), *arguments,
                                  sessions=self.directory, env=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout


class VerdictTest(SessionTest):

    def verdict(self, *arguments: str) -> list[str]:
        lines = self.report("--map", "none", *arguments).splitlines()
        first = next(n for n, line in enumerate(lines) if "verdict " in line)
        return [line.removeprefix("verdict").strip() for line in lines[first:]]

    def test_complete(self):
        self.assertEqual(self.verdict(),
                         ["trace complete: 10 events, none lost, none impossible, 1 of 1 vmstat "
                          "counters agree, 3 expectations hold"])

    def test_everything_wrong_is_named(self):
        self.add("loss", cpu=1, emitted=20, received=5, discarded=12, tail="unknown")
        self.add("order_violation")
        self.add("vmstat", item=2, value=11)
        self.add("verification", instant=1, objects=70, differences=2)
        (self.directory / "console.log").write_text("boot\n")
        self.assertEqual(self.verdict(), [
            "trace NOT complete", "12 events discarded", "3 events missing",
            "nobody knows what is missing at its end",
            "1 events impossible in the state before them",
            "1 of 1 vmstat counters differ from the events",
            "2 objects in guest memory are not as the trace says",
            "expected: it said hello: console lines matching /^hello$/: 0 is not 1",
            "expected: every event was legal: SELECT count(*) FROM order_violation: 1 is not 0"])

    def test_files_huge_pages_and_madvise(self):
        for kind, pfn, slot in (("page", 7, None), ("page", 8, None), ("swap", None, 3)):
            self.add("cache_span", mapping_id=4, pgoff=pfn or 9, kind=kind, pfn=pfn, slot=slot, t_begin=10, t_end=support.OPEN)
        self.add("eviction", id=5, t=500, slot=3, kind="madvise")
        self.add("reclaim_pass", pass_id=1, kind="madvise", t_end=500, nr_scanned=2)
        self.add("page_life", pfn=512, order=9, kind="anon", t_begin=10, t_end=600)
        self.add("page_split", t=600, pfn=512)
        self.add("thp_fault_fallback", t=700)
        self.add("mm_compaction_begin", t=710, pid=5)
        self.add("mm_migrate_pages", t=711, pid=5, succeeded=30, failed=2)
        self.add("mm_compaction_end", t=712, pid=5, status=0)
        text = " ".join(self.report("--map", "none").split())
        for words in ("files 1 with 2 pages in memory and 1 in swap; 1 evicted", "2 MiB 1 page made, 1 split, 0 there; 1 not to be had",
                      "1 compaction, ", "30 pages moved, 2 not", "madvise 1 passes 2 scanned 1 reclaimed"):
            self.assertIn(words, text)
        early = " ".join(self.report("--map", "none", "--at", "5").split())
        self.assertIn("files 0 with 0 pages in memory", early)
        self.assertNotIn("2 MiB", early)

    def test_without_a_scenario(self):
        (self.directory / "scenario.toml").unlink()
        self.assertEqual(self.verdict(), ["trace complete: 10 events, none lost, none impossible, "
                                          "1 of 1 vmstat counters agree"])

    def test_json(self):
        found = json.loads(self.report("--json"))["verdict"]
        self.assertEqual((found["complete"], found["expectations"], found["failures"]),
                         (True, 3, []))


class ColorTest(SessionTest):

    def test_when_colours_are_used(self):
        self.assertNotIn("\x1b", self.report())
        self.assertIn("\x1b[32mverdict", self.report("--color", "always"))
        self.assertIn("\x1b[32mverdict", self.report("--color=always", NO_COLOR="1"))
        self.assertNotIn("\x1b", self.report("--color", "never"))

    def test_on_a_terminal(self):
        class Terminal:
            def isatty(self):
                return True

        import color
        self.addCleanup(color.choose, "auto")
        for environment, used in (({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False),
                                  ({"TERM": "dumb"}, False)):
            with unittest.mock.patch.dict("os.environ", environment, clear=True):
                self.assertEqual(color.used(Terminal()), used, environment)
        color.choose("always")
        with unittest.mock.patch.dict("os.environ", {"NO_COLOR": "1"}):
            self.assertTrue(color.used(Terminal()))

    def test_an_error_is_painted_for_its_own_stream(self):
        done = support.palimpsest("report", "no-such", "--color", "always", sessions=self.directory)
        self.assertEqual(done.stderr, "\x1b[31mpalimpsest:\x1b[0m no-such: no such session\n")


class MapTest(SessionTest):

    def setUp(self) -> None:
        super().setUp()
        self.add("page_fault_user", t=1)
        self.add("task_span", pid=5, mm_id=2, comm="hello", t_begin=0, t_end=support.OPEN)
        # The first page at all times, the second at the end and a hundred times as often.
        for t in range(1, 1001, 100):
            self.add("fault", mm_id=2, va=0x1008, t=t)
        for n in range(100):
            self.add("fault", mm_id=2, va=0x7000 + n, t=1000)
        self.add("fault", mm_id=3, va=0x5000, t=500)

    def draw(self, **options) -> list[str]:
        return heatmap.draw(self.database, "faults", 1000, columns=20, **options)

    def test_faults(self):
        self.assertEqual(self.draw(shades=heatmap.ASCII), [
            "faults by address and time, 0.000 to 0.000 s; . 1+  : 4+  * 11+  # 32+",
            "pid 5 (hello): 110 faults",
            "            1000 " + ". " * 9 + ".",
            "            7000 " + " " * 19 + "#",
            "address space 3: 1 faults",
            "            5000 " + " " * 9 + "."])

    def test_blocks(self):
        self.assertEqual(self.draw(shades=heatmap.BLOCKS)[3], "            7000 " + " " * 19 + "█")

    def test_nothing_happened(self):
        self.assertEqual(heatmap.draw(self.database, "refaults", 1000), [])

    def test_width_and_fallback(self):
        lines = self.report("--map", "faults", COLUMNS="57").splitlines()
        last = next(line for line in lines if line.startswith("            7000"))
        self.assertEqual(len(last), 57)
        self.assertTrue(last.endswith("#"))  # not a terminal: ASCII
        for encoding, tty, shades in (("utf-8", True, heatmap.BLOCKS),
                                      ("utf-8", False, heatmap.ASCII),
                                      ("ascii", True, heatmap.ASCII)):
            stream = unittest.mock.Mock(encoding=encoding, isatty=lambda tty=tty: tty)
            self.assertEqual(heatmap.shades_of(stream), shades)


if __name__ == "__main__":
    unittest.main()
