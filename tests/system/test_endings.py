"""Every way in which a session ends leaves one that can be read, and the status that docs/cli.md
promises."""

import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

import support
from support import PALIMPSEST, program, scenario

# More work than any test waits for.
ENDLESS = ("thrash", "--size", "28M", "--rounds", "1000000")
# The program prints it when there is something to see: it has more pages than the machine, and a
# trace of some megabytes.
UNDER_WAY = r"^thrash\.fill_time "


def stop(recording: support.Recording) -> None:
    recording.machine.console.wait_line(UNDER_WAY, support.SESSION_SECONDS)
    recording.machine.ctl("stop")


class StopTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("stop", scenario([program(*ENDLESS)], cpus=2), stop)

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [])

    def test_it_says_why(self):
        self.assertEqual(
            self.recorded.column("SELECT value FROM session WHERE key = 'reason'"), ["stop"])
        self.assertEqual(self.recorded.value("SELECT count(*) FROM task_span WHERE comm = 'thrash' "
                                             "AND t_end = :forever", forever=support.FOREVER), 1)


class NoRoomTest(support.SystemTest):

    def test_a_program_that_the_root_has_no_room_for(self):
        recorded = self.record("no-room", scenario([program("hello")], rootflags="size=16K"))
        self.assertEqual(recorded.outcome.cause, "panic")
        self.assertIn("initramfs: no room for ", recorded.outcome.message)


class CommandLineTest(support.SystemTest):

    def record_until(self, name: str, end, *options: str) -> tuple[int, list[str], Path]:
        """Runs `palimpsest record` on the endless program; end(process) is called when that is
        under way. Returns exit status, lines of stderr, session."""
        directory = self.directory / name
        environment = dict(os.environ, PALIMPSEST_SESSIONS=str(self.directory))
        command = [str(PALIMPSEST), "record", "--memory", "24M", "--cpus", "2",
                   *options, "-o", str(directory), "--", *ENDLESS]
        with (open(self.directory / f"{name}.errors", "w+") as errors,
              subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors,
                               text=True) as process):
            try:
                for line in process.stdout:
                    if re.search(UNDER_WAY, line):
                        break
                end(process)
                process.stdout.read()
                status = process.wait(support.COMMAND_SECONDS)
            finally:
                process.kill()
            errors.seek(0)
            return status, errors.read().splitlines(), directory

    def open(self, directory: Path):
        database = support.session.open_database(directory)
        self.addCleanup(database.close)
        return database

    def check_manifest(self, directory: Path) -> None:
        subprocess.run(["sha256sum", "--quiet", "-c", "manifest.sha256"], cwd=directory, check=True,
                       timeout=support.COMMAND_SECONDS)

    def test_interrupt(self):
        status, messages, directory = self.record_until(
            "interrupt", lambda process: process.send_signal(signal.SIGINT))
        self.assertEqual(status, 130, messages)
        self.assertEqual(messages[-1], "palimpsest: interrupted")
        database = self.open(directory)
        loss = support.results.loss(database)
        self.assertTrue(loss.complete, loss)
        self.assertEqual(database.execute("SELECT * FROM order_violation").fetchall(), [])
        agreement = support.results.vmstat_agreement(database)
        self.assertGreater(agreement["counters"], 0)
        self.assertEqual(agreement["equal"], agreement["counters"])
        self.assertIn("mm_check: clean", (directory / "console.log").read_text().splitlines())
        self.check_manifest(directory)

    def test_without_a_trace(self):
        status, messages, directory = self.record_until(
            "untraced", lambda process: process.send_signal(signal.SIGINT), "--trace", "off")
        self.assertEqual(status, 130, messages)
        self.assertEqual(messages[-1], "palimpsest: interrupted")
        lines = (directory / "console.log").read_text().splitlines()
        self.assertIn("mm_check: clean", lines)
        self.assertEqual(lines[-1], "palimpsest: session end")

    def test_qemu_is_killed(self):
        status, messages, directory = self.record_until("killed", kill_qemu)
        self.assertEqual(status, 125, messages)
        self.assertRegex(messages[-1], r"^palimpsest: QEMU ended \(signal 9\) before the guest "
                                       r"ended the session: ")
        self.assertEqual(len(messages), 2, messages)
        self.assertRegex(messages[0], r"^palimpsest: .* events, tail unknown, ")
        database = self.open(directory)
        tails = database.execute("SELECT DISTINCT tail FROM loss").fetchall()
        self.assertEqual(tails, [("unknown",)])
        self.assertGreater(support.results.loss(database).received, 1000)
        # The streams stop one after the other: until the first does, nothing is missing.
        first_stop = int(support.results.session_values(database)["uncertain_from"])
        baseline = database.execute("SELECT t FROM state_end").fetchone()[0]
        self.assertGreater(first_stop, baseline)
        self.assertEqual(database.execute("SELECT * FROM order_violation WHERE t < ? LIMIT 5",
                                          (first_stop,)).fetchall(), [])
        self.check_manifest(directory)


def kill_qemu(driver: subprocess.Popen) -> None:
    """Kills the one child that is QEMU, in the middle of its run."""
    children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text().split()
    for child in children:
        if Path(f"/proc/{child}/comm").read_text().startswith("qemu-system"):
            os.kill(int(child), signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
