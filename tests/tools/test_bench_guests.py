"""What the measurements read from a guest's console and from the Linux package."""

import lzma
import struct
import sys
import unittest

from support import ROOT

sys.path[:0] = [str(ROOT / "bench")]

import linux  # noqa: E402
import pressure  # noqa: E402
from errors import ToolError  # noqa: E402


def module(depends: str) -> bytes:
    return f"\x7fELF...\0license=GPL\0depends={depends}\0name=it\0".encode()


class LinuxPackageTest(unittest.TestCase):
    def test_modules_load_behind_those_they_need(self):
        modules = {"ahci": module("libahci,libata"), "libahci": module("libata"),
                   "libata": module("scsi-mod"), "scsi_mod": module(""), "other": module("")}
        self.assertEqual(linux.load_order(["ahci"], modules),
                         ["scsi_mod", "libata", "libahci", "ahci"])

    def test_a_module_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(ToolError, "no module libata"):
            linux.load_order(["ahci"], {"ahci": module("libata")})

    def test_the_kernel_is_unpacked_from_its_boot_image(self):
        packed = lzma.compress(b"\x7fELF kernel") + struct.pack("<I", 11)
        image = bytearray(1024) + packed
        image[0x1f1] = 1  # one sector of setup behind the boot sector
        struct.pack_into("<II", image, 0x248, 0, len(packed))
        self.assertEqual(linux.unpacked(bytes(image)), b"\x7fELF kernel")


class CountersTest(unittest.TestCase):
    def test_the_difference_is_what_each_run_added(self):
        lines = ["pswpin 3", "pswpout 10", "exit /bin/zipf 0", "pswpin 5", "pswpout 70",
                 "exit /bin/zipf 0", "pswpin 6", "pswpout 80"]
        self.assertEqual(pressure.differences(lines, "zipf"),
                         [{"pswpin": 2, "pswpout": 60}, {"pswpin": 1, "pswpout": 10}])

    def test_counters_printed_once_began_at_zero(self):
        lines = ["exit /bin/zipf 0", "vmstat pswpin 5"]
        self.assertEqual(pressure.differences(lines, "zipf"), [{"pswpin": 5}])

    def test_a_program_that_did_not_end_is_an_error(self):
        with self.assertRaisesRegex(ToolError, "zipf did not end; last: hello"):
            pressure.differences(["hello"], "zipf")

    def test_stalls_of_all_zones_count(self):
        self.assertEqual(pressure.counters_of(["allocstall_dma32 4", "allocstall_normal 3"]),
                         {"allocstall": 7})

    def test_available_memory_is_what_linux_says_else_what_is_free(self):
        free = "memory 67108864 4096 bytes"
        self.assertEqual(pressure.available([free]), [4096])
        self.assertEqual(pressure.available([free, "MemAvailable:       8 kB"]), [8192])


if __name__ == "__main__":
    unittest.main()
