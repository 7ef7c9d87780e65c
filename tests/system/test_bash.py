"""scenarios/bash.toml: a script of Debian's bash-static under memory pressure says what it says on Linux, byte for byte: the
host runs the same program."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import support
import scenario

SCENARIO = support.ROOT / "scenarios" / "bash.toml"
PREFIX = "out: "


def on_host(directory: Path) -> list[str]:
    """What the script says here, with the same programs."""
    applets, work = directory / "bin", directory / "work"
    support.link_applets(applets)
    (applets / "bash").symlink_to(support.host_program("bash-static"))
    work.mkdir()
    done = subprocess.run([str(applets / "bash"), str(SCENARIO.with_suffix(".sh")), str(work)], check=True,
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          timeout=support.COMMAND_SECONDS, env={"PATH": str(applets), "HOME": "/"},
                          preexec_fn=support.default_signals)
    return done.stdout.splitlines()


class BashTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.session = cls.record("bash", scenario.load(SCENARIO))

    def test_output_is_that_of_linux(self):
        with tempfile.TemporaryDirectory() as directory:
            expected = on_host(Path(directory))
        self.assertEqual(expected[-1], PREFIX + "== end")
        self.assertEqual([line for line in self.session.lines if line.startswith(PREFIX)], expected)

    def test_it_swapped(self):
        self.assertGreater(self.session.value("SELECT count(*) FROM swap_out_begin"), 100)
        self.assertGreater(self.session.value("SELECT count(*) FROM swap_in_end"), 100)

    def test_memory_equals_the_trace(self):
        self.assert_verified(self.session)

    def test_session_is_clean(self):
        self.assert_clean(self.session, [("bash.sh", 0)])


if __name__ == "__main__":
    unittest.main()
