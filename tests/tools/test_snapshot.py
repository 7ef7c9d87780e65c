"""`palimpsest state` and `diff` on a hand-made machine: a page of a parent and its child is swapped out
and the child leaves.
"""

import json
import re
import unittest
import xml.etree.ElementTree as ElementTree

import support
from support import OPEN

VA = 0x7F0000000000
SWAPPED, LEFT = 200, 300  # when


class Machine(support.DatabaseTest):

    def setUp(self) -> None:
        super().setUp()
        add = self.add
        add("session", key="t_last", value=1000)
        for pid, mm_id, comm, end in ((1, 1, "parent", OPEN), (2, 2, "child", LEFT)):
            add("task_span", pid=pid, tgid=pid, mm_id=mm_id, comm=comm, t_begin=10, t_end=end)
            add("mm_span", mm_id=mm_id, pgd_pfn=90 + pid, t_begin=10, t_end=end)
            add("vma_span", vma_id=pid, mm_id=mm_id, va_start=VA, va_end=VA + 0x3000, flags=3,
                anon_vma_id=1, t_begin=10, t_end=end)
            add("pgtable_span", mm_id=mm_id, va=0, level=1, pfn=80 + pid, t_begin=10, t_end=end)
            for i in range(2):
                gone = SWAPPED if i else end
                add("pte_span", mm_id=mm_id, va=VA + i * 0x1000, kind="page", pfn=5 + i, flags=1,
                    t_begin=10, t_end=gone)
                add("rmap_span", pfn=5 + i, mm_id=mm_id, va=VA + i * 0x1000, mapping_id=1,
                    t_begin=10, t_end=gone)
            add("pte_span", mm_id=mm_id, va=VA + 0x1000, kind="swap", slot=3, t_begin=SWAPPED,
                t_end=end)
        add("task_span", pid=3, tgid=3, mm_id=0, comm="kswapd", t_begin=0, t_end=OPEN)
        for pfn, pos, end in ((5, 1, OPEN), (6, 2, SWAPPED)):
            add("page_life", pfn=pfn, kind="anon", life_id=pfn, t_begin=10, t_end=end)
            add("lru_span", pfn=pfn, list="inactive_anon", pos=pos, nr_frames=1, t_begin=10, t_end=end)
        add("swap_span", slot=3, refs=2, t_begin=SWAPPED, t_end=LEFT)
        add("swap_span", slot=3, refs=1, t_begin=LEFT, t_end=OPEN)
        add("free_span", pfn=16, order=4, t_begin=0, t_end=OPEN)
        add("pcp_span", pfn=6, cpu=1, t_begin=SWAPPED, t_end=OPEN)
        add("pcp_span", pfn=7, cpu=None, t_begin=0, t_end=OPEN)

    def palimpsest(self, *arguments: str):
        return support.palimpsest(*arguments, sessions=self.directory)

    def told(self, *arguments: str) -> str:
        done = self.palimpsest(arguments[0], str(self.directory), *arguments[1:])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def listed(self, at: int, *arguments: str) -> dict:
        data = json.loads(self.told("state", "--json", "--at", str(at), *arguments))
        self.assertEqual(data["t"], at)
        return {listing["title"]: listing["rows"] for listings in data["state"].values()
                for listing in listings}


class SnapshotTest(Machine):

    def test_summary(self):
        found = self.listed(100)
        self.assertEqual(found["tasks"], [[1, 1, 1, "parent", 0, 2, 0, 0], [2, 2, 2, "child", 0, 2, 0, 0],
                                          [3, 3, 0, "kswapd", 0, 0, 0, 0]])
        self.assertEqual(found["VMAs of each address space"], [[1, 1, 0x3000, 1], [2, 1, 0x3000, 1]])
        self.assertEqual(found["page tables of each address space"],
                         [[1, 4, 1], [1, 1, 1], [2, 4, 1], [2, 1, 1]])
        self.assertEqual(found["frames by the number of their mappings"], [[2, 2]])
        self.assertEqual(found["LRU lists, head to tail"], [["inactive_anon", 2, 2, "6 5", "6 5"]])
        self.assertEqual(found["allocated blocks by kind"], [["anon", 0, 2, 2]])
        self.assertEqual(found["free blocks in the buddy lists"], [[4, 1, 16]])
        self.assertEqual(found["free frames elsewhere"], [["zeroed", 1]])

    def test_summary_after_the_page_was_swapped(self):
        found = self.listed(SWAPPED)
        self.assertEqual(found["entries of each address space"],
                         [[1, "page", 1, 1], [1, "swap", 1, 0], [2, "page", 1, 1], [2, "swap", 1, 0]])
        self.assertEqual(found["swap slots by references (entries, and one for the swap cache)"],
                         [[2, 1, 0]])
        self.assertEqual(found["free frames elsewhere"], [["zeroed", 1], ["cpu1", 1]])

    def test_everything_of_one_task(self):
        found = self.listed(SWAPPED, "--pid", "2", "--full")
        self.assertEqual(found["VMAs"], [[2, VA, VA + 0x3000, "r w", 2, 1, 10]])
        self.assertEqual(found["entries"], [[2, VA, "page", 5, None, "w", 10],
                                            [2, VA + 0x1000, "swap", None, 3, "", SWAPPED]])
        self.assertEqual(found["mappings"], [[5, 2, VA, 1, 10]])
        self.assertEqual(found["list inactive_anon, head to tail"], [[0, 5, 1, 10]])
        self.assertEqual(found["swap slots"], [[3, 2, None, SWAPPED]])
        self.assertNotIn("free blocks in the buddy lists", found)

    def test_text(self):
        text = self.told("state", "--what", "vma", "--full")
        self.assertIn("state at 0.000 001 000 s (end)", text)
        self.assertIn(f"1  0x{VA:x}  0x{VA + 0x3000:x}  r w", text)
        self.assertEqual(text.count("\n\n"), 1)

    def test_wrong_usage(self):
        self.add("trace_off", t=600)
        self.add("state_begin", t=700)
        for arguments, message in (
                (("state", "--pid", "9"), "pid 9 did not exist"),
                (("state", "--pid", "3"), "pid 3 is a kernel thread"),
                (("state", "--pid", "2", "--at", "300"), "pid 2 did not exist at 0.000 000 300 s"),
                (("state", "--at", "650"), "tracing was off from 0.000 000 600 s until 0.000 000 700 s"),
                (("diff", "--at", "5", "--at", "650"), "tracing was off from"),
                (("diff", "--at", "5"), "name two instants"),
                (("diff", "--at", "5", "--at", "barrier#1"), "no barrier of that number")):
            done = self.palimpsest(arguments[0], str(self.directory), *arguments[1:])
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(message, done.stderr)

    def test_diff(self):
        data = json.loads(self.told("diff", "--at", "100", "--at", "end", "--json"))
        self.assertEqual(data["t"], [100, 1000])
        found = {}
        for difference in data["differences"]:
            sorts = [change["change"] for change in difference["changes"]]
            found[difference["table"]] = (*map(sorts.count, ("removed", "added", "changed")),
                                          difference["same"])
        self.assertEqual(found, {
            "task_span": (1, 0, 0, 2), "vma_span": (1, 0, 0, 1), "pgtable_span": (1, 0, 0, 1),
            "pte_span": (2, 0, 1, 1), "pmd_span": (0, 0, 0, 0), "rmap_span": (3, 0, 0, 1), "mapping_span": (0, 0, 0, 0),
            "cache_span": (0, 0, 0, 0), "i_mmap_span": (0, 0, 0, 0), "lru_span": (1, 0, 0, 1),
            "swap_span": (0, 1, 0, 0), "swap_cache_span": (0, 0, 0, 0), "page_life": (1, 0, 0, 1),
            "free_span": (0, 0, 0, 1), "pcp_span": (0, 1, 0, 1)})

    def test_diff_as_text(self):
        text = self.told("diff", "--at", "100", "--at", "end")
        self.assertRegex(text, r"pte +2 +0 +1 +1\n")
        self.assertRegex(text, r"page +none +2\n +page +swap +1\n")
        full = self.told("diff", "--at", "100", "--at", "end", "--what", "pagetables", "--full")
        self.assertRegex(full, rf"changed +1 +0x{VA + 0x1000:x} +page +6 +- +1 +swap +- +3 +0\n")

    def test_diff_picture(self):
        picture = self.directory / "diff.svg"
        self.told("diff", "--at", "100", "--at", "end", "-o", str(picture))
        words = "".join(ElementTree.parse(picture).getroot().itertext()).replace("\xa0", " ")
        for expected in ("− child 2, VMA 2", "= parent 1, VMA 1", "= frame 0x5", "− frame 0x6",
                         "inactive_anon → free"):
            self.assertIn(expected, words)
        edges = re.findall(r'"vma (\d)" -> "frame (\d)" \[.*style="(\w+)"',
                           picture.with_suffix(".dot").read_text())
        self.assertEqual(sorted(edges), [("1", "5", "solid"), ("1", "6", "dashed"),
                                         ("2", "5", "dashed"), ("2", "6", "dashed")])

    def lose(self) -> None:
        """Events between 150 and 250, after which the child's exit makes the slot's count certain."""
        self.add("loss_window", cpu=0, t_from=150, t_to=250, events=3)

    def test_uncertain_state(self):
        self.lose()
        title = "events were lost: these objects are uncertain, and others may be unknown"
        self.assertNotIn(title, self.listed(149))
        counts = {what: (n, uncertain) for what, n, uncertain in self.listed(1000)[title]}
        self.assertEqual((counts["rmap"], counts["swap"], counts["free"]), ((1, 1), (1, 0), (1, 1)))
        found = self.listed(1000, "--full")
        self.assertEqual(found["mappings"], [[5, 1, VA, 1, 10, "?"]])
        self.assertEqual(found["swap slots"], [[3, 1, None, LEFT, ""]])

    def test_a_baseline_makes_the_state_certain(self):
        self.lose()
        for t in (5, 600):
            self.add("state_begin", t=t)
            self.add("state_end", t=t + 1)
        self.assertEqual(self.listed(599, "--full", "--what", "rmap")["mappings"],
                         [[5, 1, VA, 1, 10, "?"]])
        self.assertEqual(self.listed(600, "--full", "--what", "rmap")["mappings"],
                         [[5, 1, VA, 1, 10]])

    def test_uncertain_diff(self):
        self.lose()
        text = self.told("diff", "--at", "100", "--at", "end", "--what", "rmap")
        self.assertIn("events were lost", text)
        self.assertRegex(text, r"rmap +3 +0 +0 +1 +1\n")
        picture = self.directory / "diff.svg"
        self.told("diff", "--at", "100", "--at", "end", "-o", str(picture))
        words = "".join(ElementTree.parse(picture).getroot().itertext()).replace("\xa0", " ")
        self.assertIn("= parent 1, VMA 1 ?", words)
        self.assertIn("Events were lost", words)
        source = picture.with_suffix(".dot").read_text()
        self.assertRegex(source, r'"vma 1" -> "frame 5" \[.*style="dotted"')
        self.assertRegex(source, r'"vma 2" -> "frame 6" \[.*style="dashed"')

    def test_picture_of_no_change(self):
        picture = self.directory / "diff.svg"
        self.told("diff", "--at", "100", "--at", "101", "-o", str(picture))
        self.assertIn("No mapping came or went.", picture.read_text().replace("\xa0", " "))


class FilesTest(Machine):
    """The same machine with a file, of which a page goes to swap, and a page of 2 MiB that is split."""

    MAPPING, SPLIT = 7, 400

    def setUp(self) -> None:
        super().setUp()
        add = self.add
        for mapping_id in (self.MAPPING, 8):
            add("mapping_span", mapping_id=mapping_id, t_begin=10, t_end=OPEN)
        add("i_mmap_span", vma_id=1, mapping_id=self.MAPPING, pgoff=4, t_begin=10, t_end=OPEN)
        add("cache_span", mapping_id=self.MAPPING, pgoff=4, kind="page", pfn=50, t_begin=20, t_end=OPEN)
        add("cache_span", mapping_id=self.MAPPING, pgoff=5, kind="page", pfn=51, t_begin=20, t_end=SWAPPED)
        add("cache_span", mapping_id=self.MAPPING, pgoff=5, kind="swap", slot=9, t_begin=SWAPPED, t_end=OPEN)
        add("rmap_span", pfn=50, mm_id=1, va=VA + 0x2000, mapping_id=self.MAPPING, t_begin=30, t_end=OPEN)
        huge = VA + 0x200000
        add("pmd_span", mm_id=1, va=huge, pfn=512, flags=1, t_begin=10, t_end=self.SPLIT)
        add("page_life", pfn=512, kind="anon", order=9, life_id=60, t_begin=10, t_end=self.SPLIT)
        add("lru_span", pfn=512, list="active_anon", pos=7, nr_frames=512, t_begin=10, t_end=self.SPLIT)
        add("vma_span", vma_id=9, mm_id=1, va_start=huge, va_end=huge + 0x200000, flags=3, t_begin=10, t_end=OPEN)
        for part in range(512):
            add("page_life", pfn=512 + part, kind="anon", life_id=61, t_begin=self.SPLIT, t_end=OPEN)
            add("lru_span", pfn=512 + part, list="active_anon", pos=7 + part, nr_frames=1, t_begin=self.SPLIT, t_end=OPEN)
            add("rmap_span", pfn=512 + part, mm_id=1, va=huge + part * 0x1000, mapping_id=1, t_begin=10,
                t_end=600 if part == 0 else OPEN)

    FILES = "mappings: the cached content of one file each"
    HUGE = "entries of 2 MiB, each 512 of those"

    def test_files(self):
        self.assertEqual(self.listed(100)[self.FILES], [[7, 2, 1, 0, 1, 1], [8, 0, 0, 0, 0, 0]])
        self.assertEqual(self.listed(SWAPPED, "--pid", "1")[self.FILES], [[7, 1, 1, 1, 1, 1]])
        self.assertEqual(self.listed(SWAPPED, "--pid", "2")[self.FILES], [])
        found = self.listed(SWAPPED, "--full", "--what", "files")
        self.assertEqual(found["page cache"], [[7, 4, "page", 50, None, 20], [7, 5, "swap", None, 9, SWAPPED]])
        self.assertEqual(found["VMAs of files (i_mmap)"], [[7, 4, 1, 1, VA, 10]])

    def test_pages_of_2_mib(self):
        found = self.listed(100)
        self.assertEqual(found[self.HUGE], [[1, 1, 1]])
        self.assertIn(["active_anon", 1, 512, "512", "512"], found["LRU lists, head to tail"])
        self.assertEqual(self.listed(100, "--full")["entries of 2 MiB, each 512 of those above"],
                         [[1, VA + 0x200000, 512, "w", 10]])
        self.assertNotIn(self.HUGE, self.listed(self.SPLIT))

    def test_diff_of_files_and_2_mib(self):
        text = self.told("diff", "--at", "100", "--at", str(self.SPLIT))
        self.assertRegex(text, r"cache +0 +0 +1 +1\n")
        self.assertRegex(text, r"pmd +1 +0 +0 +0\n")

    def test_a_split_is_no_change_of_512_frames(self):
        picture = self.directory / "diff.svg"
        self.told("diff", "--at", "100", "--at", "700", "-o", str(picture))
        words = "".join(ElementTree.parse(picture).getroot().itertext()).replace("\xa0", " ")
        self.assertIn("~ frame 0x200", words)
        self.assertIn("active_anon, 2 MiB → active_anon", words)
        self.assertNotIn("frame 0x201", words)


if __name__ == "__main__":
    unittest.main()
