"""No address of the kernel is both writable and executable, and none is a program's.

QEMU walks the page tables that the CPU uses (`info tlb` of its monitor), so this is what the hardware
would allow, whatever the kernel believes.
"""

import re
import struct
import subprocess
import unittest

import support
from recording import Recording
from support import program, scenario

# "va: physical flags", flags from bit 63 (X: not executable) to bit 1 (W); info tlb knows no others.
ENTRY = re.compile(r"^([0-9a-f]{16}): [0-9a-f]{16} (\S{9})$", re.MULTILINE)
KERNEL_HALF = 1 << 63
IMAGE = 0xFFFFFFFF80000000
PAGE, LARGE_PAGE = 4 << 10, 2 << 20


class GuestMemory:
    """Symbols of the kernel, read by their physical addresses."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        lines = subprocess.run(["nm", str(support.Build().kernel)], check=True, text=True,
                               capture_output=True).stdout.splitlines()
        self._symbols = {name: int(value, 16) for value, _, name in map(str.split, lines)}

    def physical(self, symbol: str) -> int:
        return self._symbols[symbol] - IMAGE

    def words(self, symbol: str, offset: int, count: int) -> tuple[int, ...]:
        path = self._recording.directory / "memory"
        self._recording.machine.qmp.execute("pmemsave", {
            "val": self.physical(symbol) + offset, "size": 8 * count,
            "filename": str(path)})
        content = path.read_bytes()
        path.unlink()
        return struct.unpack(f"<{count}Q", content)


class ProtectionTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        wanted = scenario([program("thrash", "--size", "8M", "--rounds", "50")],
                          memory="24M")
        cls.memory = support.Build().machine_memory(wanted.memory_bytes)
        with Recording(wanted, str(cls.directory / "protection"), support.Build()) as recording:
            machine = recording.machine
            machine.console.wait_line(r"\[init\] start thrash", support.SESSION_SECONDS)
            machine.qmp.execute("stop")
            text = machine.qmp.execute("human-monitor-command", {"command-line": "info tlb"},
                                       timeout_s=support.COMMAND_SECONDS)
            memory = GuestMemory(recording)
            (cls.direct_map,) = memory.words("direct_map_base", 0, 1)
            cls.protected = range(memory.physical("kernel_start") // LARGE_PAGE,
                                  -(-memory.physical("kernel_rodata_end") // LARGE_PAGE))
        cls.kernel = [(va, flags) for va, flags in
                      ((int(va, 16), flags) for va, flags in ENTRY.findall(text.replace("\r", "")))
                      if va >= KERNEL_HALF]

    def test_tables_were_read(self):
        self.assertGreater(sum(va >= IMAGE for va, _ in self.kernel), 50)
        self.assertTrue(any(flags[0] == "-" for _, flags in self.kernel), "no kernel text")

    def test_nothing_is_writable_and_executable(self):
        self.assertEqual([hex(va) for va, flags in self.kernel
                          if flags[0] == "-" and flags[-1] == "W"], [])

    def test_nothing_is_for_programs(self):
        self.assertEqual([hex(va) for va, flags in self.kernel if flags[-2] == "U"], [])

    def in_direct_map(self, start: int, end: int) -> list[tuple[int, int, str]]:
        """(physical address, size, flags) of the entries that meet [start, end)."""
        entries = [(va - self.direct_map, LARGE_PAGE if "P" in flags else PAGE, flags)
                   for va, flags in self.kernel if 0 <= va - self.direct_map < self.memory]
        return [entry for entry in entries if entry[0] < end and entry[0] + entry[1] > start]

    def test_direct_map_is_large_pages(self):
        whole = [at for at, size, _ in self.in_direct_map(0, self.memory) if size == LARGE_PAGE]
        # Those with the image's code and constants are split.
        self.assertEqual(len(whole), -(-self.memory // LARGE_PAGE) - len(self.protected))

    def test_only_the_image_is_executable(self):
        self.assertEqual([hex(va) for va, flags in self.kernel
                          if flags[0] == "-" and va < IMAGE], [])


if __name__ == "__main__":
    unittest.main()
