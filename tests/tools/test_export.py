"""`palimpsest export`: what other people's tools read in an exported session is what the database
says.
"""

import collections
import csv
import io
import os
import re
import resource
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

import support
from support import OPEN
from export.ring_buffer import RingBuffer

PAGE_SIZE = 4096
SPAN_OF_LIST = {"Active(anon)": "active_anon", "Inactive(anon)": "inactive_anon",
                "Isolated": "isolated"}


def setUpModule() -> None:
    holder = tempfile.TemporaryDirectory(prefix="plm-test-")
    unittest.addModuleCleanup(holder.cleanup)
    ReferenceTest.directory = Path(holder.name)
    ReferenceTest.session = support.cookbook().unpack(ReferenceTest.directory)
    ReferenceTest.database = sqlite3.connect(ReferenceTest.session / "session.db")
    unittest.addModuleCleanup(ReferenceTest.database.close)


class ReferenceTest(unittest.TestCase):
    """A test with the reference session and its database; all of this module share them."""

    directory: Path
    session: Path
    database: sqlite3.Connection

    @classmethod
    def export(cls, *arguments: str) -> Path:
        done = support.palimpsest("export", str(cls.session), *arguments, sessions=cls.directory,
                                  cwd=cls.directory)
        if done.returncode or done.stderr:
            raise AssertionError(f"export {arguments}: {done.returncode}: {done.stderr}")
        return cls.directory / done.stdout.strip()

    def sql(self, query: str, *values) -> list[tuple]:
        return self.database.execute(query, values).fetchall()

    def number(self, query: str, *values) -> int:
        return self.sql(query, *values)[0][0]


def parse(text: str) -> dict:
    """What `protoc --decode` prints, as a dictionary of lists."""
    top: dict = collections.defaultdict(list)
    stack = [top]
    for line in text.splitlines():
        line = line.strip()
        if line.endswith("{"):
            inner: dict = collections.defaultdict(list)
            stack[-1][line[:-2]].append(inner)
            stack.append(inner)
        elif line == "}":
            stack.pop()
        else:
            name, _, value = line.partition(": ")
            stack[-1][name].append(value[1:-1] if value.startswith('"') else
                                   int(value) if re.fullmatch(r"-?\d+", value) else value)
    return top


def one(message: dict, name: str, default=None):
    return message[name][0] if name in message else default


class Decoded:
    """An exported trace as protoc reads it: tracks by uuid, events, bundles of ftrace events."""

    def __init__(self, path: Path) -> None:
        with open(path, "rb") as file:
            done = subprocess.run(["protoc", "--decode=Trace", f"-I{Path(__file__).parent}",
                                   "perfetto.proto"], stdin=file, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(done.stderr)
        self.text = done.stdout
        self.tracks, self.events, self.bundles = {}, [], []
        names: dict = collections.defaultdict(dict)
        for packet in parse(self.text)["packet"]:
            for message in packet["interned_data"]:
                for kind, entries in message.items():
                    names[kind].update({one(entry, "iid"): one(entry, "str") for entry in entries})
            for track in packet["track_descriptor"]:
                self.tracks[one(track, "uuid")] = track
            for event in packet["track_event"]:
                self.events.append(self._event(packet, event, names))
            self.bundles += packet["ftrace_events"]

    @staticmethod
    def _event(packet: dict, event: dict, names: dict) -> tuple:
        """(t, type, track, name or counter value, arguments)"""
        arguments = {}
        for annotation in event["debug_annotations"]:
            key = names["debug_annotation_names"][one(annotation, "name_iid")]
            kind = next(field for field in annotation if field != "name_iid")
            value = one(annotation, kind)
            arguments[key] = names["debug_annotation_string_values"][value] \
                if kind == "string_value_iid" else value
        name = names["event_names"][one(event, "name_iid")] if "name_iid" in event \
            else one(event, "counter_value")
        return (one(packet, "timestamp"), one(event, "type")[5:].lower(), one(event, "track_uuid"),
                name, arguments)


class PerfettoTest(ReferenceTest):

    @classmethod
    def setUpClass(cls) -> None:
        decoded = Decoded(cls.export("--perfetto"))
        cls.text, cls.tracks = decoded.text, decoded.tracks
        cls.events, cls.bundles = decoded.events, decoded.bundles

    def begun(self, *names: str) -> list[tuple]:
        return [event for event in self.events if event[1] == "slice_begin" and event[3] in names]

    def counter(self, name: str, parent: int | None = None) -> list[tuple[int, int]]:
        """(t, value) of a counter."""
        found = [uuid for uuid, track in self.tracks.items() if one(track, "name") == name
                 and "counter" in track and parent in (None, one(track, "parent_uuid"))]
        self.assertEqual(len(found), 1, f"counters called {name}")
        return [(t, value) for t, kind, track, value, _ in self.events
                if kind == "counter" and track == found[0]]

    def test_every_field_is_known(self):
        self.assertEqual(re.findall(r"^ *\d+(?:: | \{).*$", self.text, re.M), [])
        clock = re.search(r"clock_id: (\d+).*?primary_trace_clock: (\d+)", self.text, re.S)
        self.assertEqual(clock.groups(), ("6", "6"), "BOOTTIME")

    def test_slices_nest_in_the_order_of_time(self):
        last, depth = {}, collections.Counter()
        for t, kind, track, name, _ in self.events:
            if kind == "instant":
                continue
            self.assertGreaterEqual(t, last.get(track, 0), f"track {track}: {name}")
            self.assertTrue(track == 0 or track in self.tracks, f"track {track} has no descriptor")
            last[track] = t
            depth[track] += {"slice_begin": 1, "slice_end": -1}.get(kind, 0)
            self.assertGreaterEqual(depth[track], 0, f"track {track}: an end without a begin")
        self.assertEqual([track for track in depth if depth[track]], [], "slices without an end")

    def test_slices_are_those_of_the_database(self):
        for name, query in (
                ("mm_vmscan_direct_reclaim", "direct_reclaim"), ("mm_vmscan_kswapd", "kswapd_span"),
                ("reclaim_pass", "reclaim_pass"), ("swap_in", "swap_io WHERE direction = 'in'"),
                ("swap_out", "swap_io WHERE direction = 'out'"),
                ("swap_in wait", "swap_io WHERE direction = 'in' AND readahead = 0")):
            expected = self.number(f"SELECT count(*) FROM {query}")
            self.assertGreater(expected, 0, name)
            self.assertEqual(len(self.begun(name)), expected, name)

    def test_faults_and_their_arguments(self):
        faults = collections.Counter(
            (t, name, a["kind"], a["va"], a["latency_ns"]) for t, _, _, name, a in self.events
            if str(name).startswith("page_fault "))
        self.assertEqual(faults, collections.Counter(self.sql(
            "SELECT t, 'page_fault ' || kind, kind, va, latency_ns FROM fault")))

    def test_a_fault_lasts_to_its_end(self):
        """Depth 0 of a task's track is where the fault's events are."""
        ends, depth = [], collections.defaultdict(list)
        for t, kind, track, name, _ in self.events:
            if kind == "slice_begin":
                depth[track].append(str(name))
            elif kind == "slice_end" and depth[track].pop().startswith("page_fault "):
                ends.append((t, one(one(self.tracks[track], "thread"), "pid")))
        self.assertEqual(collections.Counter(ends), collections.Counter(self.sql(
            "SELECT t, pid FROM page_fault_end WHERE id > (SELECT min(id) FROM fault)")))

    def test_tasks_and_kills(self):
        named = {one(p, "pid"): one(p, "process_name") for track in self.tracks.values()
                 for p in track["process"]}
        expected = dict(self.sql("SELECT pid, comm FROM task_span ORDER BY t_begin"))
        kswapd = next(pid for pid, comm in expected.items() if comm == "kswapd")
        self.assertEqual(named, expected | {kswapd: "kswapd0"})
        kills = [(t, one(one(self.tracks[track], "thread"), "pid"), a["kill_id"])
                 for t, kind, track, name, a in self.events if name == "mem.oom_kill"]
        self.assertEqual(kills, self.sql("SELECT t, pid, kill_id FROM oom_kill ORDER BY t"))
        self.assertTrue(kills)

    def test_memory_counters(self):
        self.assertEqual(self.counter("MemFree"), self.sql(
            "SELECT t, 4096 * nr_free FROM free_memory WHERE id IN "
            "(SELECT max(id) FROM free_memory GROUP BY t)"))
        for mark in ("min", "low", "high"):
            value = PAGE_SIZE * self.number(f"SELECT watermark_{mark} FROM session_begin")
            self.assertEqual({v for _, v in self.counter(f"watermark {mark}")}, {value}, mark)
        for name, list_ in SPAN_OF_LIST.items():
            points = self.counter(name)
            for t, value in points[::len(points) // 20 + 1]:
                self.assertEqual(value // PAGE_SIZE, self.number(
                    "SELECT coalesce(sum(nr_frames), 0) FROM lru_span WHERE list = ? AND t_begin <= ? AND ? < t_end",
                    list_, t, t), f"{name} at {t}")
            self.assertEqual(len(points), self.number(
                "SELECT count(DISTINCT t) FROM lru_size WHERE list = ?", list_))

    def test_process_counters(self):
        """Entries of the task that the OOM killer chose, when it did."""
        pid, mm_id, t_kill = self.sql("SELECT pid, mm_id, t FROM oom_kill")[0]
        process = next(uuid for uuid, track in self.tracks.items()
                       for p in track["process"] if one(p, "pid") == pid)
        for name, kind in (("mem.rss.anon", "page"), ("mem.swap", "swap")):
            value = [value for t, value in self.counter(name, process) if t <= t_kill][-1]
            self.assertGreater(value, 0, name)
            self.assertEqual(value // PAGE_SIZE, self.number(
                "SELECT count(*) FROM pte_span WHERE mm_id = ? AND kind = ? AND t_begin <= ? "
                "AND ? < t_end", mm_id, kind, t_kill, t_kill), name)

    def test_scheduling(self):
        switches, wakeups, running = [], 0, {}
        for bundle in self.bundles:
            cpu, last = one(bundle, "cpu", 0), 0
            for event in bundle["event"]:
                self.assertGreaterEqual(one(event, "timestamp"), last)
                last = one(event, "timestamp")
                wakeups += len(event["sched_wakeup"])
                for switch in event["sched_switch"]:
                    prev, next_ = one(switch, "prev_pid"), one(switch, "next_pid")
                    self.assertEqual(prev, running.setdefault(cpu, prev), "who ran on this CPU")
                    running[cpu] = next_
                    switches.append((last, cpu, prev, next_))
        self.assertEqual(sorted(switches), sorted(self.sql(
            "SELECT t, cpu, prev_pid, next_pid FROM sched_switch")))
        self.assertEqual(wakeups, self.number("SELECT count(*) FROM sched_wakeup"))
        self.assertIn('next_comm: "kswapd0"', self.text)


class DamagedTest(support.DatabaseTest):

    def test_spans_that_do_not_nest_and_faults_without_an_end(self):
        for key, value in (("t_first", 50), ("t_last", 500)):
            self.add("session", key=key, value=value)
        self.add("loss_window", cpu=1, t_from=250, t_to=300, events=7)
        self.add("task_span", pid=5, mm_id=1, comm="five", t_begin=60, t_end=OPEN)
        for begin, end in ((100, 300), (200, 400)):
            self.add("direct_reclaim", pid=5, t_begin=begin, t_end=end)
        self.add("fault", id=1, t=450, pid=5, va=0x1000)
        trace = self.directory / "trace"
        done = support.palimpsest("export", str(self.directory), "--perfetto", "-o", str(trace),
                                  sessions=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        decoded = Decoded(trace)
        found = [(t, kind, one(decoded.tracks.get(track, {}), "name", "thread" if track else "all"),
                  name) for t, kind, track, name, _ in decoded.events]
        reclaim = "mm_vmscan_direct_reclaim"
        self.assertEqual(found, [
            (100, "slice_begin", "thread", reclaim), (200, "slice_begin", "overlapping", reclaim),
            (400, "slice_end", "overlapping", None), (300, "slice_end", "thread", None),
            (450, "slice_begin", "thread", "page_fault not over"),
            (250, "slice_begin", "events lost", "events lost"),
            (300, "slice_end", "events lost", None),
            (250, "slice_begin", "state uncertain", "state uncertain"),
            (500, "slice_end", "state uncertain", None)])
        self.assertEqual([arguments for *_, name, arguments in decoded.events
                          if name == "events lost"], [{"cpu": 1, "events": 7}])


LINUX_STATES = {"0": "0", "1": "1", "2": "2", "3": "32", "4": "16", "5": "4", "6": "130"}  # R S D Z X T K
REPORTED = re.compile(r" +(\S+)-(\d+) +\[(\d+)\] +(\d+)\.(\d{9}): (\w+): +(.*)")


class TraceDatTest(ReferenceTest):
    """What trace-cmd prints of all events, without its knowledge of what they mean: numbers."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.path = cls.export("--trace-dat")
        cls.events = []
        for line in cls.report("-R", "-t")[1:]:
            comm, pid, cpu, seconds, ns, name, fields = REPORTED.fullmatch(line).groups()
            cls.events.append((int(seconds + ns), int(cpu), name, int(pid), comm,
                               dict(field.split("=") for field in fields.split())))

    @classmethod
    def report(cls, *arguments: str, path: Path | None = None) -> list[str]:
        done = subprocess.run(["trace-cmd", "report", *arguments, "-i", path or cls.path],
                              capture_output=True, text=True)
        if done.returncode or done.stderr:
            raise AssertionError(f"trace-cmd report: {done.returncode}: {done.stderr}")
        return done.stdout.splitlines()

    def test_every_event_in_its_order_with_every_field(self):
        expected = {}
        for table, in self.sql("SELECT event FROM event_count"):
            cursor = self.database.execute(f"SELECT * FROM {table}")
            names = [name.removeprefix("arg_") for name, *_ in cursor.description[3:]]
            for id_, t, cpu, *values in cursor:
                expected[id_] = (t, cpu, table, dict(zip(names, map(str, values))))
        self.assertEqual(len(self.events), len(expected))
        for id_, (t, cpu, name, _, _, fields) in enumerate(self.events, 1):
            wanted = expected[id_]
            self.assertEqual((t, cpu, name), wanted[:3], f"event {id_}")
            for field, value in wanted[3].items():
                found = fields[field]
                if (name, field) == ("sched_switch", "prev_state"):
                    value = LINUX_STATES[value]
                if found.startswith("0x"):
                    found = str(int(found, 16))
                if value != found:
                    self.assertEqual((id_, name, field, found), (id_, name, field, value))

    def test_tasks(self):
        for _, cpu, name, pid, comm, fields in self.events:
            if name in ("page_fault_user", "page_fault_end", "mm_vmscan_direct_reclaim_begin"):
                self.assertEqual(int(fields["pid"]), pid, f"{name} on CPU {cpu}")
            if name == "sched_switch":
                self.assertEqual(int(fields["prev_pid"]), pid)
            if name == "mm_vmscan_kswapd_wake":
                self.assertEqual(comm, "kswapd0")

    def test_names_of_values(self):
        lines = self.report("-F", "kmem/mm_page_alloc:order > 0")[1:]
        expected = self.sql("""SELECT 'pfn=' || pfn || ' order=' || "order" || ' kind=' || name || ' pcp=' || pcp
            || ' reserve=' || reserve FROM mm_page_alloc JOIN enum_name ON enum = 'page_kind' AND value = kind
            WHERE "order" > 0 ORDER BY id""")
        self.assertEqual([re.sub(r".*mm_page_alloc: +", "", line) for line in lines],
                         [text for text, in expected])
        self.assertTrue(any("flags=w|a|d" in line for line in self.report("-F", "palimpsest/pte_set")))
        self.assertTrue(any(line.endswith(" ==> kswapd0:3 [120]")
                            for line in self.report("-F", "sched/sched_switch")))


    def test_losses(self):
        """One with a number, one without, on CPU 1; what is lost at the end has no event behind it."""
        times = [t for t, cpu, *_ in self.events if cpu == 1]
        middle, late = times[len(times) // 2], times[-1]
        copy = self.directory / "lossy"
        (copy / "ctf").mkdir(parents=True)
        shutil.copy(self.session / "ctf" / "metadata", copy / "ctf")
        shutil.copy(self.session / "session.db", copy)
        with closing(sqlite3.connect(copy / "session.db", isolation_level=None)) as database:
            database.executemany("INSERT INTO loss_window VALUES (1, ?, ?, ?)", [
                (middle - 2, middle - 1, 3), (middle - 1, middle, 4), (late - 1, late, None),
                (late, OPEN, None)])
        done = support.palimpsest("export", str(copy), "--trace-dat", sessions=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = self.report("-R", "-t", path=copy / "trace.dat")
        said = [(line, REPORTED.fullmatch(lines[n + 1]).group(3, 4, 5))
                for n, line in enumerate(lines) if "DROPPED" in line]
        self.assertEqual(said, [(f"CPU:1 [{what}EVENTS DROPPED]",
                                 ("001", str(t // 10**9), f"{t % 10**9:09d}"))
                                for what, t in (("7 ", middle), ("", late))])


class RingBufferTest(unittest.TestCase):

    def read(self, data: bytes) -> list[tuple[int, bytes]]:
        """The events of a stream, by ftrace's rules."""
        found = []
        for start in range(0, len(data), 4096):
            t, commit = struct.unpack_from("<QQ", data, start)
            commit, flags = commit & (1 << 27) - 1, commit >> 30
            at, end = start + 16, start + 16 + commit
            self.assertLessEqual(end + 8 * (flags & 1), start + 4096)
            if flags:
                found.append(struct.unpack_from("<Q", data, end)[0] if flags & 1 else None)
            while at < end:
                word, following = struct.unpack_from("<II", data.ljust(len(data) + 4), at)
                length, at = word & 31, at + 4
                if length == 30:
                    t += (following << 27) + (word >> 5)
                    at += 4
                    continue
                t += word >> 5
                size = length * 4
                if length == 0:
                    size, at = following - 4, at + 4
                found.append((t, data[at:at + size]))
                at += size
            self.assertEqual(at, end)
        return found

    def test_times_and_sizes_at_their_limits(self):
        events, t = [], 5
        for n, delta in enumerate([0, 0, 1, (1 << 27) - 1, 1 << 27, (1 << 27) + 3, 1 << 40] * 60):
            t += delta
            events.append((t, bytes([n & 255]) * (4, 112, 116, 48)[n % 4]))
        file = io.BytesIO()
        ring = RingBuffer(file)
        for event in events:
            ring.add(*event)
        ring.finish_page()
        self.assertEqual(len(file.getvalue()) % 4096, 0)
        self.assertEqual(self.read(file.getvalue()), events)

    def test_losses(self):
        """They stand in front of the event that follows; the page has room for their number."""
        file = io.BytesIO()
        ring = RingBuffer(file)
        events = [(t, b"data" * 10) for t in range(1, 400)]
        wanted = [*events[:7], 5, *events[7:250], None, *events[250:]]
        for item in wanted:
            ring.add(*item) if isinstance(item, tuple) else ring.lost(item)
        ring.finish_page()
        self.assertEqual(self.read(file.getvalue()), wanted)


class CsvTest(ReferenceTest):

    def rows(self, path: Path) -> list[list[str]]:
        with open(path, newline="") as file:
            return list(csv.reader(file, strict=True))

    def test_every_state_table(self):
        directory = self.export("--csv", "tables")
        events = {name for name, in self.sql("SELECT event FROM event_count")}
        tables = [name for name, in self.sql("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {path.stem for path in directory.iterdir()}
        self.assertTrue(found <= set(tables) and not found & events, found)
        self.assertLessEqual({"pte_span", "lru_span", "fault", "eviction", "session"}, found)
        for table in sorted(found):
            header, *rows = self.rows(directory / f"{table}.csv")
            cursor = self.database.execute(f"SELECT * FROM {table}")
            self.assertEqual(header, [column[0] for column in cursor.description])
            self.assertEqual(rows, [["" if value is None else str(value) for value in row]
                                    for row in cursor], table)

    def test_chosen_tables_and_views(self):
        directory = self.export("--csv", "some", "--tables", "mm_page_alloc,free_memory")
        self.assertEqual(sorted(os.listdir(directory)), ["free_memory.csv", "mm_page_alloc.csv"])
        self.assertEqual(len(self.rows(directory / "free_memory.csv")) - 1,
                         self.number("SELECT count(*) FROM free_memory"))
        self.assertTrue((directory / "mm_page_alloc.csv").read_bytes().startswith(
            b"id,t,cpu,pfn,order,kind,pcp,reserve\r\n"))


class CsvTextTest(support.DatabaseTest):

    def test_quotes_and_nulls(self):
        self.add("task_span", pid=1, mm_id=2, comm='a "b",\r\nc', t_end=OPEN)
        done = support.palimpsest("export", str(self.directory), "--csv", str(self.directory / "d"),
                                  "--tables", "task_span", sessions=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual((self.directory / "d" / "task_span.csv").read_bytes(),
                         b'pid,mm_id,comm,t_begin,t_end,parent_pid,t_exit,status,tgid\r\n'
                         b'1,2,"a ""b"",\r\nc",0,9223372036854775807,0,,,0\r\n')


class FailureTest(support.DatabaseTest):

    def failure(self, *arguments: str, **options) -> str:
        done = support.palimpsest("export", *arguments, sessions=self.directory, **options)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_one_line_each(self):
        session, out = str(self.directory), str(self.directory / "out")
        missing = str(self.directory / "none" / "out")
        for arguments, message in (
                (["nowhere", "--perfetto"], "nowhere: no such session"),
                ([session], "one of the arguments --perfetto"),
                ([session, "--csv", out, "--tables", "fault,faults"], "no table 'faults'"),
                ([session, "--perfetto", "--tables", "fault"], "--tables goes with --csv"),
                ([session, "--csv", out, "-o", out], "there is no -o"),
                ([session, "--trace-dat"], "ctf/metadata: No such file or directory: the fields"),
                ([session, "--perfetto", "-o", missing], f"{missing}: No such file or directory")):
            with self.subTest(arguments):
                self.assertIn(message, self.failure(*arguments))

    def test_full_disk(self):
        """What was there stays, and nothing else does."""
        for n in range(2000):
            self.add("fault", t=n, pid=1, kind="anon", result="minor", latency_ns=1)
            self.add("page_fault_end", id=n + 1, t=n, pid=1)
        target = self.directory / "out"
        target.mkdir()
        (target / "trace").write_text("the one before")
        (target / "fault.csv").write_text("the one before")

        def full() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

        for what in (["--perfetto", "-o", str(target / "trace")],
                     ["--csv", str(target), "--tables", "moment,fault"]):
            message = self.failure(str(self.directory), *what, preexec_fn=full)
            self.assertRegex(message, r"out.*: File too large: nothing was exported")
            self.assertEqual(sorted(path.name for path in target.iterdir()), ["fault.csv", "trace"])
            self.assertEqual({path.read_text() for path in target.iterdir()}, {"the one before"})


if __name__ == "__main__":
    unittest.main()
