#!/usr/bin/python3
"""The pictures: what they say, and that they keep to their limits of size and legibility."""

import argparse
import contextlib
import io
import json
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools"),
                str(HERE.parents[1] / "tools" / "qmp-driver")]

import synthetic  # noqa: E402
from visualize import lru, lru_picture, palette, rmap  # noqa: E402
from visualize.drawing import MAX_NODES  # noqa: E402
from visualize.lru_lists import Page  # noqa: E402


def run(module: ModuleType, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    parser = argparse.ArgumentParser()
    module.set_argparser(parser)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = module.main(parser.parse_args(arguments))
    return status, out.getvalue(), err.getvalue()


class PictureTest(synthetic.SessionTest):
    def draw(self, module: ModuleType, *arguments: str) -> list[Path]:
        status, out, err = run(module, *arguments)
        self.assertEqual((status, err), (0, ""))
        paths = [Path(line) for line in out.splitlines()]
        for path in paths:
            self.assert_legible(path)
        return paths

    def json(self, module: ModuleType, *arguments: str) -> dict:
        status, out, err = run(module, *arguments, "--json")
        self.assertEqual((status, err), (0, ""))
        data = json.loads(out)
        self.assertEqual(data["schema_version"], 1)
        return data

    def assert_fails(self, module: ModuleType, message: str, *arguments: str) -> None:
        status, out, err = run(module, *arguments)
        self.assertEqual((status, out), (1, ""))
        self.assertIn(message, err)

    def assert_legible(self, path: Path) -> None:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        width = float(root.attrib["width"].removesuffix("px"))
        self.assertLessEqual(width, palette.MAX_WIDTH_PX)
        self.assertAlmostEqual(width, float(root.attrib["viewBox"].split()[2]), delta=1)
        sizes = [float(element.attrib["font-size"]) for element in root.iter()
                 if element.tag.endswith("}text")]
        self.assertTrue(sizes)
        self.assertGreaterEqual(min(sizes), palette.MIN_TEXT_PX)
        dot = path.with_suffix(".dot")
        if dot.exists():
            source = dot.read_text(encoding="utf-8")
            nodes = re.findall(r'^\t"[^"]+" \[label=', source, re.MULTILINE)
            self.assertLessEqual(len(nodes), MAX_NODES)


class RmapTest(PictureTest):
    def test_states_of_every_mapping(self) -> None:
        synthetic.shared_pages(self.builder)
        data = self.json(rmap, self.built(), "--pfn", "0x101", "--at", "barrier#1")
        states = [pte["state"] for vma in data["vmas"] for pte in vma["ptes"]]
        self.assertEqual(states, ["present", "copy", "swapped", "gone"] + ["present"] * 5)
        self.assertEqual([vma["pid"] for vma in data["vmas"]], list(range(10, 19)))
        self.assertEqual(data["pages"][0]["mapcount"], 6)
        self.assertEqual(data["pages"][0]["slot"], 7)
        self.assertEqual(data["unreached"], [])

    def test_peak_is_when_most_map_a_page(self) -> None:
        synthetic.shared_pages(self.builder)
        data = self.json(rmap, self.built())
        self.assertEqual(data["t"], 20 * synthetic.MS)
        self.assertEqual([page["pfn"] for page in data["pages"]], [0x100, 0x101, 0x102])
        self.assertEqual({page["mapcount"] for page in data["pages"]}, {9})

    def test_before_and_after_a_change(self) -> None:
        synthetic.shared_pages(self.builder)
        directory = self.built()
        for t, mapcount in ((30 * synthetic.MS - 1, 9), (30 * synthetic.MS, 6)):
            data = self.json(rmap, directory, "--pfn", "257", "--at", str(t))
            self.assertEqual(data["pages"][0]["mapcount"], mapcount)

    def test_by_address(self) -> None:
        synthetic.shared_pages(self.builder)
        directory = self.built()
        address = hex(synthetic.BASE + 0x1234)
        data = self.json(rmap, directory, "--pid", "11", "--va", address, "--at", "oom#1")
        self.assertEqual([page["pfn"] for page in data["pages"]], [0x200])
        self.assert_fails(rmap, "swap slot 7", directory, "--pid", "12", "--va", address, "--at",
                          "end")
        self.assert_fails(rmap, "no page of its own", directory, "--pid", "13", "--va", address,
                          "--at", "end")
        self.assert_fails(rmap, "no task 99", directory, "--pid", "99", "--va", address)
        self.assert_fails(rmap, "go together", directory, "--pid", "11")

    def test_entries_are_uncertain_after_a_loss(self) -> None:
        synthetic.shared_pages(self.builder)
        self.builder.add("loss_window", 22 * synthetic.MS, 25 * synthetic.MS)
        directory = self.built()
        for t, expected in ((21, {False}), (35, {False, True})):
            data = self.json(rmap, directory, "--pfn", "0x101", "--at", str(t * synthetic.MS))
            ptes = {pte["state"]: pte["uncertain"] for vma in data["vmas"] for pte in vma["ptes"]}
            self.assertEqual(set(ptes.values()), expected)
        # What changed after the loss is certain; that nothing is there is not.
        self.assertEqual(ptes, {"present": True, "copy": False, "swapped": False, "gone": True})
        path, = self.draw(rmap, directory, "--pfn", "0x101", "--at", str(35 * synthetic.MS))
        picture = path.read_text(encoding="utf-8").replace("\xa0", " ")
        self.assertEqual(picture.count("present ?"), 6)
        self.assertIn("Events were lost", picture)
        self.assertIn("stroke-dasharray", picture)

    def test_broken_chain_is_told(self) -> None:
        synthetic.shared_pages(self.builder)
        self.builder.db.execute("DELETE FROM avc_span WHERE vma_id = 5")
        directory = self.built()
        data = self.json(rmap, directory, "--pfn", "0x100", "--at", "end")
        self.assertEqual(data["unreached"], [[0x100, 5, synthetic.BASE]])
        svg = self.draw(rmap, directory, "--pfn", "0x100", "--at", "end")[0]
        self.assertIn("reverse", svg.read_text(encoding="utf-8"))

    def test_page_of_a_file(self) -> None:
        synthetic.file_page(self.builder)
        directory = self.built()
        data = self.json(rmap, directory, "--pfn", "0x300", "--at", "end")
        page, = data["pages"]
        self.assertEqual((page["mapping_id"], page["pgoff"], page["mapcount"], page["anon_vma_id"]), (40, 5, 1, 0))
        self.assertEqual(data["mappings"], [{"mapping_id": 40, "links": 3, "pages": 1, "slots": 1}])
        self.assertEqual([(vma["vma_id"], vma["pid"], vma["threads"], vma["ptes"][0]["va"], vma["ptes"][0]["state"])
                          for vma in data["vmas"]],
                         [(70, 30, 2, synthetic.BASE + 0x5000, "present"), (71, 31, 1, synthetic.BASE + 0x1000, "copy")])
        self.assertEqual((data["anon_vmas"], data["unreached"]), ([], []))
        svg, = self.draw(rmap, directory, "--pfn", "0x300", "--at", "end")
        picture = svg.read_text(encoding="utf-8").replace("\xa0", " ")
        for words in ("mapping of the file", "mapping 40", "page 5 of its file", "i_mmap", "from page 4",
                      "pid 30, mm 60, 2 threads"):
            self.assertIn(words, picture)
        self.assertNotIn("broken", picture)

    def test_address_of_a_file(self) -> None:
        """Who has not touched a page of the cache may yet ask for it; one in swap is in no frame."""
        synthetic.file_page(self.builder)
        self.builder.db.execute("DELETE FROM pte_span WHERE mm_id = 61")
        directory = self.built()
        data = self.json(rmap, directory, "--pid", "31", "--va", hex(synthetic.BASE + 0x1000), "--at", "end")
        self.assertEqual([page["pfn"] for page in data["pages"]], [0x300])
        self.assert_fails(rmap, "page 6 of mapping 40, which is in swap slot 9", directory, "--pid", "30",
                          "--va", hex(synthetic.BASE + 0x6000), "--at", "end")

    def test_file_page_and_copy_in_one_picture(self) -> None:
        synthetic.file_page(self.builder)
        data = self.json(rmap, self.built(), "--at", "end")
        self.assertEqual([page["pfn"] for page in data["pages"]], [0x300, 0x301])
        of_both = next(vma for vma in data["vmas"] if vma["vma_id"] == 71)
        self.assertEqual((of_both["anon_vma_ids"], of_both["mapping_ids"]), ([41], [40]))
        self.assertEqual([(pte["tag"], pte["state"]) for pte in of_both["ptes"]], [("A", "copy"), ("B", "present")])

    def test_page_of_2_mib(self) -> None:
        synthetic.huge_page(self.builder)
        directory = self.built()
        for pfn in ("0x400", "0x4ab"):
            data = self.json(rmap, directory, "--pfn", pfn, "--at", str(25 * synthetic.MS))
            page, = data["pages"]
            self.assertEqual((page["pfn"], page["nr_frames"], page["mapcount"]), (0x400, 512, 2))
            self.assertEqual([(pte["va"], pte["level"], pte["state"]) for vma in data["vmas"] for pte in vma["ptes"]],
                             [(synthetic.BASE, 2, "present")] * 2)
            self.assertEqual(data["unreached"], [])
        data = self.json(rmap, directory, "--at", "end")
        self.assertEqual([page["pfn"] for page in data["pages"]], [0x400])
        self.assertEqual([pte["state"] for vma in data["vmas"] for pte in vma["ptes"]], ["present", "gone"])
        svg, = self.draw(rmap, directory, "--at", "end")
        picture = svg.read_text(encoding="utf-8").replace("\xa0", " ")
        for words in ("pfn 0x400–0x5ff", "anon, 2 MiB", "present, 2 MiB", "one entry of level 2"):
            self.assertIn(words, picture)

    def test_free_frame(self) -> None:
        synthetic.shared_pages(self.builder)
        self.assert_fails(rmap, "0x999 is free", self.built(), "--pfn", "0x999")

    def test_picture(self) -> None:
        synthetic.shared_pages(self.builder)
        directory = self.built()
        svg = self.draw(rmap, directory, "--at", "end", "--pages", "4")[0]
        self.assertEqual(svg, Path(directory) / "rmap.svg")
        self.assertTrue(svg.with_suffix(".dot").exists())
        content = svg.read_text(encoding="utf-8")
        for word in ("swapped", "copy", "gone", "0x7f0000001000", "slot", "(end)"):
            self.assertIn(word, content)

    def test_many_mappings_are_cut(self) -> None:
        synthetic.shared_pages(self.builder, children=150)
        directory = self.built()
        data = self.json(rmap, directory)
        self.assertEqual(len(data["vmas"]) + data["hidden_vmas"], 151)
        self.assertGreater(data["hidden_vmas"], 0)
        content = self.draw(rmap, directory)[0].read_text(encoding="utf-8")
        self.assertIn(f"{data['hidden_vmas']}", content)


class LruTest(PictureTest):
    def test_order_is_head_to_tail(self) -> None:
        synthetic.shared_pages(self.builder)
        lists = self.json(lru, self.built(), "--at", "end")["lists"]
        self.assertEqual([page["pfn"] for page in lists["active_anon"]], [0x101, 0x100])
        self.assertEqual([page["pfn"] for page in lists["inactive_anon"]], [0x103, 0x102])
        self.assertEqual({page["owner"] for page in lists["active_anon"]}, {"shared"})

    def test_states(self) -> None:
        builder = self.builder
        builder.task(5, 1, "one", 1)
        accessed, dirty, saved, unmapped = synthetic.ACCESSED, synthetic.DIRTY, True, None
        cases = {
            "accessed_unsaved": (accessed, not saved), "accessed_saved": (accessed, saved),
            "idle_unsaved": (0, not saved), "idle_saved": (0, saved), "unmapped": (unmapped, saved),
        }
        for pfn, (flags, in_swap) in enumerate(cases.values()):
            builder.listed(pfn, synthetic.INACTIVE, -pfn, 1)
            if flags is not None:
                builder.mapped(pfn, 1, pfn << 12, 1, 1, flags=flags)
            if in_swap:
                builder.add("swap_cache_span", pfn, pfn, synthetic.MS, synthetic.OPEN)
        builder.listed(9, synthetic.INACTIVE, -9, 1)
        builder.mapped(9, 1, 9 << 12, 1, 1, flags=dirty)
        builder.add("swap_cache_span", 9, 9, synthetic.MS, synthetic.OPEN)
        pages = self.json(lru, self.built())["lists"]["inactive_anon"]
        self.assertEqual([page["state"] for page in pages], [*cases, "idle_unsaved"])
        self.assertEqual([page["owner"] for page in pages], ["one 5"] * 4 + ["nobody", "one 5"])

    def test_pages_are_uncertain_after_a_loss(self) -> None:
        synthetic.long_lists(self.builder)
        self.builder.add("loss_window", 1000 * synthetic.MS, 1500 * synthetic.MS)
        directory = self.built()
        lists = self.json(lru, directory, "--at", str(3100 * synthetic.MS))["lists"]
        # Pages enter one after the other, at the head.
        marks = [page["uncertain"] for page in lists[synthetic.INACTIVE]]
        self.assertEqual(marks, sorted(marks))
        self.assertAlmostEqual(sum(marks) / len(marks), 0.5, delta=0.01)
        path = self.draw(lru, directory, "--at", str(3100 * synthetic.MS))[0]
        picture = path.read_text(encoding="utf-8")
        self.assertIn("Events\xa0were\xa0lost", picture)
        self.assertIn("stroke-dasharray", picture)

    def test_pictures(self) -> None:
        synthetic.long_lists(self.builder)
        output = self.directory / "there.svg"
        paths = self.draw(lru, self.built(), "--at", "barrier#1", "-o", str(output))
        self.assertEqual(paths, [output, self.directory / "there-sizes.svg"])
        content = output.read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
        self.assertIn("4,000 pages", content)
        self.assertIn("OOM kill 1", paths[1].read_text(encoding="utf-8"))

    def test_short_and_empty_lists(self) -> None:
        synthetic.shared_pages(self.builder)
        directory = self.built()
        self.draw(lru, directory)
        content = self.draw(lru, directory, "--at", "1")[0].read_text(encoding="utf-8")
        self.assertIn("empty", content)

    def test_pieces_cover_the_list_once(self) -> None:
        pages = [Page(pfn, -pfn, "idle_saved" if pfn % 7 else "unmapped", "a", 1, None)
                 for pfn in range(1000)]
        for limit in (14, 168, 400):
            pieces = lru_picture.pieces(pages, limit)
            self.assertLessEqual(len(pieces), limit)
            self.assertEqual([page for piece in pieces for page in piece.pages], pages)
            self.assertEqual([piece.first for piece in pieces],
                             [piece.pages[0].pfn + 1 for piece in pieces])

    def test_pages_of_2_mib_stay_apart(self) -> None:
        huge = {70, 71, 500}
        pages = [Page(pfn, -pfn, "idle_saved" if pfn % 2 else "unmapped", "a", 1, None,
                      nr_frames=512 if pfn in huge else 1) for pfn in range(1000)]
        for limit in (14, 168):
            pieces = lru_picture.pieces(pages, limit)
            self.assertLessEqual(len(pieces), limit)
            self.assertEqual([page for piece in pieces for page in piece.pages], pages)
            self.assertEqual([{page.pfn for page in piece.pages} for piece in pieces if piece.pages[0].nr_frames > 1],
                             [{70, 71}, {500}])

    def test_page_of_2_mib_is_one_of_512_frames(self) -> None:
        synthetic.huge_page(self.builder)
        synthetic.file_page(self.builder)
        directory = self.built()
        page, = self.json(lru, directory, "--at", "end")["lists"]["active_anon"]
        self.assertEqual((page["pfn"], page["nr_frames"], page["owner"]), (0x400, 512, "large 40"))
        picture, chart = (path.read_text(encoding="utf-8").replace("\xa0", " ")
                          for path in self.draw(lru, directory, "--at", "end"))
        self.assertIn("1 page, 1 of them of 2 MiB, 2.0 MiB", picture)
        self.assertIn("1, 2 MiB", picture)
        self.assertIn("top line: 2.3 MiB", chart)  # 513 frames, rounded up to 600

    def test_unevictable_and_unmapped_pages_of_files(self) -> None:
        synthetic.file_page(self.builder)
        self.builder.db.execute("DELETE FROM pte_span WHERE pfn = 768")
        self.builder.listed(0x301, "unevictable", 1, 21)
        directory = self.built()
        lists = self.json(lru, directory, "--at", "end")["lists"]
        self.assertEqual([(page["owner"], page["state"]) for page in lists["inactive_anon"]], [("mapping 40", "unmapped")])
        self.assertEqual([(page["owner"], page["state"]) for page in lists["unevictable"]], [("writer 31", "locked")])
        picture = self.draw(lru, directory, "--at", "end")[0].read_text(encoding="utf-8").replace("\xa0", " ")
        self.assertIn("reclaim does not look at them", picture)


class ErrorTest(PictureTest):
    def test_wrong_instants_and_sessions(self) -> None:
        synthetic.shared_pages(self.builder)
        directory = self.built()
        for module in (rmap, lru):
            self.assert_fails(module, "expected nanoseconds", directory, "--at", "noon")
            self.assert_fails(module, "no barrier of that number", directory, "--at", "barrier#77")
            self.assert_fails(module, "session.db", str(self.directory / "nowhere"))

    def test_database_is_not_written(self) -> None:
        synthetic.shared_pages(self.builder)
        directory = self.built()
        before = (self.directory / "session.db").read_bytes()
        self.draw(lru, directory)
        self.draw(rmap, directory)
        self.assertEqual((self.directory / "session.db").read_bytes(), before)
        suffixes = {path.suffix for path in self.directory.iterdir()}
        self.assertEqual(suffixes, {".db", ".svg", ".dot"})


if __name__ == "__main__":
    unittest.main()
