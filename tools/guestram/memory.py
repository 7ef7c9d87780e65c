"""A dump of guest memory, and the kernel in it.

A dump is what QMP dump-guest-memory writes: an ELF core whose segments are ranges of physical
memory. The kernel's image lies where its ELF file says, so a variable is found by its linked address
minus KERNEL_BASE. A pointer read there is translated with the two bases that the kernel keeps
(docs/architecture.md, "Where the kernel lies").
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from errors import ToolError
from guestram.layout import Layout, Struct

KERNEL_BASE = 0xffffffff80000000
ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
ELF64 = b"\x7fELF\x02\x01"
PT_LOAD = 1


class DumpError(ToolError):
    """The dump cannot be read, or what is in it cannot be this kernel's memory."""


class Memory:
    """Physical memory of a guest: a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ranges: list[tuple[int, int, int]] = []  # physical address, end, place in the file

    def __enter__(self) -> "Memory":
        try:
            with open(self._path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except (OSError, ValueError) as error:
            raise DumpError(f"{self._path}: {error}") from error
        self._bytes = memoryview(self._map)
        try:
            self._read_headers()
        except struct.error as error:
            raise DumpError(f"{self._path}: {error}") from error
        return self

    def __exit__(self, *_) -> None:
        # A view that somebody still holds would keep the mapping, and closing it would fail.
        self._bytes.release()

    def _read_headers(self) -> None:
        if self._bytes[:6] != ELF64:
            raise DumpError(f"{self._path}: not a dump of guest memory (no ELF core)")
        header = ELF_HEADER.unpack_from(self._bytes)
        offset, size, count = header[5], header[9], header[10]
        for index in range(count):
            kind, _, place, _, physical, length, _, _ = PROGRAM_HEADER.unpack_from(
                self._bytes, offset + index * size)
            if kind == PT_LOAD:
                if place + length > len(self._bytes):
                    raise DumpError(f"{self._path}: cut off: {len(self._bytes)} bytes")
                self._ranges.append((physical, physical + length, place))

    def read(self, physical: int, size: int) -> memoryview:
        """Bytes that lie together in one range of memory; valid until the dump is closed."""
        at = self.place(physical, size)
        return self._bytes[at:at + size]

    def place(self, physical: int, size: int = 1) -> int:
        """Where in the file these bytes are."""
        for start, end, place in self._ranges:
            if start <= physical and physical + size <= end:
                return place + physical - start
        raise DumpError(f"{self._path}: no memory at 0x{physical:x}, {size} bytes")


class Record:
    """Reads some members of a structure at an address, as a tuple."""

    def __init__(self, kind: Struct, *paths: str) -> None:
        ordered = sorted(paths, key=kind.offset)
        self._unpack = struct.Struct(kind.format(ordered)).unpack
        self._order = [ordered.index(path) for path in paths]
        self.size = kind.size

    def unpack(self, data) -> tuple:
        values = self._unpack(data)
        return tuple(values[index] for index in self._order)


class Kernel:
    """The kernel in a dump: variables, pointers, lists."""

    def __init__(self, layout: Layout, memory: Memory) -> None:
        self.layout = layout
        self.memory = memory
        self._image_base = self._linked_u64("image_base")
        self._direct_map_base = self._linked_u64("direct_map_base")
        if self._image_base < KERNEL_BASE or self._direct_map_base >> 47 != 0x1ffff:
            raise DumpError(f"image_base is 0x{self._image_base:x}, direct_map_base "
                            f"0x{self._direct_map_base:x}: not the memory of this kernel")

    def _linked_u64(self, symbol: str) -> int:
        return self.number(self.layout.symbol(symbol) - KERNEL_BASE)

    @property
    def slide(self) -> int:
        """How far the image lies from where it was linked."""
        return self._image_base - KERNEL_BASE

    def number(self, physical: int, size: int = 8) -> int:
        return int.from_bytes(self.memory.read(physical, size), "little")

    def physical(self, pointer: int) -> int:
        """Where a kernel pointer points: into the image or the direct map."""
        if pointer >= KERNEL_BASE:
            return pointer - self._image_base
        if pointer >= self._direct_map_base:
            return pointer - self._direct_map_base
        raise DumpError(f"0x{pointer:x} is no pointer into the image or the direct map")

    def variable(self, name: str) -> int:
        """Address, as the kernel uses it, of a variable."""
        return self.layout.variable(name).address + self.slide

    def value(self, name: str) -> int:
        """A number or pointer that a variable holds."""
        return self.number(self.physical(self.variable(name)), self.layout.variable(name).size)

    def record(self, pointer: int, record: Record) -> tuple:
        return record.unpack(self.memory.read(self.physical(pointer), record.size))

    def field(self, pointer: int, kind: Struct, path: str) -> int:
        """One unsigned member of the structure at an address."""
        member = kind.member(path)
        return self.number(self.physical(pointer) + member.offset, member.size)

    def list(self, head: int, limit: int) -> Iterator[int]:
        """Addresses of the nodes of a list, by their next pointers."""
        node = self.number(self.physical(head))
        for _ in range(limit):
            if node == head:
                return
            yield node
            node = self.number(self.physical(node))
        raise DumpError(f"the list at 0x{head:x} has more than {limit} nodes, or does not end")
