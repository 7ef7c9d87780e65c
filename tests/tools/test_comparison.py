"""verify.def as the tools read it, and comparing: what differs is named, and no more than that."""

import base64
import sqlite3
import unittest

import support
import comparison
import cut
import state
import verify_def
from errors import ToolError

DEFINITION = """
/* A comment, with OBJECT(in, "it"). */
#ifndef OBJECT
#define OBJECT(name, table, condition, key, guard, events, doc)
#endif
OBJECT(entry, "pte_span", "1", "mm_id va", PTL,
       "pte_set pte_clear", "an entry (of a table)")
	ENUM_FIELD(kind, pte_kind, EXACT, "what")
	FLAGS_FIELD(flags, pte_flags, GAINS, "a d", "bits")
END(entry)
OBJECT(listed, "lru_span", "1", "pfn", LRU, "lru_insert", "a page")
	ENUM_FIELD(list, lru_list, EXACT, "where")
	FIELD(pos, EXACT, "place")
	FIELD(place, PLACE, "order")
END(listed)
"""


def kind(name: str) -> verify_def.ObjectKind:
    return next(kind for kind in verify_def.kinds() if kind.name == name)


class DefinitionTest(unittest.TestCase):

    def test_parsing(self):
        entry, listed = verify_def.parse(DEFINITION)
        self.assertEqual((entry.name, entry.table, entry.key, entry.guard, entry.events),
                         ("entry", "pte_span", ("mm_id", "va"), "PTL", ("pte_set", "pte_clear")))
        self.assertEqual(entry.fields[1], verify_def.Field("flags", "GAINS", "pte_flags", ("a", "d")))
        self.assertEqual([field.how for field in listed.fields], ["EXACT", "EXACT", "PLACE"])

    def test_what_is_not_understood(self):
        for old, new in (("END(entry)", "END(other)"), ("GAINS", "LOSES"), ("END(listed)", ""),
                         ("FIELD(pos, EXACT, ", "FIELD(pos, "), ("an entry (of a table)\")", "")):
            with self.subTest(new=new), self.assertRaises(ToolError):
                verify_def.parse(DEFINITION.replace(old, new, 1))


class CompareTest(support.TemporaryDirectoryTest):

    def setUp(self) -> None:
        super().setUp()
        self.database = sqlite3.connect(":memory:")
        self.addCleanup(self.database.close)
        self.database.executescript((support.ROOT / "schema.sql").read_text())
        self.names = comparison.Names(self.database)

    def test_definition_fits_the_schema(self):
        self.assertGreater(len(verify_def.kinds()), 10)
        for one in verify_def.kinds():
            with self.subTest(one.name):
                self.assertEqual(comparison.from_trace(state.at(self.database, 5), one, self.names), {})
                for table in one.events:
                    self.database.execute(f"SELECT id FROM {table}")
                for field in one.fields:
                    self.assertGreaterEqual(self.names.bits(field) if field.bits else 1, 1)

    def differences(self, name: str, memory: dict, trace: dict) -> list[tuple]:
        _, found = comparison.compare(kind(name), memory, trace, self.names)
        return [(one.key, one.text(one.memory), one.text(one.trace)) for one in found]

    def test_entries(self):
        page, swap = (1, 77, None, 0b1101), (3, None, 9, 0)
        trace = {(1, 0x1000): (1, 77, None, 0b0001), (1, 0x2000): swap, (1, 0x3000): swap}
        memory = {(1, 0x1000): page, (1, 0x2000): swap, (1, 0x3000): swap}
        self.assertEqual(self.differences("pte", memory, trace), [])
        trace[1, 0x1000] = (1, 77, None, 0b0011)
        self.assertEqual(self.differences("pte", memory, trace),
                         [((1, 0x1000), "flags=w|a|d", "flags=w|x")])
        trace[1, 0x1000] = page
        del memory[1, 0x2000]
        memory[1, 0x3000] = (3, None, 10, 0)
        self.assertEqual(self.differences("pte", memory, trace),
                         [((1, 0x2000), "none", "kind=swap pfn=None slot=9 flags=0"),
                          ((1, 0x3000), "slot=10", "slot=9")])

    def test_flags_that_are_not_carried(self):
        self.assertEqual(self.differences("page_flags", {(5,): (1 << 7,), (6,): (1 << 7 | 2,)},
                                          {(6,): (2,)}), [])
        self.assertEqual(self.differences("page_flags", {(5,): (1,)}, {}),
                         [((5,), "flags=locked", "none")])

    def test_moved_pages(self):
        order = [7, 3, 9, 1, 4]
        memory = {(pfn,): (0, 50 - place, place) for place, pfn in enumerate(order)}
        self.assertEqual(self.differences("lru", memory, dict(memory)), [])
        # One page at another place: only that one, though the places of others shift.
        moved = [7, 9, 1, 4, 3]
        trace = {(pfn,): (0, memory[pfn,][1], place) for place, pfn in enumerate(moved)}
        self.assertEqual(self.differences("lru", memory, trace), [((3,), "place=1", "place=4")])

    def test_counts(self):
        self.database.executemany("INSERT INTO rmap_span VALUES (?, 1, ?, 1, ?, ?)",
                                  [(5, 0x1000, 0, 9), (5, 0x2000, 3, 9), (6, 0x3000, 0, 2)])
        self.assertEqual(comparison.from_trace(state.at(self.database, 4), kind("mapcount"), self.names),
                         {(5,): (2,)})


class CutTest(support.TemporaryDirectoryTest):
    """Two CPUs; CPU 0 emitted events 1, 3 and 5, CPU 1 emitted 2 and 4; after the instant came 6 and 7."""

    def setUp(self) -> None:
        super().setUp()
        (self.directory / "events.tsv").write_text("0x44\ttlb_flush\t16\t0\n")
        self.database = sqlite3.connect(":memory:")
        self.addCleanup(self.database.close)
        self.database.executescript((support.ROOT / "schema.sql").read_text())
        self.database.execute("INSERT INTO event_count VALUES ('tlb_flush', 7)")
        self.stamps = {1: 10, 2: 10, 3: 11, 4: 20, 5: 20, 6: 21, 7: 30}
        for number, cpu in zip(self.stamps, (0, 1, 0, 1, 0, 0, 1)):
            self.database.execute("INSERT INTO tlb_flush VALUES (?, ?, ?, 0, 0, 0)",
                                  (number, self.stamps[number], cpu))

    def cpu(self, events: int, *packets: dict) -> dict:
        return {"events": events, "discarded": 0, "packets": list(packets)}

    def packet(self, events: int, uncertain: bool = False) -> dict:
        return {"events": events, "missing": 0, "uncertain": uncertain, "content": ""}

    def cut(self, *cpus: dict) -> cut.Cut:
        return cut.Trace(self.directory, self.database).cut(list(cpus), 1)

    def test_whole(self):
        found = self.cut(self.cpu(0, self.packet(3)), self.cpu(1, self.packet(1)))
        self.assertEqual((found.last.id, found.last.t, found.unfinished), (5, 20, []))
        self.assertEqual([[event.id for event in side] for cpu in found.around for side in cpu],
                         [[5], [6], [4], [7]])

    def test_delivery_had_begun(self):
        found = self.cut(self.cpu(3, self.packet(3, uncertain=True)), self.cpu(2))
        self.assertEqual(found.last.id, 5)

    def test_unfinished(self):
        content = bytearray(96 + 3 * 24)
        for place, number in enumerate((1, 3, 5)):
            header = 0 if number == 3 else 0x44 | self.stamps[number] << 16
            content[96 + 24 * place:104 + 24 * place] = header.to_bytes(8, "little")
        packet = self.packet(2) | {"missing": 24, "content": base64.b64encode(content).decode()}
        found = self.cut(self.cpu(0, packet), self.cpu(2))
        self.assertEqual((found.last.id, [event.id for event in found.unfinished]), (5, [3]))

    def test_what_cannot_be(self):
        with self.assertRaises(ToolError):
            self.cut(self.cpu(2), self.cpu(2))  # event 5 is stamped like event 4, and came later


if __name__ == "__main__":
    unittest.main()
