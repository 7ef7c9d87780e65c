"""Programs lie at places that the seed of the boot chooses, anew at each exec; without, where they always did."""

import re
import unittest

import support
from support import program, scenario

LINE = re.compile(r"^layout (\d) stack ([0-9a-f]+) mmap ([0-9a-f]+) brk ([0-9a-f]+) "
                  r"text ([0-9a-f]+) random ([0-9a-f]+)$")
PLACES = ("stack", "mmap", "brk", "text")
ROUNDS = 4
USER_END = 0x7FFFFFFFF000
LOWEST_PIE = 0x555555554000
GIB = 1 << 30


class LayoutTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.layouts = {}
        for name, seed, randmaps in (("seed 1", 1, True), ("seed 2", 2, True), ("again 1", 1, True),
                                     ("norandmaps", 1, False)):
            # One CPU: execs come in the order of the programs.
            recorded = cls.record(name.replace(" ", "-"), scenario(
                [program("layout", str(ROUNDS)), program("layout-pie", str(ROUNDS)),
                 program("layout", "fixed", "2")], seed=seed, randmaps=randmaps))
            cls.layouts[name] = recorded, cls.read(recorded)

    @staticmethod
    def read(recorded) -> list[dict[str, int]]:
        """What each exec printed, in order."""
        found = [match.groups()[1:] for match in map(LINE.match, recorded.lines) if match]
        return [dict(zip((*PLACES, "random"), (int(value, 16) for value in values)))
                for values in found]

    def parts(self, name: str) -> tuple[list, list, list]:
        """Execs of the ordinary program, of the position-independent one, of the one that asks."""
        found = self.layouts[name][1]
        self.assertEqual(len(found), 2 * ROUNDS + 2)
        return found[:ROUNDS], found[ROUNDS:2 * ROUNDS], found[2 * ROUNDS:]

    def test_sessions_are_clean(self):
        for name, (recorded, _) in self.layouts.items():
            with self.subTest(name):
                self.assert_clean(recorded, [("layout", 0), ("layout-pie", 0), ("layout", 0)])

    def test_every_exec_differs(self):
        for name in ("seed 1", "seed 2"):
            plain, pie, _ = self.parts(name)
            for place in ("stack", "mmap", "brk", "random"):
                values = [layout[place] for layout in plain + pie]
                self.assertEqual(len(set(values)), len(values), f"{name}: {place}")
            self.assertEqual(len({layout["text"] for layout in plain}), 1, "it is linked there")
            self.assertEqual(len({layout["text"] for layout in pie}), ROUNDS)

    def test_seed_decides(self):
        self.assertEqual(self.layouts["seed 1"][1], self.layouts["again 1"][1])
        for one, two in zip(self.parts("seed 1")[1], self.parts("seed 2")[1]):
            for place in (*PLACES, "random"):
                self.assertNotEqual(one[place], two[place], place)

    def test_norandmaps(self):
        plain, pie, fixed = self.parts("norandmaps")
        for layouts in (plain + fixed, pie):
            for place in PLACES:
                self.assertEqual(len({layout[place] for layout in layouts}), 1, place)
        self.assertEqual(pie[0]["text"], LOWEST_PIE)
        self.assertLess(USER_END - plain[0]["stack"], 1 << 20)
        # AT_RANDOM is for the program's own use, not a place.
        values = [layout["random"] for layout in plain + pie + fixed]
        self.assertEqual(len(set(values)), len(values))

    def test_personality(self):
        reference = self.parts("norandmaps")[0][0]
        first, second = self.parts("seed 1")[2]
        for place in ("stack", "mmap", "brk"):
            self.assertNotEqual(first[place], reference[place], place)
            self.assertEqual(second[place], reference[place], place)

    def test_places_are_as_wide_as_linux_has_them(self):
        for name in ("seed 1", "seed 2"):
            plain, pie, _ = self.parts(name)
            for layout in plain + pie:
                self.assertLess(USER_END - layout["stack"], 16 * GIB + (1 << 20))
                self.assertLess(layout["mmap"], USER_END - 16 * GIB)
                self.assertGreater(layout["mmap"], USER_END - 1024 * GIB - 17 * GIB)
            for layout in pie:
                self.assertTrue(LOWEST_PIE <= layout["text"] < LOWEST_PIE + 1024 * GIB)


if __name__ == "__main__":
    unittest.main()
