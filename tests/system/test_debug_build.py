"""A debug kernel finds each kind of mistake, says where it was made and what led to it, and ends the
session in order with what was captured. The mistakes are those of kernel/selftest.c.
"""

import unittest

import support
from support import program, scenario

FRAME = r"^  [0-9a-f]{16} {}\+0x[0-9a-f]+/0x[0-9a-f]+$"

# For each mistake what the panic says, and functions that must stand in some backtrace: where it
# was made, and who took the lock, or allocated or freed the memory before.
REPORTS = {
    "lockrank": (r"lock order: RANK_TASKS .* taken while holding RANK_BUDDY",
                 ["test_lockrank", "hold_inner_lock"]),
    "deadlock": (r"lock order: self-deadlock: RANK_BUDDY", ["test_deadlock", "hold_inner_lock"]),
    "unlock": (r"lock order: RANK_BUDDY .* released by somebody who does not hold it",
               ["test_unlock"]),
    "sleep": (r"lock order: sleeping with a spinlock held", ["test_sleep", "hold_inner_lock"]),
    "uaf": (r"KASAN: slab-use-after-free in test_uaf\+", ["test_uaf", "allocate", "release"]),
    "oob": (r"KASAN: slab-out-of-bounds in test_oob\+", ["test_oob", "allocate"]),
    "double_free": (r"KASAN: double-free", ["test_double_free", "allocate", "release"]),
    "page_uaf": (r"KASAN: use-after-free in test_page_uaf\+",
                 ["test_page_uaf", "alloc_pages", "free_pages"]),
    "copy": (r"KASAN: slab-out-of-bounds in memset\+", ["test_copy", "allocate"]),
    "global": (r"KASAN: global-out-of-bounds in test_global\+", ["test_global"]),
    "overflow": (r"UBSAN: signed-integer-overflow in kernel/selftest\.c:[0-9:]+ 2147483647 \+ 1 ",
                 ["test_overflow"]),
    "shift": (r"UBSAN: shift-out-of-bounds in kernel/selftest\.c:[0-9:]+ 1 .* by 32",
              [r"test_shift(\.cold)?"]),
    "bounds": (r"UBSAN: array-index-out-of-bounds in kernel/selftest\.c:[0-9:]+ index 10 ",
               ["test_bounds"]),
}


@unittest.skipUnless(support.Build().is_debug, "only a debug kernel looks")
class DebugBuildTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = {name: cls.record(name, scenario([program("hello")], selftest=name))
                        for name in REPORTS}

    def test_report(self):
        for name, (panic, functions) in REPORTS.items():
            with self.subTest(mistake=name):
                console = "\n".join(self.recorded[name].lines)
                self.assertRegex(console, f"(?m)^kernel panic: {panic}")
                for function in functions:
                    self.assertRegex(console, "(?m)" + FRAME.replace("{}", function, 1))
                self.assertNotIn("panic inside the panic", console)

    def test_session_ends_in_order(self):
        for name, recorded in self.recorded.items():
            with self.subTest(mistake=name):
                self.assert_ended(recorded, "panic")
                self.assertEqual((recorded.ingest_status, recorded.ingest_messages), (0, []))
                self.assertEqual(
                    recorded.column("SELECT value FROM session WHERE key = 'reason'"), ["panic"])
                self.assertTrue(recorded.loss.complete, recorded.loss)
                self.assertEqual(recorded.rows("SELECT * FROM order_violation LIMIT 5"), [])

    def test_accesses_are_described(self):
        freed = self.recorded["uaf"].lines
        self.assertTrue(any(line.startswith("Write of size 1 at addr ") for line in freed), freed)
        self.assertTrue(any(line.startswith(
            "The buggy address is located 8 bytes inside of ") for line in freed), freed)
        behind = self.recorded["oob"].lines
        self.assertTrue(any(line.startswith("Read of size 1 at addr ") for line in behind), behind)
        self.assertTrue(any("cache kmalloc-128 of size 128" in line for line in behind), behind)


if __name__ == "__main__":
    unittest.main()
