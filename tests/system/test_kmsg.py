"""The kernel's log: what busybox's dmesg shows of it, and what programs write to it."""

import re
import unittest

import support
from support import scenario

PREFIX = "out: "
SCRIPT = """
dmesg() { busybox dmesg "$@"; }
set -e
dmesg | busybox grep -q '\\] palimpsest: ' && echo "out: has messages of the boot"
echo "<3>a message of a program" > /dev/kmsg
dmesg | busybox tail -n 1 | busybox sed 's/^\\[ *[0-9]*[.][0-9]*\\]/[T]/; s/^/out: /'
dmesg -r | busybox tail -n 1 | busybox sed 's/\\[ *[0-9]*[.][0-9]*\\]/[T]/; s/^/out: /'
n=0
while [ $n -lt 1000 ]; do echo "message $n of those that make the first ones go"; n=$((n + 1)); done > /dev/kmsg
echo "out: $(dmesg | busybox tail -n 1 | busybox cut -d ' ' -f 2- | busybox sed 's/.*\\] //')"
dmesg | busybox sed 's/.*\\] message //; s/ .*//' | {
    read first
    last=$first
    while read next; do [ $next = $((last + 1)) ] || echo "out: $next behind $last"; last=$next; done
    [ $first -gt 100 ] && [ $first -lt 900 ] && echo "out: the last ones, up to $last"
}
dmesg -c > /dev/null
echo "out: $(dmesg | busybox wc -l) when cleared"
echo "out: $(busybox dd if=/dev/kmsg bs=8k count=100 2> /dev/null | busybox grep -c '^12,[0-9]*,[0-9]*,-;message ') of the device"
dmesg -n 1; echo "<3>hidden" > /dev/kmsg; dmesg -n 7; echo "<3>seen" > /dev/kmsg
"""


class KmsgTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        program = support.Program("busybox", support.host_program("busybox"), ("sh", "-c", SCRIPT), "fg", status=None)
        cls.session = cls.record("kmsg", scenario([program], memory="48M"))

    def test_dmesg(self):
        self.assertEqual([line for line in self.session.lines if line.startswith(PREFIX)], [
            "out: has messages of the boot",
            "out: [T] a message of a program",
            "out: <11>[T] a message of a program",
            "out: message 999 of those that make the first ones go",
            "out: the last ones, up to 999",
            "out: 0 when cleared",
            "out: 100 of the device"])

    def test_console_shows_what_its_level_allows(self):
        shown = [line for line in self.session.lines if re.fullmatch("hidden|seen", line)]
        self.assertEqual(shown, ["seen"])

    def test_session_is_clean(self):
        self.assert_consistent(self.session)
        self.assert_complete(self.session)
        self.assertEqual(self.session.exits, [("busybox", 0)])


if __name__ == "__main__":
    unittest.main()
