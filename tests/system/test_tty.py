"""The console as a terminal: what is echoed, edited and read is what Linux makes of the same keys.

user/tests/tty.c runs on the host at a pseudo-terminal and in the guest at the console; both are
typed the same, and have to show the same.
"""

import os
import pty
import re
import select
import unittest

import support
from build import Build
from scenario import Program
from support import scenario

TYPING_SECONDS = 15
DONE = "tty done"

# What is typed, and how often the program then says what it read, before the next piece is typed.
Keys = list[tuple[bytes, int]]


def each(*pieces: bytes) -> Keys:
    """Each makes one read return."""
    return [(piece, 1) for piece in pieces]


LINES = each(
    b"one\r", b"two\n",
    b"abx\x7fc\r",  # VERASE
    b"killed\x15kept\r",  # VKILL
    b"first second\x17third\r", b"a-b_c \x17\x17z\r",  # VWERASE
    b"\x01\x02x\x7f\x7f\x7f\x7fy\r",  # control characters; more erased than there is
    b"t\tu\x7f\x7fv\r", b"\tw\x7f\x7f\x7fx\r",  # tabs
    b"again\x12!\r",  # VREPRINT
    b"\x16\x7f\x16\x16\x01\r",  # VLNEXT
    b"ABC\tdef\r", b"ab\x13cd\x11ef\r")
LINE_END = each(b"q\r")
BYTES = [(bytes([key]), 1) for key in b"a\x7f\x04\x15\r\n\x16\x12q"]
KEYS: dict[str, Keys] = {
    "canonical": LINES + each(b"end\x04", b"of\x04", b"\x04", b"x\x04", b"\r", b"\x03", b"\x1c", b"\x1a", b"2\r")
    + [(b"x" * 5000 + b"\r", 64), (b"y" * 100 + b"\r", 2)] + LINE_END,
    "short reads": [(b"abcdefgh\r", 3), (b"ab\r", 1), (b"ab\x04", 1), (b"xyz1\x04", 2)] + LINE_END,
    "no ECHO": LINES + each(b"gone\x03", b"kept\r") + LINE_END,
    "no ISIG": each(b"a\x03b\x1cc\x1ad\r") + LINE_END,
    "EOL": each(b"a;", b"b;", b"c\r", b"d;", b";", b"\r") + LINE_END,
    "IUTF8": each(*(text.encode() for text in (
        "gr\u00fc\u00dfe\x7f\x7f\x7fn\r", "\u20ac\u20ac\x7f\r", "\u00e4\u00f6 \x17x\r"))) + LINE_END,
    "INLCR": each(b"a\nb.", b"c\r\n.", b"q."),
    "IGNCR": each(b"a\rb\n", b"q\n"),
    "ISTRIP": each(b"\xe1\xe2\r") + LINE_END,
    "raw": BYTES, "raw, no echo": BYTES,
    "raw, four": each(b"abcd", b"qrst"),
    "raw, four but three": each(b"abc", b"qrs"),
    "really raw": [(bytes([key]), 1) for key in b"\x03\x1a\x1c\x13\x11\r\n\x7f\xff\x00q"],
}


class HostTerminal:
    """A program at a pseudo-terminal of the host. The driver's own messages are not shown there."""

    def __init__(self, *command: str, environment: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self._next = 0
        self._partial = b""
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            support.default_signals()
            if command[0] == str(support.PALIMPSEST):
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.execve(command[0], command, environment or dict(os.environ))

    def send(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def _read(self, awaited: str | bytes) -> bytes:
        """What it shows next."""
        if not select.select([self._master], [], [], support.SESSION_SECONDS)[0]:
            raise TimeoutError(f"{awaited!r} was not shown, last was {self._partial!r}")
        return os.read(self._master, 4096)

    def wait_line(self, pattern: str) -> str:
        """The next line with that in it."""
        while True:
            while self._next < len(self.lines):
                self._next += 1
                if re.search(pattern, self.lines[self._next - 1]):
                    return self.lines[self._next - 1]
            *whole, self._partial = (self._partial + self._read(pattern)).split(b"\n")
            self.lines += [line.decode(errors="replace").rstrip("\r") for line in whole]

    def wait_text(self, pattern: bytes) -> str:
        """What comes up to the end of that, beyond lines."""
        while not (found := re.search(pattern, self._partial)):
            self._partial = (self._partial + self._read(pattern)).replace(WHERE_IS_THE_CURSOR, b"")
        text, self._partial = self._partial[:found.end()], self._partial[found.end():]
        return text.decode(errors="replace")

    def close(self) -> int:
        """Waits for the end; the exit status."""
        try:
            while os.read(self._master, 4096):
                pass
        except OSError:  # EIO: nobody has the other side open any more
            pass
        os.close(self._master)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def type_all(send, wait_line) -> None:
    """Goes through the stages as the program announces them."""
    while True:
        line = wait_line(rf"^(?i:stage) |{DONE}")  # OLCUC shouts
        if DONE in line:
            return
        for keys, reads in KEYS.get(line[len("stage "):], LINES + LINE_END):
            send(keys)
            for _ in range(reads):
                wait_line("(?i)read")


def of_program(lines: list[str]) -> list[str]:
    """What the program and its terminal showed: from its first line on."""
    lines = [line for line in lines if not line.startswith("[init]")]
    first = next(i for i, line in enumerate(lines) if re.fullmatch("[0-9a-f]+ [0-9a-f]+ [0-9a-f]+", line))
    return lines[first:lines.index(DONE) + 1]


PROMPT = rb"ready> $"
WHERE_IS_THE_CURSOR = b"\x1b[6n"  # asked by the shell's editor now and then
STARTED = rb"\nstarted\r*\n"
CAT = b"sh -c 'echo started; exec cat'"
# What is typed to a shell, and the end of what is shown then. Behind a command that is to read, only
# when it says that it has started: before, the shell's own settings may still hold.
# Without noflsh a key that sends a signal also throws away what waits to be shown, perhaps the next prompt.
DIALOGUE: list[tuple[bytes, bytes]] = [
    (b"stty noflsh\r", PROMPT),
    (b"echo hi | tr h H\r", PROMPT),
    (CAT + b"\r", STARTED), (b"one\r", rb"one\r*\none\r*\n"), (b"\x1a", PROMPT), (b"jobs\r", PROMPT),
    (b"fg\r", rb'fg\r*\n.*exec cat"\r*\n'), (b"two\r", rb"two\r*\ntwo\r*\n"), (b"\x04", PROMPT),
    (CAT + b"; echo $?\r", STARTED), (b"\x03", PROMPT),
    (b"echo started; read x; echo $x $x\r", STARTED), (b"hello\r", PROMPT),
    (b"exit 3\r", rb"exit 3\r*\n"),
]


def talk(terminal: HostTerminal) -> list[str]:
    """Has the dialogue with the shell; what was shown for each piece, from the second on."""
    shown = [terminal.wait_text(PROMPT)]
    for keys, end in DIALOGUE:
        terminal.send(keys)
        shown.append(terminal.wait_text(end))
    return [re.sub(r"\r+\n", "\n", text) for text in shown[1:]]


class ShellTest(support.SystemTest):
    """busybox's shell with job control, at a terminal of the host and at the guest's console."""

    def test_dialogue(self):
        environment = {"PATH": "/bin:/usr/bin", "HOME": "/", "PS1": "ready> "}
        host = HostTerminal("/bin/busybox", "sh", environment=environment)
        expected = talk(host)
        self.assertEqual(host.close(), 3)
        guest = HostTerminal(str(support.PALIMPSEST), "record", "-i", "--swap", "none", "--busybox",
                             "--env", "PS1=ready> ", "--output", str(self.directory / "shell"), "--", "sh")
        self.assertEqual(talk(guest), expected)
        self.assertEqual(guest.close(), 3)


class TtyTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.program = str(Build().program("tty"))
        host = HostTerminal(cls.program)
        type_all(host.send, host.wait_line)
        host.close()
        cls.expected = of_program(host.lines)
        program = Program("tty", "tty", terminal=True, status=None)
        cls.recorded = cls.record("session", scenario([program], cpus=2), cls._type)

    @staticmethod
    def _type(recording) -> None:
        console = recording.machine.console
        type_all(console.send,
                 lambda pattern: console.wait_line(pattern, TYPING_SECONDS).string)

    def test_shows_what_linux_shows(self):
        self.assertEqual(of_program(self.recorded.lines), self.expected)

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("tty", 0)])

    def test_terminal_of_the_host_is_passed_through(self):
        terminal = HostTerminal(str(support.PALIMPSEST), "record", "-i", "--cpus", "1", "--swap", "none",
                                "--output", str(self.directory / "passed"), "--", self.program)
        type_all(terminal.send, terminal.wait_line)
        self.assertEqual(terminal.close(), 0)
        self.assertEqual(of_program(terminal.lines), self.expected)


if __name__ == "__main__":
    unittest.main()
