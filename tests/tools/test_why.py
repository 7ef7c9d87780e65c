"""`palimpsest why` against the same answers derived from the raw events alone."""

import json
import random
import tempfile
import unittest
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import support
import session
import why
from causes import Causes
from support import OPEN

NR_EVICTIONS = 50
SWAP, PAGE = 3, 1  # enum pte_kind
WHY_SWAPOUT, WHY_FORK_CHILD, WHY_SWAPIN = 5, 2, 6  # enum pte_why
ISOLATED = 5  # enum lru_list
KINDS = ("kswapd", "direct", "madvise")  # enum reclaim_kind
PTE_WHYS = ("fault", "cow", "fork_child", "fork_parent", "protect", "swapout", "swapin", "unmap", "exit", "oom", "aging")
EVENTS = ("sched_switch", "state_cpu", "page_fault_user", "page_fault_end", "rmap_add", "rmap_remove", "pte_set",
          "pte_clear", "state_pte", "mm_vmscan_wakeup_kswapd", "mm_vmscan_kswapd_wake", "mm_vmscan_direct_reclaim_begin",
          "reclaim_pass_begin", "lru_insert", "lru_remove", "lru_referenced", "pte_young", "swap_slot_alloc",
          "swap_slot_free", "swap_out_begin", "swap_out_end", "page_evicted", "mm_page_free", "swap_in_begin",
          "swap_in_end", "swap_cache_remove", "state_cache", "mm_filemap_add_to_page_cache", "mm_filemap_delete_from_page_cache")


class Derivation:
    """Goes once through the events in their order and keeps what a chain needs; no state table is read."""

    def __init__(self, database) -> None:
        self.current = {}  # CPU: pid
        self.faults = defaultdict(list)  # pid: those it is in
        self.mapped = defaultdict(set)  # frame: entries
        self.swapped = defaultdict(dict)  # slot: entry -> (t, why)
        self.named = {}  # entry: slot
        self.passes, self.direct, self.direct_free = {}, {}, {}
        self.wakeup = self.woken = None
        self.listed, self.isolated, self.looks, self.slots, self.writes = {}, {}, {}, {}, {}
        self.young = defaultdict(set)
        self.open, self.leaving, self.reads = {}, {}, {}
        self.cached = {}  # frame: which page of which mapping
        self.cached_slots = {}  # slot: the same
        self.cleared = {}  # entry -> when reclaim emptied it
        self.away = {}  # such an entry -> what is told of it, and the page that it mapped
        self.at_isolation = {}  # frame: entries
        self.chains = {}  # id of page_evicted: what must be told
        events = []
        for name in EVENTS:
            cursor = database.execute(f"SELECT * FROM {name}")
            names = [column[0] for column in cursor.description]
            events += [(row[0], name, dict(zip(names, row))) for row in cursor]
        for _, name, event in sorted(events, key=lambda e: e[0]):
            getattr(self, name)(event)

    def sched_switch(self, e):
        self.current[e["cpu"]] = e["next_pid"]

    def state_cpu(self, e):
        self.current[e["arg_cpu"]] = e["pid"]

    def page_fault_user(self, e):
        self.faults[e["pid"]].append({"t": e["t"], "va": e["address"], "chains": [], "returns": []})

    def page_fault_end(self, e):
        fault = self.faults[e["pid"]].pop()
        for chain in fault["chains"]:
            chain["waited"] = (e["pid"], e["latency_ns"])
        for mapping in fault["returns"]:
            mapping["fault"] = (e["pid"], fault["t"], e["latency_ns"])

    def rmap_add(self, e):
        self.mapped[e["pfn"]].add((e["mm_id"], e["va"]))

    def rmap_remove(self, e):
        self.mapped[e["pfn"]].discard((e["mm_id"], e["va"]))

    def state_pte(self, e):
        if e["kind"] == PAGE:
            self.mapped[e["value"]].add((e["mm_id"], e["va"]))

    def pte_set(self, e):
        if e["old_kind"] == SWAP:
            self.forget(e)
        place = (e["mm_id"], e["va"])
        if e["kind"] == PAGE and place in self.away and self.away[place][1] == self.cached.get(e["value"]):
            mapping, _ = self.away.pop(place)
            mapping["back"] = (e["t"], PTE_WHYS[e["why"]])
            faults = self.faults[self.current[e["cpu"]]]
            if faults:
                faults[-1]["returns"].append(mapping)
        if e["kind"] == SWAP:
            self.swapped[e["value"]][e["mm_id"], e["va"]] = (e["t"], e["why"])
            self.named[e["mm_id"], e["va"]] = e["value"]

    def pte_clear(self, e):
        if e["old_kind"] == SWAP:
            self.forget(e)
        if e["why"] == WHY_SWAPOUT:
            self.cleared[e["mm_id"], e["va"]] = e["t"]

    def state_cache(self, e):
        if e["kind"] == PAGE:
            self.cached[e["value"]] = (e["mapping_id"], e["pgoff"])

    def mm_filemap_add_to_page_cache(self, e):
        self.cached[e["pfn"]] = (e["mapping_id"], e["pgoff"])
        self.cached_slots.pop(e["slot"], None)
        chain, faults = self.reads.pop(e["slot"], None), self.faults[self.current[e["cpu"]]]
        if chain and faults:
            faults[-1]["chains"].append(chain)
        elif chain:  # a system call read it
            chain["waited"] = (self.current[e["cpu"]], None)

    def mm_filemap_delete_from_page_cache(self, e):
        self.cached.pop(e["pfn"])
        if e["slot"]:
            self.cached_slots[e["slot"]] = (e["mapping_id"], e["pgoff"])

    def forget(self, e):
        """An entry stops naming its slot: the content is back, or given up."""
        place = (e["mm_id"], e["va"])
        slot = self.named.pop(place)
        del self.swapped[slot][place]
        chain = self.open.get(slot)
        if chain is None:
            return
        faults = self.faults[self.current[e["cpu"]]]
        mapping = chain["mappings"].get(place)
        if mapping is not None and "back" not in mapping:
            mapping["back"] = (e["t"], PTE_WHYS[e["why"]])
            if e["why"] == WHY_SWAPIN and faults:
                faults[-1]["returns"].append(mapping)
        if e["why"] == WHY_SWAPIN and slot in self.reads and faults:
            faults[-1]["chains"].append(self.reads.pop(slot))

    def mm_vmscan_wakeup_kswapd(self, e):
        self.wakeup = (e["t"], self.current[e["cpu"]], e["nr_free"])

    def mm_vmscan_kswapd_wake(self, e):
        self.woken = (*self.wakeup, e["t"])

    def mm_vmscan_direct_reclaim_begin(self, e):
        self.direct[e["pid"]] = e["t"]
        self.direct_free[e["pid"]] = None

    def reclaim_pass_begin(self, e):
        kind = KINDS[e["kind"]]
        if kind == "direct" and self.direct_free[e["pid"]] is None:
            self.direct_free[e["pid"]] = e["nr_free"]
        trigger = {"kswapd": self.woken, "madvise": (e["t"], e["pid"], None, e["t"])}.get(kind) or (
            self.direct[e["pid"]], e["pid"], self.direct_free[e["pid"]], self.direct[e["pid"]])
        self.passes[e["pass_id"]] = {"kind": kind, "t": e["t"], "pid": e["pid"], "nr_free": e["nr_free"], "trigger": trigger}

    def lru_insert(self, e):
        if e["list"] == ISOLATED:
            self.isolated[e["pfn"]] = (e["t"], *self.listed.get(e["pfn"], (None, None)))
            self.at_isolation[e["pfn"]] = set(self.mapped[e["pfn"]])
            self.looks.pop(e["pfn"], None)
            self.young.pop(e["pfn"], None)
        else:
            self.listed[e["pfn"]] = (e["list"], e["t"])

    def lru_remove(self, e):
        pass

    def pte_young(self, e):
        self.young[e["pfn"]].add((e["mm_id"], e["va"]))

    def lru_referenced(self, e):
        self.looks[e["pfn"]] = {"t": e["t"], "mappings": e["mappings"], "referenced": e["referenced"],
                                "asked": set(self.mapped[e["pfn"]]), "young": set(self.young[e["pfn"]])}

    def swap_slot_alloc(self, e):
        self.slots[e["pfn"]] = e["t"]
        self.open.pop(e["slot"], None)

    def swap_slot_free(self, e):
        self.open.pop(e["slot"], None)

    def swap_out_begin(self, e):
        self.writes[e["pfn"]] = (e["pass_id"], e["t"])

    def swap_out_end(self, e):
        self.writes[e["pfn"]] = (*self.writes[e["pfn"]], e["t"])

    def page_evicted(self, e):
        pfn, slot, reclaim = e["pfn"], e["slot"], self.passes[e["pass_id"]]
        look, write = self.looks.get(pfn), self.writes.get(pfn)
        t_isolated, from_list, t_listed = self.isolated[pfn]
        mappings = {}
        for place, (t, why) in self.swapped[slot].items():
            by = {WHY_SWAPOUT: "pass" if t >= reclaim["t"] else "an earlier pass"}.get(why, PTE_WHYS[why])
            mappings[place] = {"unmapped": (t, by)}
        asked = look["asked"] if look else self.at_isolation[pfn]
        for place in asked - set(mappings):
            if self.cleared.get(place, -1) >= t_isolated:
                mappings[place] = {"unmapped": (self.cleared[place], "cleared")}
                self.away[place] = (mappings[place], self.cached_slots[slot])
        if slot in self.open:
            self.open[slot]["again"] = e["t"]
        self.reads.pop(slot, None)
        self.open[slot] = self.chains[e["id"]] = self.leaving[pfn] = {
            "reclaim": reclaim, "isolated": t_isolated, "from": from_list, "listed": t_listed, "look": look, "seen": asked,
            "file": self.cached_slots.get(slot),
            "slot": self.slots.get(pfn, 0) >= t_isolated and self.slots[pfn] or None,
            "write": write[1:] if write and write[0] == e["pass_id"] else (None, None), "mappings": mappings,
            "n": len(self.chains)}

    def mm_page_free(self, e):
        if e["pfn"] in self.leaving:
            self.leaving.pop(e["pfn"])["freed"] = e["t"]

    def swap_in_begin(self, e):
        chain = self.open.get(e["slot"])
        if chain is not None and "read" not in chain:
            chain["read"] = [e["t"], e["pfn"], bool(e["readahead"]), e["pid"], len(self.chains) - chain["n"] - 1, None]
            self.reads[e["slot"]] = chain

    def swap_in_end(self, e):
        chain = self.open.get(e["slot"])
        if chain is not None and "read" in chain and chain["read"][-1] is None:
            chain["read"][-1] = e["t"]

    def swap_cache_remove(self, e):
        self.reads.pop(e["slot"], None)


class DerivedTest(unittest.TestCase):
    """On the reference session."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.holder = tempfile.TemporaryDirectory(prefix="plm-test-")
        cls.addClassCleanup(cls.holder.cleanup)
        cls.sessions = Path(cls.holder.name)
        cls.directory = support.cookbook().unpack(cls.sessions)

    def why(self, *arguments: str):
        return support.palimpsest("why", str(self.directory), *arguments, sessions=self.sessions)

    def told(self, *arguments: str) -> dict:
        done = self.why("--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def assert_chain(self, told: dict, derived: dict) -> None:
        trigger, reclaim, look = told["trigger"], told["reclaim"], told["look"]
        self.assertEqual((trigger["t"], trigger["by"], trigger["nr_free"], trigger["t_begin"]),
                         derived["reclaim"]["trigger"])
        self.assertEqual((reclaim["kind"], reclaim["t_begin"], reclaim["pid"], reclaim["nr_free"]),
                         tuple(derived["reclaim"][name] for name in ("kind", "t", "pid", "nr_free")))
        self.assertEqual((told["t_isolated"], told["t_listed"]), (derived["isolated"], derived["listed"]))
        # Who gives up pages by madvise does not ask whether they were used.
        of_look = derived["look"] or {"asked": set(), "young": set()}
        self.assertEqual(look, derived["look"] and {name: of_look[name] for name in ("t", "mappings", "referenced")})
        self.assertEqual((told["mapping_id"], told["pgoff"]), derived["file"] or (None, None))
        self.assertEqual((told["t_slot"], told["t_write_begin"], told["t_write_end"], told["t_freed"]),
                         (derived["slot"], *derived["write"], derived["freed"]))
        self.assertEqual(told["t_next_eviction"], derived.get("again"))
        mappings = {(m["mm_id"], m["va"]): m for m in told["mappings"]}
        self.assertEqual({place for place, m in mappings.items() if m["looked_at"]}, of_look["asked"])
        self.assertEqual({place for place, m in mappings.items() if m["t_accessed"]}, of_look["young"])
        self.assertEqual(set(mappings), derived["seen"] | set(derived["mappings"]))
        for place, mapping in derived["mappings"].items():
            found = mappings[place]
            self.assertEqual((found["t_unmapped"], found["unmapped_by"]), mapping["unmapped"])
            self.assertEqual((found["t_back"], found["back_by"]), mapping.get("back", (None, None)))
            fault = found["fault"]
            self.assertEqual(fault and (fault["pid"], fault["t"], fault["latency_ns"]), mapping.get("fault"))
        refault = told["refault"]
        self.assertEqual(refault and [refault[name] for name in (
            "t_begin", "pfn", "readahead", "reader", "distance_pages", "t_end")], derived.get("read"))
        if refault:
            self.assertEqual((refault["pid"], refault["latency_ns"]), derived.get("waited", (None, None)))

    def test_random_evictions(self):
        """A third of them from the rare and one of files: given back, shared, of direct reclaim, with a clean copy."""
        with closing(session.open_database(self.directory)) as database:
            derivation = Derivation(database)
            evictions = {row[0]: row[1:] for row in database.execute("SELECT id, t, pfn FROM page_evicted")}
            self.assertEqual(set(derivation.chains), set(evictions))
            choice = random.Random(1)
            rare = [event for event, chain in derivation.chains.items()
                    if "waited" in chain or len(chain["mappings"]) > 1 or chain["write"][0] is None]
            files = [event for event, chain in derivation.chains.items() if chain["file"]]
            chosen = (choice.sample(sorted(evictions), NR_EVICTIONS // 2) + choice.sample(rare, NR_EVICTIONS // 2)
                      + choice.sample(files, NR_EVICTIONS // 2))
            for event in chosen:
                t, pfn = evictions[event]
                with self.subTest(event=event, pfn=pfn, t=t):
                    _, eviction = why.of_frame(database, pfn, t)
                    self.assertEqual(eviction["id"], event)
                    self.assert_chain(Causes(database).chain(eviction).as_json(), derivation.chains[event])

    def test_address_and_frame_tell_of_the_same_eviction(self):
        with closing(session.open_database(self.directory)) as database:
            mm_id, va, pfn, t = database.execute("""
                SELECT p.mm_id, p.va, e.pfn, e.t FROM eviction e JOIN pte_span p ON p.slot = e.slot
                AND p.t_begin <= e.t AND e.t < p.t_end ORDER BY e.n DESC LIMIT 1""").fetchone()
            pid = database.execute("SELECT pid FROM task_span WHERE mm_id = ?", [mm_id]).fetchone()[0]
        by_frame = self.told("--pfn", hex(pfn), "--at", str(t))
        by_address = self.told("--pid", str(pid), "--va", hex(va + 5), "--at", str(t + 1))
        self.assertNotEqual(by_frame.pop("title"), by_address.pop("title"))
        self.assertEqual(by_frame, by_address)

    def test_text_and_picture(self):
        path = self.sessions / "chain.svg"
        done = self.why("--pfn", "1621", "--at", "1100000000", "-o", str(path))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "why the page in frame 1621 was evicted at 1.041 343 901 s")
        self.assertEqual(lines[-3:], ["", "pid 12 wanted it back 671.9 ms later and waited 232.3 us", str(path)])
        told = self.told("--pfn", "1621", "--at", "1100000000")
        self.assertEqual(len(lines[2:-3]), len(told["steps"]))
        self.assertEqual([step["what"] for step in told["steps"]],
                         ["watermark", "kswapd", "pass", "isolated", "looked", "idle", "slot", "unmapped", "written", "evicted",
                          "freed", "read", "back"])
        drawn = path.read_text()
        for word in ("watermark crossed", "not accessed", "faulted back", "0x7fcf885d3000"):
            self.assertIn(word.replace(" ", "\u00a0"), drawn.replace("&#160;", "\u00a0"))

    def test_what_cannot_be_told(self):
        for arguments, message in (
                ("--pfn 999999", "no such frame in this session; frames are below 3039"),
                ("--pfn -1", "no such frame"), ("--pfn 1", "frame 1: a page in it was never evicted"),
                ("--pfn 1621 --at 5", r"was not evicted by 0.000 000 005 s; \d+ evictions later, the first at"),
                ("--pid 999 --va 1", "pid 999: no such task"), ("--pid 3 --va 1", "pid 3 is a kernel thread"),
                ("--pid 12 --va 1", "pid 12: nothing was ever mapped at 0x1"), ("--pfn 1621 --at oom#9", "no oom of that number"),
                ("", "name a frame"), ("--pid 12", "name a frame"), ("--pfn 1 --pid 12 --va 1", "name a frame"),
                ("--pfn 1621 -o /nowhere/x.svg", "/nowhere/x")):
            with self.subTest(arguments):
                done = self.why(*arguments.split())
                self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
                self.assertRegex(done.stderr, message)


VA = 0x40000


class KnownChainTest(support.DatabaseTest):
    """A page of two tasks, by hand: frame 7, slot 3, with a clean copy; taken by direct reclaim."""

    def setUp(self) -> None:
        super().setUp()
        add = self.add
        add("session", key="t_last", value=5000)
        add("session_begin", max_pfn=100, watermark_min=20, watermark_low=30)
        for pid, mm_id, comm in ((5, 2, "parent"), (6, 3, "child"), (7, 4, "third")):
            add("task_span", pid=pid, mm_id=mm_id, comm=comm, t_begin=0, t_end=OPEN)
        add("fault", id=1, t=900, pid=6, mm_id=3, va=0x9008, kind="anon", result="minor", latency_ns=400)
        add("mm_vmscan_direct_reclaim_begin", id=10, t=1000, pid=6)
        self.reclaim(11, 4, "direct", pid=6, t=1010)
        for name, begin, end, why_in in (("inactive_anon", 700, 1020, "deactivate"), ("isolated", 1020, 1110, "isolate")):
            add("lru_span", pfn=7, list=name, t_begin=begin, t_end=end, why_in=why_in)
        for mm_id, end in ((2, 1050), (3, 1051), (4, 1035)):
            add("rmap_span", pfn=7, mm_id=mm_id, va=VA, t_begin=600, t_end=end)
            add("pte_span", mm_id=mm_id, va=VA, kind="page", pfn=7, t_begin=600, t_end=end, why_in="fault",
                why_out="exit" if mm_id == 4 else "swapout")
        add("pte_young", id=20, t=1029, va=VA, mm_id=3, pfn=7)
        add("lru_referenced", id=21, t=1030, pfn=7, pass_id=4, mappings=3, referenced=1)
        for mm_id, begin, end, out in ((2, 1050, 3000, "swapin"), (3, 1051, 2000, "exit")):
            add("pte_span", mm_id=mm_id, va=VA, kind="swap", slot=3, t_begin=begin, t_end=end, why_in="swapout",
                why_out=out)
        add("reclaim_decision", id=30, t=1101, pfn=7, pass_id=4)
        add("eviction", id=29, t=1100, pfn=7, slot=3, reason="freed", pass_id=4, kind="direct", content_id=1, n=1)
        add("page_life", pfn=7, t_begin=600, t_end=1120, kind="anon", life_id=2)
        add("refault", t=2900, eviction_id=29, distance_pages=0, latency_ns=150, slot=3, pfn=8, pid=5)
        add("swap_io", direction="in", slot=3, pfn=8, t_begin=2900, t_end=2990, pid=5)
        add("fault", id=2, t=2860, pid=5, mm_id=2, va=VA + 8, kind="swap", result="major", latency_ns=150)

    def reclaim(self, event: int, pass_id: int, kind: str, pid: int, t: int) -> None:
        self.add("reclaim_pass", pass_id=pass_id, kind=kind, pid=pid, priority=12, t_begin=t, t_end=t + 500, nr_scanned=1,
                 free_begin=18)
        self.add("reclaim_pass_begin", id=event, t=t, pass_id=pass_id, kind=KINDS.index(kind), pid=pid, nr_free=18)

    def lines(self, *arguments: str) -> list[str]:
        done = support.palimpsest("why", str(self.directory), *arguments, sessions=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line.strip().removeprefix("0.000 00") for line in done.stdout.splitlines()[2:]]

    def test_direct_reclaim_of_a_shared_clean_page(self):
        self.assertEqual(self.lines("--pfn", "7"), [
            "1 000              direct    free memory was 18 frames, min is 20: pid 6 (child) wanted memory, in its anon "
            "fault at 0x9008, and had to reclaim itself",
            "1 010      +10 ns  pass      pass 4 of pid 6 (child) begins: priority 12, 18 frames free, 1 inactive page "
            "looked at",
            "1 020      +10 ns  isolated  from inactive_anon, where it was since 0.000 000 700 (deactivate)",
            "1 029       +9 ns  accessed  0x40000 of pid 6 (child): used since the last look",
            "1 030       +1 ns  looked    asked 3 mappings: accessed bit set in 1",
            "1 030       +0 ns  idle      0x40000 of pid 7 (third): not used since the last look",
            "1 030       +0 ns  idle      0x40000 of pid 5 (parent): not used since the last look",
            "1 035       +5 ns  unmapped  0x40000 of pid 7 (third): went by itself: exit",
            "1 050      +15 ns  unmapped  0x40000 of pid 5 (parent): the entry names slot 3 now",
            "1 051       +1 ns  unmapped  0x40000 of pid 6 (child): the entry names slot 3 now",
            "1 100      +49 ns  evicted   slot 3 has its content already: nothing to write",
            "1 120      +20 ns  freed     frame 7 is free",
            "2 000     +880 ns  dropped   0x40000 of pid 6 (child): exit",
            "2 900     +900 ns  read      read back into frame 8 for pid 5, 90 ns; gone for 1.8 us and 0 evictions",
            "3 000     +100 ns  back      0x40000 of pid 5 (parent): at 0.000 002 860 (swap), and waited 150 ns (major)",
            "",
            "pid 5 wanted it back 1.8 us later and waited 150 ns"])

    def test_written_page_of_madvise_that_nobody_wanted(self):
        self.reclaim(40, 5, "madvise", pid=5, t=4000)
        self.add("lru_span", pfn=9, list="isolated", t_begin=4010, t_end=4500, why_in="isolate")
        self.add("rmap_span", pfn=9, mm_id=2, va=VA + 4096, t_begin=600, t_end=4030)
        self.add("swap_slot_alloc", id=41, t=4020, slot=4, pfn=9)
        self.add("pte_span", mm_id=2, va=VA + 4096, kind="swap", slot=4, t_begin=4030, t_end=OPEN, why_in="swapout")
        self.add("swap_io", direction="out", slot=4, pfn=9, t_begin=4040, t_end=4400, pass_id=5)
        self.add("eviction", id=42, t=4450, pfn=9, slot=4, reason="write", pass_id=5, kind="madvise", content_id=41, n=2)
        self.assertEqual(self.lines("--pid", "5", "--va", hex(VA + 4100)), [
            "4 000              asked     pid 5 (parent) gave up pages by madvise: no watermark was crossed",
            "4 000       +0 ns  pass      pass 5 of pid 5 (parent) begins: priority 12, 18 frames free, 1 inactive page "
            "looked at",
            "4 010      +10 ns  isolated  from its list",
            "4 020      +10 ns  slot      given slot 4",
            "4 030      +10 ns  unmapped  0x41000 of pid 5 (parent): the entry names slot 4 now",
            "4 040      +10 ns  written   written to slot 4: 360 ns",
            "4 450     +410 ns  evicted   the write has ended",
            "",
            "it was not read back in this session"])

    def test_page_of_a_file(self):
        """Its entry is empty when it has gone: the page cache names the slot."""
        self.reclaim(40, 5, "madvise", pid=5, t=4000)
        self.add("vma_span", vma_id=1, mm_id=2, va_start=0x90000, va_end=0x98000, t_begin=500, t_end=OPEN)
        self.add("i_mmap_span", vma_id=1, mapping_id=50, pgoff=2, t_begin=500, t_end=OPEN)
        self.add("lru_span", pfn=9, list="isolated", t_begin=4010, t_end=4500, why_in="isolate")
        for pfn, begin, end, why_out in ((9, 600, 4030, "swapout"), (12, 4700, OPEN, None)):
            self.add("pte_span", mm_id=2, va=0x91000, kind="page", pfn=pfn, t_begin=begin, t_end=end, why_in="fault",
                     why_out=why_out)
        self.add("rmap_span", pfn=9, mm_id=2, va=0x91000, mapping_id=50, t_begin=600, t_end=4030)
        for pfn, slot, begin, end in ((9, None, 550, 4035), (None, 4, 4035, 4650), (12, None, 4650, OPEN)):
            self.add("cache_span", mapping_id=50, pgoff=3, kind="page" if pfn else "swap", pfn=pfn, slot=slot, t_begin=begin,
                     t_end=end)
        self.add("swap_io", direction="out", slot=4, pfn=9, t_begin=4040, t_end=4400, pass_id=5)
        self.add("eviction", id=42, t=4450, pfn=9, slot=4, reason="write", pass_id=5, kind="madvise", content_id=41, n=2)
        self.add("fault", id=3, t=4600, pid=5, mm_id=2, va=0x91008, kind="file", result="major", latency_ns=110)
        lines = self.lines("--pid", "5", "--va", "0x91010")
        self.assertEqual(lines[3:], [
            "4 030      +20 ns  unmapped  0x91000 of pid 5 (parent): the entry is empty now: the page cache names the slot",
            "4 040      +10 ns  written   written to slot 4: 360 ns",
            "4 450     +410 ns  evicted   the write has ended",
            "4 700     +250 ns  back      0x91000 of pid 5 (parent): at 0.000 004 600 (file), and waited 110 ns (major)",
            "",
            "it was not read back in this session"])
        self.assertEqual(lines, self.lines("--pfn", "9"))


if __name__ == "__main__":
    unittest.main()
