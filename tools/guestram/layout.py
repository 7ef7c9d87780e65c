"""Where things are in guest memory, as the kernel's DWARF says: the one reader of types.

A Struct knows its members by path ("lru.next"); members of anonymous structures and unions belong
to what holds them, as in C.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from errors import ToolError

STRUCTURES = ("DW_TAG_structure_type", "DW_TAG_union_type")
WRAPPERS = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type")
DW_OP_ADDR = 0x03
POINTER_BYTES = 8
SIGNED = 5  # DW_ATE_signed
SIGNED_CHAR = 6
CODES = {(1, False): "B", (1, True): "b", (2, False): "H", (2, True): "h", (4, False): "I",
         (4, True): "i", (8, False): "Q", (8, True): "q"}


class LayoutError(ToolError):
    """The kernel's debugging information does not have what is needed."""


@dataclass
class Member:
    """A number, pointer or array in a structure. code: as in the struct module, "s" for other
    things."""

    offset: int
    size: int
    code: str


@dataclass
class Struct:
    """A structure's size and members by path."""

    name: str
    size: int
    members: dict[str, Member] = field(default_factory=dict)

    def offset(self, path: str) -> int:
        return self.member(path).offset

    def member(self, path: str) -> Member:
        try:
            return self.members[path]
        except KeyError:
            raise LayoutError(f"struct {self.name} of this kernel has no member {path}") from None

    def format(self, paths: Iterable[str]) -> str:
        """A struct module format of a whole structure, and nothing but these members: in the order
        of their offsets, which must be the order of `paths`."""
        text, at = "<", 0
        for path in paths:
            member = self.member(path)
            if member.offset < at:
                raise LayoutError(f"struct {self.name}: {path} is not in the order of offsets")
            text += f"{member.offset - at}x{member.code if member.code != 's' else f'{member.size}s'}"
            at = member.offset + member.size
        return text + f"{self.size - at}x"


@dataclass(frozen=True)
class Variable:
    """A variable at its linked address. element: of an array, what it holds."""

    address: int
    size: int
    struct: Struct | None
    element: Struct | None


class Layout:
    """Types and variables of some source files of a kernel."""

    def __init__(self, kernel: Path, sources: Iterable[str]) -> None:
        try:
            from elftools.common.exceptions import ELFError
            from elftools.elf.elffile import ELFFile
        except ImportError as error:
            raise ToolError("reading a kernel's types needs pyelftools: apt install python3-pyelftools") from error
        self._structs: dict[str, Struct] = {}
        self._variables: dict[str, object] = {}
        self._by_offset: dict[int, Struct] = {}
        wanted = set(sources)
        try:
            with open(kernel, "rb") as file:
                elf = ELFFile(file)
                if not elf.has_dwarf_info():
                    raise LayoutError(f"{kernel}: built without debugging information (-g)")
                self._symbols = {symbol.name: symbol["st_value"]
                                 for symbol in elf.get_section_by_name(".symtab").iter_symbols()}
                for unit in elf.get_dwarf_info(relocate_dwarf_sections=False).iter_CUs():
                    name = unit.get_top_DIE().attributes["DW_AT_name"].value.decode()
                    if name in wanted:
                        wanted.remove(name)
                        self._read_unit(unit)
        except (OSError, ELFError) as error:
            raise LayoutError(f"{kernel}: {error}") from error
        if wanted:
            raise LayoutError(f"{kernel}: no debugging information about {', '.join(sorted(wanted))}")

    def struct(self, name: str) -> Struct:
        try:
            return self._structs[name]
        except KeyError:
            raise LayoutError(f"this kernel has no struct {name}") from None

    def variable(self, name: str) -> Variable:
        try:
            return self._variables[name]
        except KeyError:
            raise LayoutError(f"this kernel has no variable {name}") from None

    def symbol(self, name: str) -> int:
        """Linked address of what assembler code defines."""
        try:
            return self._symbols[name]
        except KeyError:
            raise LayoutError(f"this kernel has no symbol {name}") from None

    def _read_unit(self, unit) -> None:
        for die in unit.get_top_DIE().iter_children():
            if die.tag == "DW_TAG_structure_type" and "DW_AT_name" in die.attributes:
                if "DW_AT_byte_size" in die.attributes:
                    struct = self._struct_of(die)
                    self._structs.setdefault(struct.name, struct)
            elif die.tag == "DW_TAG_variable":
                self._read_variable(die)

    def _read_variable(self, die) -> None:
        location = die.attributes.get("DW_AT_location")
        if location is None or location.form != "DW_FORM_exprloc" or location.value[0] != DW_OP_ADDR:
            return
        address = int.from_bytes(bytes(location.value[1:9]), "little")
        if "DW_AT_specification" in die.attributes:
            declared = die.get_DIE_from_attribute("DW_AT_specification")
            # An array's declaration may lack the bound that the definition gives.
            typed = die if "DW_AT_type" in die.attributes else declared
            name = declared.attributes["DW_AT_name"].value.decode()
        else:
            typed = die
            name = die.attributes["DW_AT_name"].value.decode()
        kind = _unwrapped(typed)
        struct = self._struct_of(kind) if kind.tag in STRUCTURES else None
        element = None
        if kind.tag == "DW_TAG_array_type":
            of = _unwrapped(kind)
            element = self._struct_of(of) if of.tag in STRUCTURES else None
        self._variables[name] = Variable(address, _size(kind), struct, element)

    def _struct_of(self, die) -> Struct:
        known = self._by_offset.get(die.offset)
        if known is None:
            name = die.attributes["DW_AT_name"].value.decode() if "DW_AT_name" in die.attributes else ""
            known = Struct(name, _size(die))
            self._by_offset[die.offset] = known
            self._add_members(known, die, 0, "")
        return known

    def _add_members(self, struct: Struct, die, base: int, prefix: str) -> None:
        for member in die.iter_children():
            if member.tag != "DW_TAG_member":
                continue
            at = member.attributes.get("DW_AT_data_member_location")
            offset = base + (at.value if at else 0)
            kind = _unwrapped(member)
            name = member.attributes["DW_AT_name"].value.decode() if "DW_AT_name" in member.attributes else None
            if name is not None:
                struct.members[prefix + name] = Member(offset, _size(kind), _code(kind))
            if kind.tag in STRUCTURES:
                self._add_members(struct, kind, offset, prefix if name is None else f"{prefix}{name}.")


def _unwrapped(die):
    """The type that a DIE has, without typedefs and qualifiers."""
    kind = die.get_DIE_from_attribute("DW_AT_type")
    while kind.tag in WRAPPERS:
        kind = kind.get_DIE_from_attribute("DW_AT_type")
    return kind


def _size(die) -> int:
    if "DW_AT_byte_size" in die.attributes:
        return die.attributes["DW_AT_byte_size"].value
    if die.tag == "DW_TAG_pointer_type":
        return POINTER_BYTES
    if die.tag == "DW_TAG_array_type":
        return _size(_unwrapped(die)) * _elements(die)
    raise LayoutError(f"a {die.tag} without a size")


def _elements(die) -> int:
    count = 1
    for bound in die.iter_children():
        if "DW_AT_upper_bound" in bound.attributes:
            count *= bound.attributes["DW_AT_upper_bound"].value + 1
        elif "DW_AT_count" in bound.attributes:
            count *= bound.attributes["DW_AT_count"].value
        else:
            count = 0
    return count


def _code(die) -> str:
    """Letter of the struct module for a number or a pointer; "s" for anything else."""
    if die.tag in STRUCTURES or die.tag == "DW_TAG_array_type":
        return "s"
    encoding = die.attributes.get("DW_AT_encoding")
    signed = encoding is not None and encoding.value in (SIGNED, SIGNED_CHAR)
    return CODES[(_size(die), signed)]
