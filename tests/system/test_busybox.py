"""scenarios/busybox.toml: a shell script of Debian's busybox under memory pressure says what it says on
Linux, byte for byte: the host runs the same program."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import support
import scenario

SCENARIO = support.ROOT / "scenarios" / "busybox.toml"
PREFIX = "out: "


def on_host(directory: Path) -> list[str]:
    """What the script says here, its tools being busybox's too."""
    applets, work = directory / "bin", directory / "work"
    support.link_applets(applets)
    work.mkdir()
    done = subprocess.run([str(applets / "sh"), str(SCENARIO.with_suffix(".sh")), str(work)], check=True,
                          text=True, stdout=subprocess.PIPE, timeout=support.COMMAND_SECONDS,
                          env={"PATH": str(applets), "HOME": "/"})
    return done.stdout.splitlines()


class BusyboxTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.session = cls.record("busybox", scenario.load(SCENARIO))

    def test_output_is_that_of_linux(self):
        with tempfile.TemporaryDirectory() as directory:
            expected = on_host(Path(directory))
        self.assertEqual(expected[-1], PREFIX + "== end")
        self.assertEqual([line for line in self.session.lines if line.startswith(PREFIX)], expected)

    def test_it_swapped(self):
        self.assertGreater(self.session.value("SELECT count(*) FROM swap_out_begin"), 100)

    def test_session_is_clean(self):
        self.assert_consistent(self.session)
        self.assert_complete(self.session)
        self.assertEqual([(name, status) for name, status in self.session.exits],
                         [("mount", 0), ("busybox.sh", 0)])


if __name__ == "__main__":
    unittest.main()
