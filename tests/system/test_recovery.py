"""After a crash the end of the trace is read out of guest memory: nothing that was emitted is
missing, and nothing is there twice. The VM stops between any two instructions, so each case is one
of many; what must hold of the result holds for all."""

import array
import fcntl
import re
import socket
import subprocess
import termios
import unittest
import unittest.mock
from pathlib import Path

import support
import rings
import supervisor
from build import Build
from recording import Recording
from stalled import StalledRecording
from support import program, scenario

THRASH = ("thrash", "--size", "28M", "--rounds", "1000000")
UNDER_WAY = r"^thrash\.fill_time "
IDT_SIZE = 4096
# With one packet in it a FIFO (64 KiB) has no room for another. How often to look: nothing tells.
FULL_BYTES = 48 << 10
LOOK_S = 0.02


class Gdb:
    """As much of the remote protocol as writes physical memory."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(support.COMMAND_SECONDS)
        self._socket.connect(str(path))
        self._read = b""

    def __enter__(self) -> "Gdb":
        return self

    def __exit__(self, *_) -> None:
        self._socket.close()

    def command(self, text: str) -> str:
        self._socket.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())
        answer = "T"
        while answer.startswith("T"):  # that the guest stopped, because we came
            answer = self._packet()
        return answer

    def _packet(self) -> str:
        while not (match := re.search(rb"\$([^#]*)#..", self._read)):
            self._read += self._socket.recv(4096)
        self._read = self._read[match.end():]
        self._socket.sendall(b"+")
        return match[1].decode()

    def write_physical(self, address: int, data: bytes) -> None:
        answer = self.command("Qqemu.PhyMemMode:1")
        if answer != "OK":
            raise OSError(f"gdb stub: no physical memory mode: {answer}")
        for at in range(0, len(data), 512):
            part = data[at:at + 512]
            if self.command(f"M{address + at:x},{len(part):x}:{part.hex()}") != "OK":
                raise OSError("gdb stub: memory not written")

    def detach(self) -> None:
        """The guest goes on."""
        self._socket.sendall(f"$D#{ord('D'):02x}".encode())


def symbol(name: str) -> int:
    """Physical address of a kernel symbol."""
    with unittest.mock.patch.object(rings, "SYMBOL", name.encode()):
        return rings.physical_address(Build().kernel)


def under_way(recording: Recording) -> None:
    recording.machine.console.wait_line(UNDER_WAY, support.SESSION_SECONDS)


def triple_fault(recording: Recording) -> None:
    """Without gates every interrupt is a fault, and so is that fault."""
    under_way(recording)
    path = recording.directory / "gdb"
    recording.machine.qmp.execute("human-monitor-command", {
        "command-line": f"gdbserver unix:{path},server=on,wait=off"})
    with Gdb(path) as gdb:
        gdb.write_physical(symbol("idt"), bytes(IDT_SIZE))
        gdb.detach()


def hang(recording: Recording) -> None:
    under_way(recording)
    recording.machine.qmp.execute("stop")


class UnreadRecording(StalledRecording):
    """Nobody takes the trace any more once the program is under way. When a stream is full the
    kernel panics, waits for the host until its patience ends, and stops."""

    def run_to_end(self):
        under_way(self)
        for fifo in self._fifos:
            self.machine.reactor.remove(fifo.fd)
        while max(map(waiting_bytes, self._fifos)) < FULL_BYTES:
            self.machine.wait(lambda: False, LOOK_S)
        self.machine.qmp.execute("inject-nmi")
        return Recording.run_to_end(self)

    def _append_rings(self) -> None:
        for fifo in self._fifos:
            fifo.finish()
        super()._append_rings()


def waiting_bytes(fifo) -> int:
    answer = array.array("i", [0])
    fcntl.ioctl(fifo.fd, termios.FIONREAD, answer)
    return answer[0]


class RecoveryTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        wanted = scenario([program(*THRASH)], cpus=2)
        cls.sessions = {
            "reset": cls.record("triple-fault", wanted, triple_fault),
            "panic": cls.record("panic", wanted, None, UnreadRecording),
        }
        with unittest.mock.patch.multiple(supervisor, STOP_GRACE_S=1.0):
            limited = scenario([program(*THRASH)], cpus=2, timeout_s=20)
            cls.sessions["timeout"] = cls.record("hang", limited, hang)

    def test_it_ended_by_the_crash(self):
        for cause, recorded in self.sessions.items():
            self.assert_ended(recorded, cause)
            self.assertFalse(recorded.outcome.in_order)

    def test_the_tail_is_recovered(self):
        for recorded in self.sessions.values():
            self.assertEqual((recorded.ingest_status, recorded.ingest_messages), (0, []))
            self.assertEqual(set(recorded.column("SELECT tail FROM loss")), {"recovered"})
            self.assertEqual(recorded.rows("SELECT * FROM session WHERE key = 'uncertain_from'"), [])
            for cpu, emitted, received, discarded in recorded.rows(
                    "SELECT cpu, emitted, received, discarded FROM loss"):
                self.assertEqual(emitted, received + discarded, cpu)

    def test_every_event_was_legal(self):
        for recorded in self.sessions.values():
            self.assertEqual(recorded.rows("SELECT * FROM order_violation LIMIT 5"), [])

    def test_there_was_something_to_recover(self):
        """What was recovered reaches to the crash: without it the streams would end earlier."""
        for recorded in self.sessions.values():
            listed = (recorded.directory / "recovered.tsv").read_text().splitlines()[1:]
            for cpu, size in (map(int, line.split("\t")) for line in listed):
                stream = recorded.directory / "ctf" / f"cpu{cpu}"
                self.assertEqual(stream.stat().st_size, size)
            self.assertEqual(len(listed), 2)

    def test_again_appends_nothing(self):
        for recorded in self.sessions.values():
            done = subprocess.run([str(Build().recover), str(recorded.directory)], text=True,
                                  capture_output=True, check=True, timeout=support.COMMAND_SECONDS)
            self.assertEqual(done.stdout, "0 events in 0 packets\n")

    def test_babeltrace_reads_it_without_a_warning(self):
        for recorded in self.sessions.values():
            done = subprocess.run(["babeltrace2", "--component", "sink.utils.counter",
                                   str(recorded.directory / "ctf")],
                                  capture_output=True, text=True, check=True,
                                  timeout=support.COMMAND_SECONDS)
            self.assertEqual(done.stderr, "")
            counts = re.findall(r"(\d+) Event messages", done.stdout)
            self.assertEqual(int(counts[-1]), recorded.loss.received)


if __name__ == "__main__":
    unittest.main()
