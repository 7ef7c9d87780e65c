"""The trace rings of a guest that will not send them any more, read out of its physical memory.

The kernel's symbol trace_rings says where they are (struct trace_rings in trace/trace_abi.h). What
is in them is bytes here: palimpsest-recover turns them into packets.

  <session>/rings/descriptor   the structure, as it lay in memory
  <session>/rings/cpuN         the sub-buffers of a CPU
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from errors import MachineError, ToolError
from machine import MAX_CPUS, Machine

DIRECTORY = "rings"
SYMBOL = b"trace_rings"
MAGIC = 0x73676e6972746c70
VERSION = 1
SUBBUF_SIZE = 65536
MAX_SUBBUFS = 64
HEAD = struct.Struct("<QIIII")
PLACE = struct.Struct("<QQII")
DESCRIPTOR_SIZE = HEAD.size + MAX_CPUS * PLACE.size
QMP_SECONDS = 30.0

ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
ELF_SYMBOL = struct.Struct("<IBBHQQ")
PT_LOAD = 1
SHT_SYMTAB = 2


class RingsError(ToolError):
    """The rings cannot be read; str() says why."""


@dataclass(frozen=True)
class Place:
    """Sub-buffers of one CPU in physical memory."""

    memory: int
    subbufs: int


def physical_address(kernel: Path) -> int:
    """Where the kernel's image holds the descriptor: the image is loaded at its p_paddr, wherever
    it is mapped."""
    image = kernel.read_bytes()
    try:
        address = _symbol_value(image, SYMBOL)
        header = ELF_HEADER.unpack_from(image)
        offset, size, count = header[5], header[9], header[10]
        for index in range(count):
            kind, _, _, virtual, physical, _, length, _ = PROGRAM_HEADER.unpack_from(
                image, offset + index * size)
            if kind == PT_LOAD and virtual <= address < virtual + length:
                return address - virtual + physical
    except struct.error as error:
        raise RingsError(f"{kernel}: not an ELF image ({error})") from error
    raise RingsError(f"{kernel}: {SYMBOL.decode()} lies in no segment")


def _symbol_value(image: bytes, name: bytes) -> int:
    header = ELF_HEADER.unpack_from(image)
    offset, size, count = header[6], header[11], header[12]
    sections = [SECTION_HEADER.unpack_from(image, offset + index * size) for index in range(count)]
    for _, kind, _, _, start, length, link, _, _, _ in sections:
        if kind != SHT_SYMTAB:
            continue
        names = sections[link][4]
        for at in range(start, start + length, ELF_SYMBOL.size):
            text, _, _, _, value, _ = ELF_SYMBOL.unpack_from(image, at)
            if image[names + text:names + text + len(name) + 1] == name + b"\0":
                return value
    raise RingsError(f"the kernel has no symbol {name.decode()}")


def parse(descriptor: bytes) -> list[Place]:
    """The places that a descriptor names, each possible; empty when tracing had not begun."""
    magic, version, nr_cpus, subbuf_size, _ = HEAD.unpack_from(descriptor)
    if magic != MAGIC:
        raise RingsError(f"its magic is 0x{magic:x} and should be 0x{MAGIC:x}")
    if (version, subbuf_size) != (VERSION, SUBBUF_SIZE) or nr_cpus > MAX_CPUS:
        raise RingsError(f"version {version}, {nr_cpus} CPUs, sub-buffers of {subbuf_size} bytes: "
                         "not what this driver reads")
    places = []
    for cpu in range(nr_cpus):
        memory, _, subbufs, _ = PLACE.unpack_from(descriptor, HEAD.size + cpu * PLACE.size)
        if not 0 < subbufs <= MAX_SUBBUFS or memory % SUBBUF_SIZE or memory >> 40:
            raise RingsError(f"CPU {cpu} has {subbufs} sub-buffers at 0x{memory:x}")
        places.append(Place(memory, subbufs))
    return places


def save(machine: Machine, address: int, session: Path) -> bool:
    """Stop the guest and save its rings in the session; False when tracing had not begun. The
    guest is not continued."""
    directory = session / DIRECTORY
    directory.mkdir(exist_ok=True)
    try:
        machine.qmp.execute("stop", timeout_s=QMP_SECONDS)
        descriptor = directory / "descriptor"
        _save(machine, address, DESCRIPTOR_SIZE, descriptor)
        places = parse(descriptor.read_bytes())
        for cpu, place in enumerate(places):
            _save(machine, place.memory, place.subbufs * SUBBUF_SIZE, directory / f"cpu{cpu}")
    except RingsError as error:
        raise RingsError(f"the guest's ring descriptor at 0x{address:x}: {error}") from error
    except MachineError as error:
        raise RingsError(str(error)) from error
    except OSError as error:
        raise RingsError(f"{error.filename}: {error.strerror}") from error
    return bool(places)


def _save(machine: Machine, address: int, size: int, path: Path) -> None:
    machine.qmp.execute("pmemsave", {"val": address, "size": size, "filename": str(path)},
                        timeout_s=QMP_SECONDS)
    if path.stat().st_size != size:
        raise RingsError(f"QEMU saved {path.stat().st_size} of {size} bytes")
