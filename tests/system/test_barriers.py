"""The state tables are the guest's real state: at barriers all through a run, LRU lists and reverse
map as rebuilt from the events equal what the kernel monitor prints from its own structures."""

import re
import unittest

import support
from console import MonitorVisit
from recording import Recording
from support import program, scenario

VISITS = 20
# Trace between two visits. The session makes some 10 MB, so that the visits end before it does and
# reach from the first fill to the last copies. It is small because the monitor's answers are not:
# the console carries one byte at a time.
STEP_BYTES = 320_000

LRU_HEAD = re.compile(r"lru (\w+) (\d+)")
RMAP_LINE = re.compile(r"rmap (\d+) mm (\d+) va ([0-9a-f]+) (?:anon_vma|mapping) (\d+)")


def parse_lru(lines: list[str]) -> dict[str, list[int]]:
    """Frames of each list from head to tail."""
    lists: dict[str, list[int]] = {}
    sizes = {}
    for line in lines:
        if head := LRU_HEAD.fullmatch(line):
            frames = lists.setdefault(head[1], [])
            sizes[head[1]] = int(head[2])
        else:
            frames += map(int, line.split())
    if sizes != {name: len(frames) for name, frames in lists.items()}:
        raise ValueError(f"sizes are {sizes}: {lines}")
    return lists


def parse_rmap(lines: list[str]) -> list[tuple[int, int, int, int]]:
    """(pfn, mm_id, va, mapping_id) of every mapping."""
    mappings = []
    for line in lines:
        pfn, mm, va, mapping = RMAP_LINE.fullmatch(line).groups()
        mappings.append((int(pfn), int(mm), int(va, 16), int(mapping)))
    return sorted(mappings)


class BarrierTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.visits: list[MonitorVisit] = []
        cls.recorded = cls.record("forkshare", scenario(
            [program("forkshare", "--size", "6M", "--children", "3", "--rounds", "1")],
            memory="10M", cpus=2), cls._visit)

    @classmethod
    def _visit(cls, recording: Recording) -> None:
        recording.machine.console.wait_line(r"\[init\] start forkshare", support.SESSION_SECONDS)
        cls.visits += support.visits(recording, VISITS, STEP_BYTES, ["lru", "rmap all"])

    def at(self, barrier: int, sql: str) -> list[tuple]:
        """A query on spans, at the time of a barrier."""
        return self.recorded.rows(sql + """
            WHERE t_begin <= (SELECT t FROM trace_barrier WHERE n = :n)
            AND (SELECT t FROM trace_barrier WHERE n = :n) < t_end""", n=barrier)

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("forkshare", 0)])

    def test_barriers_are_spread_through_the_run(self):
        self.assertEqual([visit.barrier for visit in self.visits], list(range(1, VISITS + 1)))
        sharing, swapped = [], []
        for visit in self.visits:
            sharing.append(len(self.at(visit.barrier, "SELECT DISTINCT mm_id FROM rmap_span")))
            swapped.append(len(self.at(visit.barrier, "SELECT slot FROM swap_span")))
        self.assertGreaterEqual(sum(n > 2 for n in sharing), VISITS // 2, sharing)
        self.assertGreaterEqual(sum(n > 0 for n in swapped), VISITS // 2, swapped)

    def test_lru_lists(self):
        for visit in self.visits:
            lists = parse_lru(visit.answers[0][1])
            with self.subTest(barrier=visit.barrier):
                rebuilt: dict[str, list[int]] = {name: [] for name in lists}
                listed = self.at(visit.barrier, "SELECT pos, list, pfn FROM lru_span")
                for _, name, pfn in sorted(listed, reverse=True):
                    rebuilt[name].append(pfn)
                self.assertGreater(sum(map(len, lists.values())), 0)
                for name, frames in lists.items():
                    self.assertEqual(rebuilt[name], frames, name)

    def test_reverse_map(self):
        for visit in self.visits:
            mappings = parse_rmap(visit.answers[1][1])
            with self.subTest(barrier=visit.barrier):
                self.assertGreater(len(mappings), 0)
                rebuilt = self.at(visit.barrier, "SELECT pfn, mm_id, va, mapping_id FROM rmap_span")
                self.assertEqual(sorted(rebuilt), mappings)


if __name__ == "__main__":
    unittest.main()
