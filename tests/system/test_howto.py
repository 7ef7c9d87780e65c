"""The examples of docs/adding-*.md, all four on one copy of the tree: it builds, boots, and has the
event, the workload, the view and the policy."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import support

sys.path.append(str(support.ROOT / "tests" / "tools"))

import howto

SCENARIO = """
title = "The examples together"
timeout_s = 240

[machine]
memory = "12M"
cpus = 1
swap = "16M"

[kernel]
params = { policy = "fifo" }

[[program]]
name = "stride"
args = ["--size", "12M", "--stride", "1", "--rounds", "2"]
"""


class HowtoTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls) -> None:
        cls.tree = Path(tempfile.mkdtemp(prefix="plm-howto-"))
        cls.addClassCleanup(shutil.rmtree, cls.tree)
        howto.copy_tree(cls.tree)
        for page in howto.PAGES:
            done = howto.apply(howto.diff_of(page), cls.tree)
            if done.returncode:
                raise AssertionError(f"docs/{page}: {done.stderr}")
        cls.run_in_tree("make", "-s", "schema")
        cls.run_in_tree("make", "-s", "-j2", "all")

    @classmethod
    def run_in_tree(cls, *command: str) -> str:
        # The copy is built as `make all` does it, whatever make runs this test with.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("PALIMPSEST_", "MAKE", "MFLAGS"))
                       and name not in ("DEBUG", "O")}
        done = subprocess.run(command, cwd=cls.tree, capture_output=True, text=True,
                              env=environment, timeout=support.COMMAND_SECONDS)
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n"
                                 f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def ask(self, sql: str) -> list[list[str]]:
        lines = self.run_in_tree("tools/palimpsest", "query", sql).splitlines()
        return [line.split("\t") for line in lines[1:]]

    def test_all_four_work(self):
        self.run_in_tree("tools/palimpsest", "run", "scenarios/stride.toml", "--no-pictures")
        (self.tree / "scenarios" / "together.toml").write_text(SCENARIO)
        self.run_in_tree("tools/palimpsest", "run", "scenarios/together.toml", "--no-pictures")
        # The event: one yield after each round.
        self.assertEqual(self.ask("SELECT count(*) FROM sched_yield"), [["3"]])
        # The view.
        faults = {comm: int(minor) + int(major) for _, comm, minor, major, _ in
                  self.ask("SELECT * FROM faults_by_task")}
        self.assertGreater(faults["stride"], 3000)
        # The policy: pages were evicted, and none for or against what was accessed.
        self.assertGreater(int(self.ask("SELECT count(*) FROM eviction")[0][0]), 500)
        kept = self.ask("SELECT verdict FROM reclaim_verdicts WHERE verdict IN "
                        "('activate', 'keep_referenced', 'rotate')")
        self.assertEqual(kept, [])
        self.assertEqual(self.ask("SELECT * FROM order_violation"), [])

    def test_their_own_tests_pass(self):
        self.run_in_tree("/usr/bin/python3", "-m", "unittest", "discover", "-s", "tests/tools",
                         "-p", "test_views.py")
        self.run_in_tree("make", "-s", "schema-check")
        changed = [line.removeprefix("+++ b/") for page in howto.PAGES
                   for line in howto.diff_of(page).splitlines() if line.startswith("+++ b/")]
        sources = [path for path in changed if path.endswith((".c", ".h"))]
        self.run_in_tree("clang-format", "-n", "-Werror", *sources)


if __name__ == "__main__":
    unittest.main()
