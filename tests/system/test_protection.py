"""No address of the kernel is both writable and executable, and none is a program's.

QEMU walks the page tables that the CPU uses (`info tlb` of its monitor), so this is what the hardware
would allow, whatever the kernel believes.
"""

import re
import unittest

import support
from recording import Recording
from support import program, scenario

# "va: physical flags", flags from bit 63 (X: not executable) to bit 1 (W); info tlb knows no others.
ENTRY = re.compile(r"^([0-9a-f]{16}): [0-9a-f]{16} (\S{9})$", re.MULTILINE)
KERNEL_HALF = 1 << 63
IMAGE = 0xFFFFFFFF80000000


class ProtectionTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        wanted = scenario([program("thrash", "--size", "8M", "--rounds", "50")])
        with Recording(wanted, str(cls.directory / "protection"), support.Build()) as recording:
            machine = recording.machine
            machine.console.wait_line(r"\[init\] start thrash", support.SESSION_SECONDS)
            machine.qmp.execute("stop")
            text = machine.qmp.execute("human-monitor-command", {"command-line": "info tlb"},
                                       timeout_s=support.COMMAND_SECONDS)
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

    def test_only_the_image_is_executable(self):
        self.assertEqual([hex(va) for va, flags in self.kernel
                          if flags[0] == "-" and va < IMAGE], [])


if __name__ == "__main__":
    unittest.main()
