"""Core files: user/tests/coredump.c looks at those of its own children, in the guest and, where cores lie in the working
directory, on the host."""

import subprocess
import unittest
from pathlib import Path

import support
from build import Build
from support import program, scenario

PATTERN = Path("/proc/sys/kernel/core_pattern")


class CoredumpTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.sessions = {cpus: cls.record(f"cpus-{cpus}", scenario([program("coredump")], cpus=cpus))
                        for cpus in (1, 4)}

    def test_guest(self):
        for cpus, recorded in self.sessions.items():
            with self.subTest(cpus=cpus):
                self.assertEqual([line for line in recorded.lines if line.startswith("FAIL")], [])
                self.assert_clean(recorded, [("coredump", 0)])

    @unittest.skipUnless(PATTERN.read_text().strip() == "core", f"{PATTERN} sends cores elsewhere")
    def test_host(self):
        done = subprocess.run([str(Build().program("coredump"))], cwd=self.directory, capture_output=True, text=True,
                              check=False, timeout=support.COMMAND_SECONDS, preexec_fn=support.default_signals)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
