"""The kernel runs where the seed of the boot says, and its symbols are found there from outside."""

import re
import struct
import subprocess
import unittest

import support
from console import BARRIER_LINE, CONTINUE_LINE
from recording import Recording
from support import program, scenario

LINKED_AT = 0xFFFFFFFF80000000
GIB = 1 << 30
OFFSET = re.compile(r"^Kernel Offset: (0x[0-9a-f]+)$")
BREAKPOINT = re.compile(r"^\[monitor\] breakpoint at ([0-9a-f]{16}) init_thread\+0x")


def symbols() -> dict[str, int]:
    """Addresses as linked."""
    lines = subprocess.run(["nm", str(support.Build().kernel)], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return {name: int(value, 16) for value, _, name in (line.split() for line in lines)}


class Layout:
    """What the console and the guest's memory say of one boot."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}

    def look(self, recording: Recording) -> None:
        machine = recording.machine
        machine.console.wait_line(BARRIER_LINE, support.SESSION_SECONDS)
        known = symbols()
        for name in ("image_base", "direct_map_base"):
            self.words[name] = struct.unpack("<Q", self._read(recording, known[name], 8))[0]
        machine.console.send(b"continue\n")
        machine.console.wait_line(CONTINUE_LINE, support.SESSION_SECONDS)

    @staticmethod
    def _read(recording: Recording, linked: int, size: int) -> bytes:
        path = recording.directory / "memory"
        recording.machine.qmp.execute("pmemsave", {"val": linked - LINKED_AT, "size": size,
                                                   "filename": str(path)})
        content = path.read_bytes()
        path.unlink()
        return content


class KaslrTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.booted, cls.layouts = {}, {}
        for name, seed, kaslr in (("seed 1", 1, True), ("seed 2", 2, True), ("again 1", 1, True),
                                  ("nokaslr", 1, False)):
            layout = cls.layouts[name] = Layout()
            cls.booted[name] = cls.record(
                name.replace(" ", "-"),
                scenario([program("hello")], cpus=2, seed=seed, kaslr=kaslr, **{"break": "init"}),
                layout.look)

    def offset(self, name: str) -> int:
        found = [match[1] for match in map(OFFSET.match, self.booted[name].lines) if match]
        self.assertEqual(len(found), 1, f"{name}: the monitor was entered once")
        return int(found[0], 16)

    def test_every_boot_is_whole(self):
        for name, recorded in self.booted.items():
            with self.subTest(name):
                self.assert_clean(recorded, [("hello", 0)])

    def test_offsets(self):
        self.assertEqual(self.offset("nokaslr"), 0)
        self.assertEqual(self.offset("seed 1"), self.offset("again 1"))
        self.assertNotEqual(self.offset("seed 1"), self.offset("seed 2"))
        for name in ("seed 1", "seed 2"):
            self.assertEqual(self.offset(name) % (2 << 20), 0)
            self.assertTrue(0 < self.offset(name) < GIB)

    def test_addresses_have_their_symbols(self):
        linked = symbols()["init_thread"]
        for name, recorded in self.booted.items():
            with self.subTest(name):
                found = [match for match in map(BREAKPOINT.match, recorded.lines) if match]
                self.assertEqual(len(found), 1)
                distance = int(found[0][1], 16) - self.offset(name) - linked
                self.assertTrue(0 <= distance < 0x1000, hex(distance))

    def test_memory_tells_the_layout(self):
        for name, layout in self.layouts.items():
            with self.subTest(name):
                self.assertEqual(layout.words["image_base"], LINKED_AT + self.offset(name))

    def test_direct_map(self):
        bases = {name: layout.words["direct_map_base"] for name, layout in self.layouts.items()}
        self.assertEqual(bases["nokaslr"], 0xFFFF888000000000)
        self.assertEqual(bases["seed 1"], bases["again 1"])
        self.assertNotEqual(bases["seed 1"], bases["seed 2"])
        for base in bases.values():
            self.assertEqual(base % GIB, 0)


if __name__ == "__main__":
    unittest.main()
