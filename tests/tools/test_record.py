"""The front door from its command line to a sealed session, with the tiny guest in place of the
kernel.
"""

import json
import os
import signal
import subprocess
import unittest

import support

# status is init's wait status: it exited with 7.
PROGRAM_EXITED_7 = support.EMPTY_RESULTS + "INSERT INTO session VALUES ('status', '1792');"
PROGRAM_EXITED_0 = support.EMPTY_RESULTS + "INSERT INTO session VALUES ('status', '0');"
EVENTS_LOST = PROGRAM_EXITED_0 + "UPDATE loss SET emitted = 12, discarded = 2;"


class RecordTest(support.TemporaryDirectoryTest):

    def setUp(self) -> None:
        super().setUp()
        self.sessions = self.directory / "sessions"

    def record(self, build, *options: str, program: str = "hello"):
        return support.palimpsest("record", "--build", str(build), *options, "--", program,
                                  "argument", sessions=self.sessions)

    def fails(self, done, status: int, message: str) -> None:
        """The exit status, and one line on stderr that has the message."""
        self.assertEqual(done.returncode, status, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line]
        self.assertRegex(lines[-1], message)
        self.assertNotIn("Traceback", done.stderr)

    def test_session_is_complete(self):
        done = self.record(support.fake_build(self.directory, sql=PROGRAM_EXITED_7), "--cpus", "1")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("[init] start tiny pid 2", done.stdout)
        directory = self.sessions / "latest"
        self.assertRegex(os.readlink(directory), r"^auto-\d{8}-\d{6}$")
        names = {str(path.relative_to(directory))
                 for path in directory.rglob("*") if path.is_file()}
        self.assertEqual(names, {"scenario.toml", "machine.json", "console.log", "ctf/metadata",
                                 "events.tsv", "ctf/cpu0", "packets.tsv", "session.db",
                                 "manifest.sha256"})
        self.assertIn("session end", (directory / "console.log").read_text())
        subprocess.run(["sha256sum", "--quiet", "-c", "manifest.sha256"], cwd=directory, check=True)
        machine = json.loads((directory / "machine.json").read_text())
        self.assertEqual(machine["end"]["cause"], "exit")
        self.assertEqual(machine["kernel"]["command_line"], "trace=lossless swap=on kaslr=1")

    def test_verify_names_what_changed(self):
        self.record(support.fake_build(self.directory, sql=PROGRAM_EXITED_0))
        directory = self.sessions / "latest"

        def verify() -> tuple[int, str]:
            done = support.palimpsest("verify", sessions=self.sessions)
            return done.returncode, done.stdout + done.stderr

        self.assertEqual(verify()[0], 0, verify())
        with open(directory / "session.db", "ab") as file:
            file.write(b"more")
        self.assertEqual(verify()[0], 0, verify())
        self.assertIn("session.db: is not as it was recorded, but can be made anew", verify()[1])
        with open(directory / "console.log", "r+b") as file:
            file.write(b"?")
        (directory / "events.tsv").unlink()
        status, said = verify()
        self.assertEqual(status, 1)
        self.assertIn("console.log: is not as it was recorded\n", said)
        self.assertIn("events.tsv: is missing\n", said)
        self.assertNotIn("machine.json", said)

    def test_statuses(self):
        build = support.fake_build(self.directory, sql=EVENTS_LOST)
        self.fails(self.record(build), 126, "10 events, 2 discarded")
        build = support.fake_build(self.directory / "damaged", sql=PROGRAM_EXITED_0,
                                   ingest_status=1)
        self.fails(self.record(build), 126, "trace damaged")
        build = support.fake_build(self.directory / "unreadable", ingest_status=2)
        self.fails(self.record(build), 125, "could not be read")
        self.assertTrue((self.sessions / "latest" / "manifest.sha256").exists())

    def test_without_trace_the_console_tells(self):
        done = self.record(support.fake_build(self.directory), "--trace", "off")
        self.assertEqual(done.returncode, 7, done.stderr)

    def test_guest_fails(self):
        build = support.fake_build(self.directory, "PANICS")
        self.fails(self.record(build), 125, "the kernel panicked: out of ideas")
        build = support.fake_build(self.directory / "r", "RESETS")
        done = self.record(build)
        self.fails(done, 125, r"the guest reset its CPU")
        self.assertIn("the end of the trace is lost: the kernel has no symbol trace_rings",
                      done.stderr)

    def test_second_interrupt_cuts_off(self):
        # This guest does not read its control port, so the first one gets no answer.
        build = support.fake_build(self.directory, "MONITOR")
        environment = dict(os.environ, PALIMPSEST_SESSIONS=str(self.sessions))
        command = [str(support.PALIMPSEST), "record", "--build", str(build), "--", "hello"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            self.assertIn("tiny guest", process.stdout.readline())
            process.send_signal(signal.SIGINT)
            self.assertIn("once more to cut it off", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            rest = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, rest)
        self.assertIn("cut off", rest)
        subprocess.run(["sha256sum", "--quiet", "-c", "manifest.sha256"],
                       cwd=self.sessions / "latest", check=True)
        self.assertFalse((self.sessions / "latest" / "swap.img").exists())

    def test_what_is_missing_is_named(self):
        build = support.fake_build(self.directory)
        self.fails(self.record(build, program="no-such"), 125, "no-such: no such program")
        self.fails(self.record(build, "-o", str(self.directory)), 125, "not empty")
        for name in ("palimpsest-ingest", "kernel.elf", "ctf/metadata", "user/init"):
            (build / name).unlink()
            self.fails(self.record(build), 125, f"{name} is missing: run `make`")
        self.assertFalse(self.sessions.exists())
        environment = {"PATH": str(self.directory)}
        build = support.fake_build(self.directory / "b")
        done = support.palimpsest("record", "--build", str(build), "--", "hello",
                                  sessions=self.sessions, env=environment)
        self.fails(done, 125, "qemu-system-x86_64 not found: run `make deps`")

    def test_usage(self):
        for arguments in (["--cpus", "0"], ["--memory", "x"], ["--param", "x"], ["--seed", "-1"],
                          ["--param", "kaslr=1"], ["--nonsense"]):
            done = support.palimpsest("record", *arguments, "--", "hello", sessions=self.sessions)
            self.fails(done, 125, "see `palimpsest record --help`")
        for arguments, status, message in (
                (["rekord"], 2, "docs/cli.md"), (["report"], 1, "there is no session yet"),
                (["query", "x", "nowhere"], 1, "no such session")):
            done = support.palimpsest(*arguments, sessions=self.sessions)
            self.fails(done, status, message)


if __name__ == "__main__":
    unittest.main()
