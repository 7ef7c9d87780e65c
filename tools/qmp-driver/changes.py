"""What changed between two instants: objects that went, came or are another way now, by kind.

Two states are compared, not what happened in between: what went and came back is the same. With -o
the reverse map is drawn with its changes.
"""

import json
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import color
import instant
import session
import snapshot
import state
from errors import ToolError
from instant import seconds
from snapshot import Listing

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Table:
    """What identifies an object of a span table, what it is like, and the one of these columns by
    which changes are summed up."""

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    sort: str | None = None


KINDS = {
    "tasks": (Table("task_span", ("pid",), ("tgid", "mm_id", "comm")),),
    "vma": (Table("vma_span", ("vma_id",), ("mm_id", "va_start", "va_end", "flags",
                                            "anon_vma_id")),),
    "pagetables": (Table("pgtable_span", ("mm_id", "level", "va"), ("pfn",)),
                   Table("pte_span", ("mm_id", "va"), ("kind", "pfn", "slot", "flags"), "kind"),
                   Table("pmd_span", ("mm_id", "va"), ("pfn", "flags"))),
    "rmap": (Table("rmap_span", ("pfn", "mm_id", "va"), ("mapping_id",)),),
    "files": (Table("mapping_span", ("mapping_id",), ()),
              Table("cache_span", ("mapping_id", "pgoff"), ("kind", "pfn", "slot"), "kind"),
              Table("i_mmap_span", ("vma_id",), ("mapping_id", "pgoff"))),
    "lru": (Table("lru_span", ("pfn",), ("list", "pos", "nr_frames"), "list"),),
    "swap": (Table("swap_span", ("slot",), ("refs", "life_id")),
             Table("swap_cache_span", ("slot",), ("pfn",))),
    "pages": (Table("page_life", ("pfn",), ("kind", '"order"', "life_id"), "kind"),),
    "free": (Table("free_span", ("pfn",), ('"order"',), '"order"'),
             Table("pcp_span", ("pfn",), ("cpu",))),
}


@dataclass
class Difference:
    """Keys -> values before and after; None where there was, or is, no such object."""

    table: Table
    changes: dict[tuple, tuple[tuple | None, tuple | None]] = field(default_factory=dict)
    same: int = 0
    uncertain: set[tuple] = field(default_factory=set)  # keys, also of what is the same

    def count(self, sort: str) -> int:
        return sum(kind_of(*change) == sort for change in self.changes.values())


def kind_of(before: tuple | None, after: tuple | None) -> str:
    return "removed" if after is None else "added" if before is None else "changed"


def compare(before: state.State, after: state.State, table: Table) -> Difference:
    columns, width = ", ".join((*table.key, *table.values, "t_begin")), len(table.key)
    old, new, uncertain = {}, {}, set()
    for moment, found in ((before, old), (after, new)):
        for row in moment.rows(table.name, columns):
            found[row[:width]] = row[width:-1]
            if row[-1] < (moment.uncertain_before or 0):
                uncertain.add(row[:width])
    changes = {key: (old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys())
               if old.get(key) != new.get(key)}
    return Difference(table, changes, len(old.keys() | new.keys()) - len(changes), uncertain)


def set_argparser(parser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="default: the newest")
    parser.add_argument("--at", action="append", default=[], metavar="T",
                        help="twice: the earlier and the later " + instant.HELP)
    parser.add_argument("--what", action="append", choices=KINDS, metavar="KIND",
                        help=f"{', '.join(KINDS)}; may be repeated (default: all)")
    parser.add_argument("--full", action="store_true", help="every change instead of a summary")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")
    parser.add_argument("-o", "--output", metavar="FILE.svg",
                        help="draw the reverse map with its changes; the DOT source goes beside it")


def main(args) -> int:
    if len(args.at) != 2:
        raise ToolError("diff: name two instants, --at T1 --at T2")
    with closing(session.open_database(args.session)) as database:
        moments = [state.at(database, instant.resolve(database, text)) for text in args.at]
        for moment in moments:
            state.demand_known(database, moment.t)
        kinds = dict.fromkeys(args.what or KINDS)
        found = [compare(*moments, table) for kind in kinds for table in KINDS[kind]]
        if args.output:
            draw(database, moments, args.at, Path(args.output))
    if args.json:
        json.dump({"schema_version": SCHEMA_VERSION, "kind": "diff", "at": args.at,
                   "t": [moment.t for moment in moments],
                   "differences": [as_json(difference) for difference in found]}, sys.stdout)
        print()
        return 0
    print("from {} s ({}) to {} s ({})".format(
        *(word for moment, text in zip(moments, args.at) for word in (seconds(moment.t), text))))
    doubt = any(moment.uncertain_before is not None for moment in moments)
    if doubt:
        print("events were lost: uncertain objects may be another way, and others may be unknown")
    listings = full(found, doubt) if args.full else summary(found, doubt)
    for listing in listings:
        print("\n" + "\n".join(snapshot.as_text(listing)))
    if args.output:
        print(f"\n{args.output}")
    return 0


def summary(found: list[Difference], doubt: bool) -> list[Listing]:
    columns = ["what", "removed", "added", "changed", "same", *(["uncertain"] if doubt else [])]
    listings = [Listing("objects", columns, [
        (difference.table.name.removesuffix("_span"),
         *map(difference.count, ("removed", "added", "changed")), difference.same,
         *([len(difference.uncertain)] if doubt else [])) for difference in found])]
    for difference in found:
        sort = difference.table.sort
        if sort and difference.changes:
            index = difference.table.values.index(sort)
            moves = Counter(tuple("none" if values is None else str(values[index])
                                  for values in change) for change in difference.changes.values())
            listings.append(Listing(
                f"{difference.table.name.removesuffix('_span')}: changes by {sort.strip(chr(34))}",
                ["before", "after", "objects"],
                [(*move, n) for move, n in sorted(moves.items())]))
    return listings


def full(found: list[Difference], doubt: bool) -> list[Listing]:
    listings = []
    for difference in found:
        table = difference.table
        rows = [(kind_of(before, after), *key, *(before or (None,) * len(table.values)),
                 *(after or (None,) * len(table.values)),
                 *(["?" if key in difference.uncertain else ""] if doubt else []))
                for key, (before, after) in difference.changes.items()]
        names = [name.strip('"') for name in table.values]
        listings.append(Listing(f"{table.name.removesuffix('_span')}, {difference.same} the same",
                                ["change", *table.key, *(f"{name}_before" for name in names),
                                 *(f"{name}_after" for name in names),
                                 *(["uncertain"] if doubt else [])], rows))
    return listings


def as_json(difference: Difference) -> dict:
    table = difference.table
    return {"table": table.name, "key": table.key,
            "values": [name.strip('"') for name in table.values], "same": difference.same,
            "changes": [{"change": kind_of(before, after), "key": key, "before": before,
                         "after": after, "uncertain": key in difference.uncertain}
                        for key, (before, after) in difference.changes.items()]}


def draw(database: sqlite3.Connection, moments: list[state.State], asked: list[str],
         path: Path) -> None:
    from visualize import diff_graph, diff_picture
    from visualize.drawing import DrawingError

    graph = diff_graph.build(*moments)
    try:
        diff_picture.draw(graph, [f"{seconds(moment.t)} s ({text})"
                                  for moment, text in zip(moments, asked)]).save(path)
    except (DrawingError, OSError) as error:
        raise ToolError(str(error)) from error
