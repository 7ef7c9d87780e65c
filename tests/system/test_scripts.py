"""scenarios/busybox.toml and scenarios/bash.toml: a script under memory pressure says what it says on Linux, byte for byte: the
host runs the same programs."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import support
import scenario

PREFIX = "out: "


def on_host(script: Path, shell: str, directory: Path) -> list[str]:
    """What the script says here, its tools being busybox's too. shell: a link in the directory of the applets."""
    applets, work = directory / "bin", directory / "work"
    support.link_applets(applets)
    (applets / "bash").symlink_to(support.host_program("bash-static"))
    work.mkdir()
    done = subprocess.run([str(applets / shell), str(script), str(work)], check=True,
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          timeout=support.COMMAND_SECONDS, env={"PATH": str(applets), "HOME": "/"},
                          preexec_fn=support.default_signals)
    return done.stdout.splitlines()


class ScriptTest(support.SystemTest):

    def assert_as_on_linux(self, recorded: support.Session, script: Path, shell: str) -> None:
        with tempfile.TemporaryDirectory() as directory:
            expected = on_host(script, shell, Path(directory))
        self.assertEqual(expected[-1], PREFIX + "== end")
        self.assertEqual([line for line in recorded.lines if line.startswith(PREFIX)], expected)


class BusyboxTest(ScriptTest):

    @classmethod
    def prepare(cls) -> None:
        cls.scenario = support.ROOT / "scenarios" / "busybox.toml"
        cls.session = cls.record("busybox", scenario.load(cls.scenario))

    def test_output_is_that_of_linux(self):
        self.assert_as_on_linux(self.session, self.scenario.with_suffix(".sh"), "sh")

    def test_it_swapped(self):
        self.assertGreater(self.session.value("SELECT count(*) FROM swap_out_begin"), 100)

    def test_session_is_clean(self):
        self.assert_clean(self.session, [("mount", 0), ("busybox.sh", 0)])


class BashTest(ScriptTest):

    @classmethod
    def prepare(cls) -> None:
        cls.scenario = support.ROOT / "scenarios" / "bash.toml"
        cls.session = cls.record("bash", scenario.load(cls.scenario))

    def test_output_is_that_of_linux(self):
        self.assert_as_on_linux(self.session, self.scenario.with_suffix(".sh"), "bash")

    def test_it_swapped(self):
        self.assertGreater(self.session.value("SELECT count(*) FROM swap_out_begin"), 100)
        self.assertGreater(self.session.value("SELECT count(*) FROM swap_in_end"), 100)

    def test_memory_equals_the_trace(self):
        self.assert_verified(self.session)

    def test_session_is_clean(self):
        self.assert_clean(self.session, [("bash.sh", 0)])


if __name__ == "__main__":
    unittest.main()
