"""The programs of user/tests/abi, on the host and all in one boot of the guest: Linux is the oracle.

Every line a program says begins with its name (user/tests/abi.h). Its lines and its exit status are
to be the same on both; a difference names the program and the line. docs/adding-an-abi-test.md tells
how to add one.
"""

import subprocess
import tempfile
import unittest

import support
from build import Build
from support import scenario

# Of init (user/init.c).
ENVIRONMENT = {"PATH": "/bin", "HOME": "/"}
# No program takes a second on a quiet host; one that hangs is to be named, not waited for.
HOST_SECONDS = 60


def said(name: str, lines: list[str]) -> list[str]:
    """What a program said, without its name."""
    prefix = f"{name}: "
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


def difference(linux: list[str], guest: list[str]) -> str:
    """The first line that differs, or nothing."""
    for number in range(max(len(linux), len(guest))):
        pair = [lines[number] if number < len(lines) else "(no such line)" for lines in (linux, guest)]
        if pair[0] != pair[1]:
            return f"line {number + 1}: Linux said: {pair[0]}; the guest said: {pair[1]}"
    return ""


class AbiProgramsTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        built = Build().directory / "user"
        cls.programs = [built / "abi" / name for name in sorted((built / "abi.list").read_text().split())]
        cls.linux = {path.name: cls.run_on_host(path) for path in cls.programs}
        wanted = [support.Program(path.name, str(path), (), "fg", status=None) for path in cls.programs]
        cls.session = cls.record("abi", scenario(wanted, memory="192M", cpus=2))

    @staticmethod
    def run_on_host(path) -> tuple[int, list[str]]:
        """Exit status, and all lines."""
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run([str(path)], cwd=directory, env=ENVIRONMENT, check=False, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=HOST_SECONDS,
                                  preexec_fn=support.default_signals)
        return done.returncode, done.stdout.splitlines()

    def test_every_program_ended(self):
        self.assertGreater(len(self.programs), 0)
        started = [path.name for path in self.programs
                   if any(f"[init] start {path.name} " in line for line in self.session.lines)]
        self.assertEqual(self.session.outcome.cause, "exit",
                         f"{self.session.outcome.message}; last started: {started[-1:]}")

    def test_guest_says_what_linux_says(self):
        statuses = dict(self.session.exits)
        for path in self.programs:
            with self.subTest(program=path.name):
                status, lines = self.linux[path.name]
                expected = said(path.name, lines)
                self.assertGreater(len(expected), 0, "says nothing on Linux")
                if differs := difference(expected, said(path.name, self.session.lines)):
                    self.fail(f"{path.name}, {differs}")
                self.assertEqual(statuses.get(path.name), status << 8, "wait status")

    def test_session_is_clean(self):
        self.assert_consistent(self.session)
        self.assert_complete(self.session)


if __name__ == "__main__":
    unittest.main()
