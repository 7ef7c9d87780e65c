"""How a session's events look: fields with their places and types from its ctf/metadata, meanings
from its database.

The CTF metadata is a text that this project's own gen-metadata writes, one field a line, so two
patterns read it.
"""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError
from export.tables import columns
from results import rows, value

METADATA = "ctf/metadata"
_EVENT = re.compile(r'^event \{\n\tname = "(\w+)";\n\tid = (\d+);\n'
                    r'.*?fields := struct \{\n(.*?)^\t\};', re.M | re.S)
_FIELD = re.compile(r"^\t\t(?:enum )?(\w+) _(\w+)(?:\[(\d+)\])?;$", re.M)
# The last part of a type's name: uint32_t, flags16_t, lru_list_8 (an enumeration), text_t.
_TYPE = re.compile(r"(?:(int|uint|flags)(\d+)_t|(text)_t|\w+_(\d+))$")
_MEANING = re.compile(r'^\t"?(\w+)"? .*\((enum|bits): (\w+)\)$', re.M)


@dataclass(frozen=True)
class Field:
    name: str
    column: str  # in the event's table
    offset: int  # in the payload
    size: int
    signed: bool = False
    text: bool = False
    enum: str = ""  # names of values, in table enum_name
    flags: str = ""  # names of bits


@dataclass(frozen=True)
class Event:
    id: int
    name: str
    size: int  # of the payload
    fields: tuple[Field, ...]


def events(directory: Path, database: sqlite3.Connection) -> list[Event]:
    """The events that the session's database has tables for."""
    path = directory / METADATA
    try:
        text = path.read_text()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}: the fields of the events are described "
                        "there") from error
    found = [_event(database, *match) for match in _EVENT.findall(text)]
    if not found:
        raise ToolError(f"{path}: no event in it; it is not the metadata of a session")
    return [event for event in found if event is not None]


def _event(database: sqlite3.Connection, name: str, id_: str, body: str) -> Event | None:
    table = columns(database, name)
    if not table:
        return None
    meanings = {column: (kind, names) for column, kind, names in _MEANING.findall(
        value(database, "SELECT sql FROM sqlite_schema WHERE name = :name", name=name))}
    fields, offset = [], 0
    for type_, field, length in _FIELD.findall(body):
        kind, bits, text, enum_bits = _TYPE.fullmatch(type_).groups()
        size = int(length) if text else int(bits or enum_bits) // 8
        column = field if field not in table[:3] else f"arg_{field}"
        if column in table:  # what has no column is padding
            meaning, names = meanings.get(column, ("", ""))
            fields.append(Field(field, column, offset, size, kind == "int", bool(text),
                                names if meaning == "enum" else "", names if meaning == "bits" else ""))
        offset += size * (1 if text or not length else int(length))
    return Event(int(id_), name, offset, tuple(fields))


def names_of(database: sqlite3.Connection) -> dict[str, list[tuple[int, str]]]:
    """By enumeration or set of bits: (value, name)."""
    found: dict[str, list[tuple[int, str]]] = {}
    for enum, number, name in rows(database, "SELECT enum, value, name FROM enum_name ORDER BY enum, value"):
        found.setdefault(enum, []).append((number, name))
    return found
