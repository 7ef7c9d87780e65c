"""The figures of the HTML report against the database they come from, asked in the plainest way."""

import gzip
import json
import os
import random
import re
import sqlite3
import struct
import subprocess
import tempfile
import unittest
from array import array
from contextlib import closing
from pathlib import Path
from unittest import mock

from support import PALIMPSEST, ROOT, reference

from html_report import bands, choices, clock, embed, heat, libraries, lines, pack, story, strips
from html_report.recipes import PAGE, recipes

HERE = ROOT / "tools" / "html_report"
SAMPLES = 60


class FiguresTest(unittest.TestCase):
    """On the reference session, in few bins, so that each holds much."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.database = sqlite3.connect(reference() / "session.db")
        cls.addClassCleanup(cls.database.close)
        about = dict(cls.database.execute("SELECT key, value FROM session"))
        cls.clock = clock.Clock(int(about["t_first"]), int(about["t_last"]) + 1, 256)

    def setUp(self) -> None:
        self.random = random.Random(1)

    def bounds(self, place: int) -> tuple[int, int]:
        """The first nanosecond of a bin, and of the next."""
        length, bins = self.clock.end - self.clock.begin, self.clock.bins
        return tuple(self.clock.begin - (-n * length // bins) for n in (place, place + 1))

    def value(self, sql: str, **parameters):
        return self.database.execute(sql, parameters).fetchone()[0]

    def test_free_memory(self) -> None:
        found = lines.free_memory(self.database, self.clock)
        rows = self.database.execute("SELECT t, nr_free FROM free_memory ORDER BY id").fetchall()
        for place in self.random.sample(range(self.clock.bins), SAMPLES):
            begin, end = self.bounds(place)
            inside = [nr_free for t, nr_free in rows if begin <= t < end]
            before = [nr_free for t, nr_free in rows if t < begin][-1:]
            values = inside + before
            wanted = (min(values), max(values)) if values else (-1, -1)
            self.assertEqual((found["fewest"][place], found["most"][place]), wanted, place)

    def test_lru_sizes(self) -> None:
        found = lines.lru_sizes(self.database, self.clock)
        self.assertLessEqual({"active_anon", "inactive_anon", "isolated"}, set(found))
        for name, sizes in found.items():
            for place in self.random.sample(range(self.clock.bins), SAMPLES):
                wanted = self.value("SELECT coalesce(sum(nr_frames), 0) FROM lru_span WHERE list = :list "
                                    "AND t_begin <= :t AND :t < t_end", list=name,
                                    t=self.bounds(place)[1] - 1)
                self.assertEqual(sizes[place], wanted, f"{name} in bin {place}")

    def test_fault_latency(self) -> None:
        found = heat.fault_latency(self.database, self.clock)
        for number, kind in enumerate(found["kinds"]):
            cells = [n for n, of in zip(found["n"], found["kind"]) if of == number]
            self.assertEqual(sum(cells), self.value(
                "SELECT count(latency_ns) FROM fault WHERE kind = :kind", kind=kind), kind)
        for at in self.random.sample(range(len(found["n"])), SAMPLES):
            low, high = (found["lowest_ns"] * 10 ** (row / found["rows_a_decade"])
                         for row in (found["row"][at], found["row"][at] + 1))
            begin, end = self.bounds(found["bin"][at])
            self.assertEqual(found["n"][at], self.value(
                "SELECT count(*) FROM fault WHERE kind = :kind AND t >= :begin AND t < :end "
                "AND latency_ns >= :low AND latency_ns < :high", begin=begin, end=end, low=low,
                high=high, kind=found["kinds"][found["kind"][at]]))

    def test_refault_distance(self) -> None:
        found = heat.refault_distance(self.database, self.clock)
        view = self.database.execute("SELECT distance_from, n, nobody_waited FROM refault_distance "
                                     "WHERE n > 0").fetchall()
        wanted = {start: (n, nobody) for start, n, nobody in view}
        counted: dict[int, list[int]] = {}
        for bucket, waited, n in zip(found["bucket"], found["waited"], found["n"]):
            pair = counted.setdefault(2 ** (bucket - 1) if bucket else 0, [0, 0])
            pair[0] += n
            pair[1] += 0 if waited else n
        self.assertEqual({start: tuple(pair) for start, pair in counted.items()}, wanted)

    def check_strip(self, strip: dict, numbers: list[int], state_of) -> None:
        """The state of a cell has no smaller share of it than any other has."""
        for _ in range(SAMPLES):
            row = self.random.randrange(strip["rows"])
            place = self.random.randrange(strip["bins"])
            members = numbers[row * strip["a_row"]:(row + 1) * strip["a_row"]]
            begin, end = (self.clock.begin + n * self.clock.step for n in (place, place + 1))
            shares = dict.fromkeys(strip["states"], 0.0)
            for number in members:
                for state, t_begin, t_end in state_of(number):
                    shares[state] += max(min(end, t_end) - max(begin, t_begin), 0)
            shares["free"] = len(members) * self.clock.step - sum(shares.values())
            state = strip["states"][strip["cells"][row * strip["bins"] + place]]
            self.assertGreaterEqual(shares[state] + 1e-3 * self.clock.step, max(shares.values()),
                                    f"row {row}, bin {place}: {state}, {shares}")

    def test_frames(self) -> None:
        found = strips.frames(self.database, self.clock)
        numbers = strips._managed_frames(self.database)
        self.assertEqual(list(found["first"]), numbers[::found["a_row"]])
        self.assertEqual(len(numbers), found["count"])

        def state_of(pfn: int) -> list[tuple]:
            lives = self.database.execute(
                'SELECT kind, t_begin, t_end FROM page_life WHERE pfn <= ? AND ? < pfn + (1 << "order")',
                (pfn, pfn)).fetchall()
            listed = self.database.execute("SELECT list, t_begin, t_end FROM lru_span WHERE pfn = ?",
                                           (pfn,)).fetchall()
            names = {"pgtable": "pgtable", "file": "file", "shmem": "file"}
            spans = [(names.get(kind, "kernel"), begin, end) for kind, begin, end in lives if kind not in ("anon", "shmem")]
            for kind, begin, end in lives:
                if kind == "shmem":
                    for b, e, name in sorted((b, e, name) for name, b, e in listed if begin <= b < end):
                        if name in ("isolated", "unevictable"):
                            spans += [("file", begin, b), (name, b, e)]
                            begin = e
                    spans.append(("file", begin, end))
            # An anonymous page is on a list most of its life: what is left is "anon".
            for kind, begin, end in lives:
                if kind == "anon":
                    inside = sorted((b, e, name) for name, b, e in listed if begin <= b < end)
                    for b, e, name in inside:
                        spans += [("anon", begin, b), (name, b, e)]
                        begin = e
                    spans.append(("anon", begin, end))
            return spans

        self.check_strip(found, numbers, state_of)

    def test_slots(self) -> None:
        found = strips.slots(self.database, self.clock)
        numbers = list(range(1, found["count"] + 1))

        def state_of(slot: int) -> list[tuple]:
            cached = [("also in memory", *row) for row in self.database.execute(
                "SELECT t_begin, t_end FROM swap_cache_span WHERE slot = ?", (slot,))]
            used = self.database.execute("SELECT t_begin, t_end FROM swap_span WHERE slot = ?",
                                         (slot,)).fetchall()
            alone = []
            for begin, end in used:
                for _, b, e in sorted(cached, key=lambda span: span[1]):
                    if b < end and e > begin:
                        alone.append(("only in swap", begin, max(b, begin)))
                        begin = min(e, end)
                alone.append(("only in swap", begin, end))
            return cached + alone

        self.check_strip(found, numbers, state_of)

    def test_bands(self) -> None:
        found = bands.reclaim(self.database, self.clock)
        for name, table in (("kswapd", "kswapd_span"), ("direct", "direct_reclaim")):
            n, total = self.database.execute(
                f"SELECT count(*), sum(min(t_end, ?) - t_begin) FROM {table}",
                (self.clock.end,)).fetchone()
            self.assertEqual((found[name]["n"], found[name]["total_ns"]), (n, total))
            begins, ends = found[name]["begin"], found[name]["end"]
            self.assertTrue(all(a < b for a, b in zip(begins, ends)))
            self.assertTrue(all(a < b for a, b in zip(ends, begins[1:])))

    def test_a_story_shows_every_mapping(self) -> None:
        choice = choices.choose(self.database)[0]
        told = story.tell(self.database, choice, self.clock)
        _, mappings, _ = self.database.execute("SELECT * FROM most_shared_ever LIMIT 1").fetchone()
        self.assertIn(f"{mappings} mappings", choice.why)
        present = [dot.count("<B>present</B>") for dot in told["dots"]]
        self.assertEqual(max(present), mappings)
        self.assertEqual(len(told["times"]), len(told["dots"]))
        self.assertEqual(list(told["times"]), sorted(set(told["times"])))

    def test_story_of_a_page_of_a_file(self) -> None:
        """Who maps it is found through its mapping; while it is in swap the address has no entry, and the card says where it is."""
        mm_id, va, mapping_id, pgoff, slot = self.database.execute("""
            SELECT rmap_span.mm_id, va, mapping_id, pgoff, away.slot FROM cache_span AS away JOIN cache_span USING (mapping_id, pgoff)
            JOIN rmap_span USING (mapping_id) WHERE away.kind = 'swap' AND cache_span.pfn = rmap_span.pfn
            AND rmap_span.t_begin > away.t_end ORDER BY rmap_span.t_begin LIMIT 1""").fetchone()
        told = story.tell(self.database, choices.Choice(mm_id, va, "a test"), self.clock)
        dots = [dot for dot in told["dots"] if f"mapping {mapping_id}<" in dot]
        self.assertTrue(any("<B>present</B>" in dot for dot in dots))
        self.assertFalse(any(f"anon_vma {mapping_id}<" in dot for dot in told["dots"]))
        self.assertTrue(any(f"page {pgoff} of mapping {mapping_id}" in dot and f"is in slot {slot}" in dot
                            for dot in told["dots"]))

    def test_a_story_follows_its_address(self) -> None:
        """At each drawing the entry of the address says where the page is, and so does the drawing."""
        for choice in choices.choose(self.database):
            told = story.tell(self.database, choice, self.clock)
            for t, dot in zip(told["times"], told["dots"]):
                entry = self.database.execute(
                    "SELECT kind, pfn, slot FROM pte_span WHERE mm_id = ? AND va = ? "
                    "AND t_begin <= ? AND ? < t_end", (choice.mm_id, choice.va, t, t)).fetchone()
                kind, pfn, slot = entry or (None, None, None)
                wanted = {"page": f"<B>frame {pfn}</B>", "swap": f"slot {slot}<",
                          "zero": "the zero page", None: "no entry"}[kind]
                self.assertIn(wanted, dot.split("anon [")[0], f"{told['title']} at {t}")


class EmbedTest(unittest.TestCase):
    """What of a database goes into the page, by how much room there is."""

    def setUp(self) -> None:
        self.path = reference() / "session.db"

    def opened(self, inside: embed.Embedded) -> sqlite3.Connection:
        database = sqlite3.connect(":memory:")
        self.addCleanup(database.close)
        database.deserialize(gzip.decompress(inside.data))
        return database

    def test_the_most_that_fits(self) -> None:
        with closing(sqlite3.connect(self.path)) as whole:
            answers = {one["title"]: (one["sql"], whole.execute(one["sql"]).fetchall())
                       for one in recipes()}
        room, kinds = 1 << 30, []
        while (inside := embed.embed(self.path, room)).kind != "none":
            kinds.append(inside.kind)
            self.assertLessEqual(len(inside.data), room)
            database = self.opened(inside)
            for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'view'"):
                database.execute(f'EXPLAIN SELECT * FROM "{name}"')
            if inside.kind != "states":
                for title, (sql, answer) in answers.items():
                    self.assertEqual(database.execute(sql).fetchall(), answer,
                                     f"{inside.kind}: {title}")
            room = len(inside.data) - 1
        self.assertEqual(kinds, ["whole", "tables", "questions", "states"])

    def test_what_is_left_out_is_named(self) -> None:
        whole = embed.embed(self.path, 1 << 30)
        inside = embed.embed(self.path, len(whole.data) // 2)
        names = [{name for name, in self.opened(one).execute("SELECT name FROM sqlite_master "
                                                             "WHERE type IN ('table', 'view')")}
                 for one in (whole, inside)]
        self.assertEqual(names[0] - names[1], set(inside.left_out))


class PackTest(unittest.TestCase):

    def test_arrays_come_back(self) -> None:
        tree = {"a": array("H", [1, 2, 65535]), "b": [array("d", [0.5]), "é", None, 3],
                "c": {"d": array("i", [-1]), "e": array("B")}}
        data = pack.pack(tree)
        length, = struct.unpack_from("<I", data)
        base = (4 + length + 7) & ~7
        codes = {name: code for code, name in pack.TYPES.items()}

        def restored(value: dict):
            if "$" not in value:
                return value
            name, offset, count = value["$"]
            self.assertEqual((base + offset) % 8, 0)
            found = array(codes[name])
            found.frombytes(data[base + offset:base + offset + count * found.itemsize])
            return found

        self.assertEqual(json.loads(data[4:4 + length], object_hook=restored), tree)


class LibrariesTest(unittest.TestCase):

    def test_without_npm_there_are_none_and_a_reason(self) -> None:
        with tempfile.TemporaryDirectory() as empty, mock.patch.dict(os.environ, PATH=empty):
            found = libraries.load(Path(empty))
        self.assertEqual(found.scripts, {})
        self.assertEqual(found.missing, "npm is missing (package npm)")

    def test_a_failing_npm_is_told(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            npm = Path(directory) / "npm"
            npm.write_text("#!/bin/sh\necho 'npm error the registry does not answer' >&2\nexit 1\n")
            npm.chmod(0o755)
            with mock.patch.dict(os.environ, PATH=f"{directory}:/bin"):
                found = libraries.load(Path(directory))
        self.assertEqual(found.scripts, {})
        self.assertIn("the registry does not answer", found.missing)


class OptionsTest(unittest.TestCase):

    def refused(self, *options: str) -> str:
        done = subprocess.run([PALIMPSEST, "report", reference(), "--html", *options], check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.count("\n"), 1)
        return done.stderr

    def test_what_does_not_go_together(self) -> None:
        self.assertIn("--pid and --va go together", self.refused("--pid", "12"))
        self.assertIn("neither --at nor --json", self.refused("--json"))

    def test_an_address_where_nothing_was(self) -> None:
        self.assertIn("pid 12 never had anything at 0x1000", self.refused("--pid", "12", "--va", "4096"))

    def test_a_page_that_was_asked_for_comes_first(self) -> None:
        with closing(sqlite3.connect(reference() / "session.db")) as database:
            choice = choices.of_task(database, 13, 0x400123)
            told = story.tell_all(database, choice, clock.Clock(0, 1 << 40, 8))["stories"]
        self.assertEqual(told[0]["title"], "0x400000 of forkshare (pid 13)")
        self.assertGreater(len(told), 1)


class PinnedTest(unittest.TestCase):

    def test_exact_versions_and_no_registry(self) -> None:
        wanted = json.loads((HERE / "package.json").read_text())
        text = (HERE / "package-lock.json").read_text()
        locked = json.loads(text)["packages"]
        self.assertNotIn('"resolved"', text)
        for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
            self.assertRegex(version, r"^\d+\.\d+\.\d+$")
            self.assertEqual(locked[f"node_modules/{name}"]["version"], version)
            self.assertIn("integrity", locked[f"node_modules/{name}"])

    def test_notices_name_what_is_carried(self) -> None:
        notices = (HERE / "notices.txt").read_text()
        for name, version in json.loads((HERE / "package.json").read_text())["dependencies"].items():
            self.assertRegex(notices.lower(), rf"{re.escape(name.split('/')[-1].lower())}\S* {version}"
                             .replace("viz ", r"viz(\.js)? "))
        for name in ("Graphviz", "Expat", "SQLite"):
            self.assertIn(name, notices)

    def test_every_recipe_is_offered(self) -> None:
        self.assertEqual(len(recipes()), PAGE.read_text().count("\n```sql\n"))


if __name__ == "__main__":
    unittest.main()
