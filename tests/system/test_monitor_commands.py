"""What the monitor's commands print is what the trace tells of that moment."""

import unittest

import support
from console import BARRIER_LINE, CONTINUE_LINE, MonitorVisit
from recording import Recording
from support import program, scenario

VISITS = 6
STEP_BYTES = 900_000  # the session makes some 10 MB of trace
CPUS = 2

COMMANDS = ["ps", "cpu", "free", "swap", "trace"]
WRONG = {
    "ps all": "ps: takes no argument",
    "bogus 1": "bogus 1: no such command; `help` lists them",
    "rmap": "rmap: give a frame number below",
    "rmap 12x": "rmap: give a frame number below",
}


def pairs(line: str) -> dict[str, str]:
    """name value name value …; a command without a value of its own has the name and nothing."""
    words = line.split()
    if len(words) % 2:
        words.insert(1, "")
    return dict(zip(words[::2], words[1::2], strict=True))


class MonitorCommandsTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.visits: list[MonitorVisit] = []
        cls.wrong: dict[str, list[str]] = {}
        cls.help: list[str] = []
        cls.recorded = cls.record("forkshare", scenario(
            [program("forkshare", "--size", "6M", "--children", "3", "--rounds", "1")],
            memory="10M", cpus=CPUS), cls._visit)

    @classmethod
    def _visit(cls, recording: Recording) -> None:
        recording.machine.console.wait_line(r"\[init\] start forkshare", support.SESSION_SECONDS)
        cls.visits += support.visits(recording, VISITS, STEP_BYTES, COMMANDS)
        last = recording.machine.monitor([*WRONG, "help"])
        *wrong, (_, cls.help) = last.answers
        cls.wrong.update(wrong)

    def answers(self, command: str) -> list[tuple[int, list[dict[str, str]]]]:
        """(barrier, lines) of each visit."""
        return [(visit.barrier, [pairs(line) for line in dict(visit.answers)[command]])
                for visit in self.visits]

    def count_at(self, barrier: int, what: str) -> int:
        """How many of what a query on spans selects there were at a barrier."""
        return self.recorded.value(f"""
            SELECT count(*) FROM {what} AND t_begin <= (SELECT t FROM trace_barrier WHERE n = :n)
            AND (SELECT t FROM trace_barrier WHERE n = :n) < t_end""", n=barrier)

    def last_before(self, barrier: int, column: str, table: str, where: str = "1") -> int:
        """The value of the last event before a barrier."""
        return self.recorded.value(f"""
            SELECT {column} FROM {table} WHERE {where}
            AND id < (SELECT id FROM trace_barrier WHERE n = :n) ORDER BY id DESC LIMIT 1""", n=barrier)

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("forkshare", 0)])

    def test_ps(self):
        resident, swapped = 0, 0
        for barrier, tasks in self.answers("ps"):
            with self.subTest(barrier=barrier):
                self.assertEqual(
                    sorted((int(task["ps"]), int(task["parent"]), int(task["mm"]), task["comm"])
                           for task in tasks if task["state"] != "Z"),
                    sorted(self.recorded.rows("""
                        SELECT pid, parent_pid, mm_id, comm FROM task_span
                        WHERE t_begin <= (SELECT t FROM trace_barrier WHERE n = :n)
                        AND (SELECT t FROM trace_barrier WHERE n = :n) < t_end""", n=barrier)))
                for task in tasks:
                    if int(task["mm"]):
                        mm = f"mm_id = {task['mm']}"
                        self.assertEqual(int(task["resident"]),
                                         self.count_at(barrier, f"rmap_span WHERE {mm}"), task)
                        self.assertEqual(
                            int(task["swapped"]),
                            self.count_at(barrier, f"pte_span WHERE kind = 'swap' AND {mm}"), task)
                    resident += int(task["resident"])
                    swapped += int(task["swapped"])
        self.assertGreater(resident, 0)
        self.assertGreater(swapped, 0)

    def test_processor_time_grows(self):
        before: dict[str, int] = {}
        for _, tasks in self.answers("ps"):
            now = {task["ps"]: int(task["user_us"]) + int(task["system_us"]) for task in tasks}
            for pid in now.keys() & before.keys():
                self.assertGreaterEqual(now[pid], before[pid], pid)
            before = now
        self.assertGreater(sum(before.values()), 0)

    def test_cpu(self):
        for barrier, cpus in self.answers("cpu"):
            with self.subTest(barrier=barrier):
                self.assertEqual([int(cpu["cpu"]) for cpu in cpus], list(range(CPUS)))
                for cpu in cpus:
                    self.assertEqual(
                        int(cpu["pid"]),
                        self.last_before(barrier, "next_pid", "sched_switch", f"cpu = {cpu['cpu']}"))
                    self.assertEqual(cpu["idle"], "yes" if int(cpu["pid"]) == 0 else "no")
                self.assertIn("monitor", [cpu["comm"] for cpu in cpus])

    def test_free(self):
        marks = self.recorded.rows(
            "SELECT watermark_min, watermark_low, watermark_high FROM session_begin")
        for barrier, (frames, limits, *rest) in self.answers("free"):
            with self.subTest(barrier=barrier):
                self.assertEqual(int(frames["free"]),
                                 self.last_before(barrier, "nr_free", "free_memory"))
                on_cpus = [int(line["list"]) for line in rest if "list" in line]
                self.assertEqual(len(on_cpus), CPUS)
                self.assertEqual(int(frames["buddy"]) + int(frames["zeroed"]) + sum(on_cpus),
                                 int(frames["free"]))
                self.assertLess(int(frames["free"]), int(frames["managed"]))
                self.assertEqual([tuple(int(limits[name]) for name in ("min", "low", "high"))], marks)

    def test_lists(self):
        for visit in self.visits:
            found = {}
            for line in dict(visit.answers)["free"]:
                if line.startswith("free lru "):
                    name, size = line.split()[2:]
                    found[name] = int(size)
            with self.subTest(barrier=visit.barrier):
                self.assertGreater(sum(found.values()), 0)
                for name, size in found.items():
                    self.assertEqual(
                        size, self.count_at(visit.barrier, f"lru_span WHERE list = '{name}'"), name)

    def test_swap(self):
        most = 0
        for barrier, (swap,) in self.answers("swap"):
            with self.subTest(barrier=barrier):
                used = int(swap["used"])
                self.assertEqual(used, self.count_at(barrier, "swap_span WHERE 1"))
                self.assertEqual(int(swap["cached"]), self.count_at(barrier, "swap_cache_span WHERE 1"))
                self.assertEqual(used + int(swap["free"]), int(swap["slots"]))
                most = max(most, used)
        self.assertGreater(most, 0)

    def test_trace(self):
        before = [0] * CPUS
        for barrier, lines in self.answers("trace"):
            with self.subTest(barrier=barrier):
                self.assertEqual([line["cpu"] for line in lines], [str(cpu) for cpu in range(CPUS)])
                for cpu, line in enumerate(lines):
                    self.assertGreater(int(line["emitted"]), before[cpu])
                    self.assertEqual(line["discarded"], "0")
                    self.assertEqual(line["subbufs"], "8")
                    self.assertLessEqual(int(line["free"]) + int(line["with_host"]), 8)
                    before[cpu] = int(line["emitted"])
        for cpu, emitted in enumerate(before):
            self.assertLess(emitted, self.recorded.value("SELECT emitted FROM loss WHERE cpu = :cpu",
                                                         cpu=cpu))

    def test_wrong_lines_get_one_line(self):
        for line, beginning in WRONG.items():
            answer = self.wrong[line]
            self.assertEqual(len(answer), 1, line)
            self.assertTrue(answer[0].startswith(beginning), answer)

    def test_help_lists_all(self):
        names = {line.split()[0] for line in self.help}
        self.assertGreaterEqual(names, {*COMMANDS, "lru", "rmap", "pt", "bt", "check", "help", "continue"})


class WalkTest(support.SystemTest):
    """`pt` and `bt`: what they ask about is found in the visit before."""

    @classmethod
    def prepare(cls) -> None:
        cls.walks: list[MonitorVisit] = []
        cls.stacks: dict[str, list[str]] = {}
        cls.wrong: dict[str, list[str]] = {}
        cls.recorded = cls.record("forkshare", scenario(
            [program("forkshare", "--size", "6M", "--children", "3", "--rounds", "1")],
            memory="10M", cpus=CPUS), cls._visit)

    @classmethod
    def _visit(cls, recording: Recording) -> None:
        monitor = recording.machine.monitor
        recording.machine.console.wait_line(r"\[init\] start forkshare", support.SESSION_SECONDS)
        *_, first = support.visits(recording, 3, STEP_BYTES, ["ps", "rmap all"])
        pids = {task["mm"]: task["ps"] for task in map(pairs, first.answers[0][1])}
        mapped = [line.split()[3:6:2] for line in first.answers[1][1]]
        cls.asked = [f"pt {pids[mm]} {va}" for mm, va in mapped[::max(1, len(mapped) // 30)]]
        cls.mm_of = {pid: int(mm) for mm, pid in pids.items()}
        cls.walks += support.visits(recording, 3, STEP_BYTES, [*cls.asked, f"pt {pids[mapped[0][0]]} 0x1000"])
        cls.wrong.update(monitor([
            "pt", "pt 99999 0", "pt 1", "pt 1 12g", "pt 1 800000000000", "bt x", "bt 99999", "bt 1 2",
            f"pt {pids['0']} 1000"]).answers)
        cls.stacks.update(monitor(["bt", *(f"bt {pid}" for pid in pids.values())]).answers)

    def entry_at(self, barrier: int, mm: int, va: int) -> tuple | None:
        rows = self.recorded.rows("""
            SELECT kind, coalesce(pfn, slot) FROM pte_span WHERE mm_id = :mm AND va = :va
            AND t_begin <= (SELECT t FROM trace_barrier WHERE n = :n)
            AND (SELECT t FROM trace_barrier WHERE n = :n) < t_end""", mm=mm, va=va, n=barrier)
        return rows[0] if rows else None

    def table_at(self, barrier: int, mm: int, va: int, level: int) -> int | None:
        return self.recorded.value("""
            SELECT max(pfn) FROM pgtable_span WHERE mm_id = :mm AND va = :va AND level = :level
            AND t_begin <= (SELECT t FROM trace_barrier WHERE n = :n)
            AND (SELECT t FROM trace_barrier WHERE n = :n) < t_end""",
            mm=mm, va=va, level=level, n=barrier)

    def mapcount_at(self, barrier: int, pfn: int) -> int:
        return self.recorded.value("""
            SELECT count(*) FROM rmap_span WHERE pfn = :pfn
            AND t_begin <= (SELECT t FROM trace_barrier WHERE n = :n)
            AND (SELECT t FROM trace_barrier WHERE n = :n) < t_end""", pfn=pfn, n=barrier)

    def kind_at(self, barrier: int, pfn: int) -> str:
        return self.recorded.value("""
            SELECT kind FROM page_life WHERE pfn = :pfn
            AND t_begin <= (SELECT t FROM trace_barrier WHERE n = :n)
            AND (SELECT t FROM trace_barrier WHERE n = :n) < t_end""", pfn=pfn, n=barrier)

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("forkshare", 0)])

    def test_walks(self):
        seen = set()
        for visit in self.walks:
            for command, answer in visit.answers:
                if not answer[0].startswith("pt level"):
                    continue  # the task has ended
                _, pid, va = command.split()
                with self.subTest(barrier=visit.barrier, command=command):
                    seen.add(self.check_walk(visit.barrier, self.mm_of[pid], int(va, 16), answer))
        self.assertGreaterEqual(seen, {"page", "swap", "none"})

    def check_walk(self, barrier: int, mm: int, va: int, answer: list[str]) -> str:
        levels = [pairs(line) for line in answer if line.startswith("pt level")]
        self.assertEqual([int(line["level"]) for line in levels], list(range(4, 4 - len(levels), -1)))
        *upper, last = levels
        for line in upper:
            level = int(line["level"]) - 1
            covers = 1 << 12 + 9 * level
            self.assertEqual(int(line["table"]), self.table_at(barrier, mm, va // covers * covers, level))
        found = self.entry_at(barrier, mm, va)
        told = (last["kind"], int(last["value"]))
        self.assertEqual(told, found or ("none", 0))
        if last["kind"] == "page":
            page = pairs(answer[-1])
            self.assertEqual((int(page["page"]), page["kind"]),
                             (told[1], self.kind_at(barrier, told[1])))
            self.assertEqual(int(page["mapcount"]), self.mapcount_at(barrier, told[1]))
        return last["kind"]

    def test_stacks(self):
        head, *frames = self.stacks["bt"]
        self.assertRegex(head, "^bt [0-9]+ cpu [0-9]+ comm monitor$")
        self.assertRegex(frames[0], r"^  ffffffff[0-9a-f]{8} monitor_thread\+0x")
        waits = 0
        for command, (head, *frames) in self.stacks.items():
            if " state " in head:
                self.assertRegex(frames[0], "^  ffffffff[0-9a-f]{8} ", command)
                waits += any(" schedule+0x" in frame for frame in frames)
        self.assertGreater(waits, 0, self.stacks)

    def test_wrong_lines_get_one_line(self):
        self.assertEqual(list(self.wrong.values())[:8], [
            ["pt: the first argument is a pid; `ps` lists them"],
            ["pt: no task 99999; `ps` lists them"],
            *3 * [["pt: the second argument is a hexadecimal address below 7ffffffff000"]],
            ["bt: the first argument is a pid; `ps` lists them"],
            ["bt: no task 99999; `ps` lists them"],
            ["bt: give one pid, or nothing for this CPU"]])
        self.assertRegex(list(self.wrong.values())[8][0], "^pt: task [0-9]+ has no address space$")


class EventsOffTest(support.SystemTest):
    """`trace` names what is off."""

    @classmethod
    def prepare(cls) -> None:
        cls.one: list[str] = []
        cls.all: list[str] = []
        cls.some_off = cls.record("one", scenario([program("spin", "--ms", "1000")]), cls._switch_off)
        cls.all_off = cls.record(
            "all", scenario([program("hello")], trace="off", **{"break": "init"}), cls._look)

    @classmethod
    def _switch_off(cls, recording: Recording) -> None:
        machine = recording.machine
        machine.console.wait_line(r"\[init\] start spin", support.SESSION_SECONDS)
        machine.ctl("event mm_page_free off")
        machine.ctl("and now")  # the next line: what it prints comes after the one before was obeyed
        machine.console.wait_line("ctl: not understood", support.SESSION_SECONDS)
        cls.one += machine.monitor(["trace"]).answers[0][1]

    @classmethod
    def _look(cls, recording: Recording) -> None:
        console = recording.machine.console
        console.wait_line(BARRIER_LINE, support.SESSION_SECONDS)
        console.send(b"trace\n")
        console.wait_line("^trace cpu 0 ", support.SESSION_SECONDS)
        cls.all.append(console.wait_line("^trace off .*", support.SESSION_SECONDS)[0])
        console.send(b"continue\n")
        console.wait_line(CONTINUE_LINE, support.SESSION_SECONDS)

    def test_sessions_ended(self):
        self.assert_ended(self.some_off)
        self.assert_ended(self.all_off)

    def test_one(self):
        self.assertEqual([line for line in self.one if line.startswith("trace off")],
                         ["trace off mm_page_free"])

    def test_all(self):
        self.assertEqual(self.all, ["trace off all"])


if __name__ == "__main__":
    unittest.main()
