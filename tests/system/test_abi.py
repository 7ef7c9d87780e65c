"""The ABI tests of user/tests: the same binaries pass in the guest and on the host."""

import subprocess
import unittest

import support
from build import Build
from support import program, scenario

PROGRAMS = ("fpu", "vm", "proc", "int80", "cputime")


def ok_lines(lines: list[str]) -> list[str]:
    return sorted(line for line in lines if line.startswith("ok "))


class AbiTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.sessions = {cpus: cls.record(f"cpus-{cpus}", scenario(
            [program(name) for name in PROGRAMS], cpus=cpus)) for cpus in (1, 4)}

    def test_guest_agrees_with_host(self):
        expected = []
        for name in PROGRAMS:
            done = subprocess.run([str(Build().program(name))], capture_output=True, text=True,
                                  check=False, timeout=support.COMMAND_SECONDS)
            self.assertEqual(done.returncode, 0, done.stdout)
            expected += ok_lines(done.stdout.splitlines())
        self.assertGreater(len(expected), len(PROGRAMS))
        for cpus, recorded in self.sessions.items():
            with self.subTest(cpus=cpus):
                self.assertEqual(ok_lines(recorded.lines), sorted(expected))

    def test_sessions_are_clean(self):
        for cpus, recorded in self.sessions.items():
            with self.subTest(cpus=cpus):
                self.assertEqual([line for line in recorded.lines if line.startswith("FAIL")], [])
                self.assert_clean(recorded, [(name, 0) for name in PROGRAMS])


if __name__ == "__main__":
    unittest.main()
