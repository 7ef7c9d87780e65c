"""trace/verify.def as Python values: which objects are compared, and how."""

import re
from dataclasses import dataclass
from functools import cache

from build import ROOT
from errors import ToolError

PATH = ROOT / "trace" / "verify.def"
HOWS = ("EXACT", "MASK", "GAINS", "COUNT", "PLACE")
CALL = re.compile(r'^(OBJECT|FIELD|ENUM_FIELD|FLAGS_FIELD|END)\((.*?)\)$', re.MULTILINE | re.DOTALL)
ARGUMENT = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(\w+))\s*(?:,|$)')
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DIRECTIVE = re.compile(r"^#.*$", re.MULTILINE)


@dataclass(frozen=True)
class Field:
    """A compared value. enum: whose names it has; bits: the names that `how` speaks of."""

    name: str
    how: str
    enum: str | None
    bits: tuple[str, ...]


@dataclass(frozen=True)
class ObjectKind:
    """A kind of objects: rows of `table` that are alive and meet `condition`, named by `key`."""

    name: str
    table: str
    condition: str
    key: tuple[str, ...]
    guard: str
    events: tuple[str, ...]
    fields: tuple[Field, ...]


@cache
def kinds() -> tuple[ObjectKind, ...]:
    """All kinds, in the order of the file."""
    try:
        return parse(PATH.read_text())
    except OSError as error:
        raise ToolError(f"{PATH}: {error.strerror}") from error


def parse(text: str) -> tuple[ObjectKind, ...]:
    """The kinds that a text in the form of verify.def defines."""
    text = re.sub(r"^\s+", "", DIRECTIVE.sub("", COMMENT.sub("", text)), flags=re.MULTILINE)
    left = CALL.sub("", text).strip()
    _expect(not left, left)
    found = []
    fields: list[Field] = []
    head: list[str] | None = None
    for call in CALL.finditer(text):
        name, arguments = call[1], [a or b for a, b in ARGUMENT.findall(call[2])]
        if name == "OBJECT":
            head, fields = arguments, []
            _expect(len(head) == 7, call[0])
        elif name == "END":
            _expect(head is not None and arguments == head[:1], call[0])
            found.append(ObjectKind(head[0], head[1], head[2], tuple(head[3].split()), head[4],
                                    tuple(head[5].split()), tuple(fields)))
            head = None
        else:
            fields.append(_field(name, arguments, call[0]))
    _expect(head is None, "the end of the file")
    return tuple(found)


def _field(name: str, arguments: list[str], text: str) -> Field:
    sizes = {"FIELD": 3, "ENUM_FIELD": 4, "FLAGS_FIELD": 5}
    _expect(len(arguments) == sizes[name], text)
    if name == "FIELD":
        field = Field(arguments[0], arguments[1], None, ())
    elif name == "ENUM_FIELD":
        field = Field(arguments[0], arguments[2], arguments[1], ())
    else:
        field = Field(arguments[0], arguments[2], arguments[1], tuple(arguments[3].split()))
    _expect(field.how in HOWS, text)
    return field


def _expect(holds: bool, text: str) -> None:
    if not holds:
        raise ToolError(f"{PATH}: not understood: {text}")
