"""The reader of guest memory on a kernel of a few lines: types from DWARF, a dump with two ranges of memory, pointers, lists, and
the counters of a trace ring in each state that an interrupted CPU may leave."""

import struct
import subprocess
import unittest
from pathlib import Path

import support
from guestram import ring
from guestram.layout import Layout, LayoutError
from guestram.memory import KERNEL_BASE, DumpError, Kernel, Memory, Record

SOURCE = """
typedef unsigned int u32;
struct node { struct node *next; };
struct thing {
	u32 number;
	unsigned char small;
	union { struct node *other; const struct thing *same; };
	struct { short inner; } part;
	union { u32 plain; struct { unsigned char locked; }; };
	volatile long long place;
	struct node link;
};
struct thing things[3];
static struct { int count; struct node heads[4]; } table = {.count = -7};
unsigned long image_base = 1, direct_map_base = 1;
int use(void) { return table.count; }
"""
SLIDE = 0x200000
DIRECT_MAP = 0xffff888000000000
RAM = 0x100000  # where the second range begins


def core(ranges: list[tuple[int, bytes]]) -> bytes:
    """An ELF core with these ranges of physical memory."""
    at = 64 + 56 * len(ranges)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0, 64, 56,
                       len(ranges), 0, 0, 0)
    bodies = b""
    for physical, data in ranges:
        head += struct.pack("<IIQQQQQQ", 1, 6, at + len(bodies), 0, physical, len(data), len(data), 0)
        bodies += data
    return head + bodies


class GuestTest(support.TemporaryDirectoryTest):

    def setUp(self) -> None:
        super().setUp()
        source = self.directory / "kernel.c"
        source.write_text(SOURCE)
        self.elf = self.directory / "kernel.elf"
        subprocess.run([f"{support.CROSS_COMPILE}gcc", "-g", "-ffreestanding", "-nostdlib", "-static", "-fno-pic", "-no-pie",
                        "-mcmodel=kernel", f"-Wl,-Ttext={KERNEL_BASE + 0x1000:#x}", "-Wl,-e,0",
                        "-o", str(self.elf), "kernel.c"], cwd=self.directory, check=True)
        self.layout = Layout(self.elf, ["kernel.c"])

    def dump(self, writes: dict[int, bytes]) -> Path:
        """A dump in which the kernel lies SLIDE away and these bytes are in memory."""
        memory = bytearray(RAM)
        for name, value in (("image_base", KERNEL_BASE + SLIDE), ("direct_map_base", DIRECT_MAP)):
            at = self.layout.symbol(name) - KERNEL_BASE
            memory[at:at + 8] = value.to_bytes(8, "little")
        for at, data in writes.items():
            memory[at:at + len(data)] = data
        path = self.directory / "dump"
        path.write_bytes(core([(0, bytes(memory)), (2 * RAM, b"high" * 1024)]))
        return path

    def test_structures(self):
        thing = self.layout.struct("thing")
        places = {name: (thing.offset(name), thing.member(name).size)
                  for name in ("number", "small", "other", "same", "part.inner", "plain", "locked",
                               "place", "link.next")}
        self.assertEqual(places, {"number": (0, 4), "small": (4, 1), "other": (8, 8), "same": (8, 8),
                                  "part.inner": (16, 2), "plain": (20, 4), "locked": (20, 1),
                                  "place": (24, 8), "link.next": (32, 8)})
        self.assertEqual(thing.size, 40)
        record = Record(thing, "place", "part.inner", "small")
        data = struct.pack("<IBxxxQhxxIqQ", 1, 255, 2, -3, 4, -5, 6)
        self.assertEqual(record.unpack(data), (-5, -3, 255))

    def test_variables(self):
        things, table = self.layout.variable("things"), self.layout.variable("table")
        self.assertEqual((things.size, things.element.size), (120, 40))
        self.assertEqual(table.struct.member("heads").size, 32)

    def test_what_is_not_there(self):
        for look in (lambda: self.layout.struct("page"), lambda: self.layout.variable("lru"),
                     lambda: self.layout.symbol("start"), lambda: self.layout.struct("thing").offset("x"),
                     lambda: Layout(self.elf, ["mm/page.c"])):
            with self.assertRaises(LayoutError):
                look()

    def test_pointers_and_lists(self):
        thing = self.layout.struct("thing")
        things = self.layout.variable("things").address - KERNEL_BASE
        heads = (self.layout.variable("table").address - KERNEL_BASE
                 + self.layout.variable("table").struct.offset("heads"))
        first, second = 0x8000, things + thing.offset("link")
        writes = {heads: struct.pack("<Q", DIRECT_MAP + first),
                  first: struct.pack("<Q", KERNEL_BASE + SLIDE + second),
                  second: struct.pack("<Q", KERNEL_BASE + SLIDE + heads),
                  things: struct.pack("<I", 99)}
        with Memory(self.dump(writes)) as memory:
            kernel = Kernel(self.layout, memory)
            head = kernel.variable("table") + self.layout.variable("table").struct.offset("heads")
            nodes = list(kernel.list(head, 10))
            self.assertEqual(nodes, [DIRECT_MAP + first, KERNEL_BASE + SLIDE + second])
            self.assertEqual(kernel.field(nodes[1] - thing.offset("link"), thing, "number"), 99)
            self.assertEqual(bytes(memory.read(2 * RAM, 4)), b"high")
            with self.assertRaises(DumpError):
                list(kernel.list(head, 1))
            for address in (RAM - 2, RAM, 2 * RAM + 4095):
                with self.assertRaises(DumpError):
                    memory.read(address, 4)
            with self.assertRaises(DumpError):
                kernel.physical(0x1234)

    def test_another_kernel(self):
        path = self.dump({self.layout.symbol("image_base") - KERNEL_BASE: bytes(8)})
        with Memory(path) as memory, self.assertRaises(DumpError):
            Kernel(self.layout, memory)

    def test_damaged_dump(self):
        path = self.dump({})
        for data in (b"", b"\x7fELF", b"not a dump at all, but long enough to look at" * 4,
                     path.read_bytes()[:-1]):
            path.write_bytes(data)
            with self.subTest(len(data)), self.assertRaises(DumpError), Memory(path):
                pass


class RingTest(unittest.TestCase):
    """What _packet() makes of a sub-buffer whose events take 24 bytes each."""

    def packet(self, content: int, size: int, emitted: int, discarded: int = 0) -> memoryview:
        data = bytearray(ring.SUBBUF)
        for offset, value in ((ring.CONTENT, content), (ring.PACKET, size),
                              (ring.DISCARDED, discarded), (ring.EMITTED, emitted)):
            data[offset:offset + 8] = (value & ring.U64).to_bytes(8, "little")
        return memoryview(bytes(data))

    def read(self, content: int, size: int, emitted: int, end: int | None) -> tuple:
        found = ring._packet(self.packet(content, size, emitted), 1000, end)
        return found.events, found.missing, found.uncertain, len(found.content)

    def test_states(self):
        full, bits = ring.HEADER + 72, (ring.HEADER + 72) * 8
        self.assertEqual(self.read(-72, 0, 3, full), (3, 0, False, 0), "open")
        self.assertEqual(self.read(-48, 0, 2, full), (2, 24, False, full), "open, one unfinished")
        self.assertEqual(self.read(-72, bits, 3, full), (3, 0, True, 0), "being closed")
        self.assertEqual(self.read(24, bits, 2, full), (2, 24, False, full), "being closed, unfinished")
        self.assertEqual(self.read(24, bits, 2, None), (2, 24, False, full), "closed, one unfinished")
        self.assertEqual(self.read(0, bits, 3, None), (3, 0, True, 0), "closed, waits")
        self.assertEqual(self.read(0, bits, 1000, None), (0, 0, False, 0), "its delivery has begun")
        self.assertEqual(self.read(bits, bits, 1000, None), (0, 0, False, 0), "almost delivered")
        self.assertEqual(self.read(bits, bits, 1000, ring.HEADER), (0, 0, False, 0), "just opened")
        self.assertEqual(self.read(-72, 0, 3, ring.SUBBUF)[1], ring.SUBBUF - ring.HEADER - 72, "full")


if __name__ == "__main__":
    unittest.main()
