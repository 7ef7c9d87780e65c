"""Scenario files: what they mean, and the line that a mistake in one gets."""

import unittest
from pathlib import Path

import support
import scenario
from errors import ToolError
from instants import Plan
from swapdisk import SwapBehaviour

GOOD = """
title = "all keys"
timeout_s = 60
seed = 7
busybox = true
files = { "/etc/x" = "x", "/y" = "/host/y" }
[machine]
memory = "128M"
cpus = 4
swap = "none"
accel = "kvm"
[kernel]
trace = "discard"
kaslr = false
randmaps = false
[kernel.params]
trace_buffers = 16
policy = "clock"
[[program]]
name = "thrash"
args = ["--size", "96M"]
[[program]]
name = "hog"
file = "./oomhog"
mode = "bg"
status = "any"
stdin = "in/put"
cwd = "/tmp"
terminal = true
[program.env]
A = "1"
[[expect]]
sql = "SELECT 1"
is = 1
why = "one is one"
[[expect]]
console = "^mm_check: clean"
min = 1
max = 2
why = "memory was consistent"
"""
PROGRAM = '[[program]]\nname = "p"\n'


class ScenarioTest(support.TemporaryDirectoryTest):

    def load(self, text: str) -> scenario.Scenario:
        self.path = self.directory / "s.toml"
        self.path.write_text(text)
        return scenario.load(self.path)

    def test_every_key(self):
        got = self.load(GOOD)
        self.assertEqual((got.title, got.timeout_s, got.memory_bytes, got.cpus, got.swap_bytes,
                          got.accel), ("all keys", 60, 128 << 20, 4, 0, "kvm"))
        self.assertEqual(got.command_line(), "trace=discard swap=off kaslr=7 nokaslr norandmaps "
                         "trace_buffers=16 policy=clock")
        self.assertEqual(got.programs[0],
                         scenario.Program("thrash", "thrash", ("--size", "96M"), "fg", 0))
        self.assertEqual(got.programs[1],
                         scenario.Program("hog", str(self.directory / "oomhog"), (), "bg", None,
                                          str(self.directory / "in/put"), "/tmp", (("A", "1"),),
                                          terminal=True))
        self.assertEqual((got.busybox, got.files),
                         (True, (("/etc/x", str(self.directory / "x")), ("/y", "/host/y"))))
        self.assertEqual(got.expectations[1].bounds, (("min", 1), ("max", 2)))

    def test_defaults(self):
        got = self.load(PROGRAM)
        self.assertEqual(got, scenario.Scenario((scenario.Program("p", "p"),)))

    def test_own_output_is_read_back(self):
        want = scenario.Scenario(
            (scenario.Program("p", "/bin/p", ('a "b"', "\\", "\x7f", "ü"), "bg", None, "/in",
                              "/tmp", (("A", 'b"'), ("C.", "")), terminal=True),),
            busybox=True, files=(("/etc/x y", "/host/x"),),
            title='a "title"', swap_bytes=0, parameters=(("a.b", "1"),), timeout_s=3,
            seed=99, kaslr=False,
            randmaps=False)
        self.assertEqual(self.load(scenario.to_toml(want)), want)

    def test_swap_that_misbehaves(self):
        got = self.load("[machine.swap]\nsize = '1M'\nread_errors = [7, 255]\nwrite_errors = [9]\n"
                        "iops = 50\nbandwidth = '64K'\n" + PROGRAM)
        self.assertEqual((got.swap_bytes, got.swap_behaviour),
                         (1 << 20, SwapBehaviour((7, 255), (9,), 50, 64 << 10)))
        self.assertEqual(self.load(scenario.to_toml(got)), got)

    def test_instants(self):
        self.assertEqual(self.load("verify = 3\n" + PROGRAM).verify, Plan(3, 2))
        got = self.load("verify = { barriers = 1, arbitrary = 4, every = '64K' }\n" + PROGRAM)
        self.assertEqual(got.verify, Plan(1, 4, 64 << 10))
        self.assertEqual(self.load(scenario.to_toml(got)), got)

    def test_mistakes_name_file_and_key(self):
        cases = {
            "": "program: is missing",
            "x = 1\n" + PROGRAM: "x: unknown key",
            "[machine]\ncpu = 1\n" + PROGRAM: "machine.cpu: unknown key; did you mean cpus?",
            "[machine]\ncpus = 'two'\n" + PROGRAM:
                "machine.cpus: expected a number of CPUs, got 'two'",
            "[machine]\ncpus = true\n" + PROGRAM:
                "machine.cpus: expected a number of CPUs, got True",
            "[machine]\ncpus = 17\n" + PROGRAM: "machine.cpus: expected 1 to 16, got 17",
            "[machine]\nmemory = '64X'\n" + PROGRAM: "machine.memory: '64X' is not a size",
            "[machine]\nmemory = '4K'\n" + PROGRAM: "machine.memory: '4K': at least 8M",
            "[machine]\nswap = '1K'\n" + PROGRAM: "machine.swap: '1K': swap is",
            "[machine.swap]\nread_errors = [7]\n" + PROGRAM: "machine.swap.size: is missing",
            "[machine.swap]\nsize = '1M'\nread_errors = [256]\n" + PROGRAM:
                "machine.swap.read_errors: expected slots from 1 to 255, got 256",
            "[machine.swap]\nsize = '1M'\nwrite_errors = ['a']\n" + PROGRAM:
                "machine.swap.write_errors: expected slots from 1 to 255, got 'a'",
            "[machine.swap]\nsize = '1M'\niops = -1\n" + PROGRAM: "machine.swap.iops: expected 0",
            "[machine.swap]\nsize = '1M'\nbandwidth = 'x'\n" + PROGRAM:
                "machine.swap.bandwidth: 'x' is not a size",
            "[machine.swap]\nsize = '1M'\niop = 1\n" + PROGRAM:
                "machine.swap.iop: unknown key; did you mean iops?",
            "[machine]\naccel = 'hvf'\n" + PROGRAM: "machine.accel: expected one of",
            "machine = 1\n" + PROGRAM: "machine: expected a table, got 1",
            "[kernel]\ntrace = 'on'\n" + PROGRAM: "kernel.trace: expected one of",
            "[kernel]\nkaslr = 1\n" + PROGRAM: "kernel.kaslr: expected true or false, got 1",
            "seed = 'x'\n" + PROGRAM: "seed: expected an integer, got 'x'",
            "seed = -1\n" + PROGRAM: "seed: expected 0 to",
            "[kernel.params]\na = [1]\n" + PROGRAM:
                "kernel.params.a: expected a text or an integer",
            "[kernel.params]\na = 'b c'\n" + PROGRAM:
                "kernel.params.a: a: a value has no white space",
            "[kernel.params]\nswap = 'on'\n" + PROGRAM: "kernel.params.swap: swap is set by",
            "program = 1\n": "program: expected [[program]] tables, got 1",
            "[[program]]\n": "program[0].name: is missing",
            "[[program]]\nname = 'a/b'\n": "program[0].name: expected 1 to 15 letters",
            PROGRAM + "args = [1]\n": "program[0].args: expected a list of texts, got [1]",
            PROGRAM + "mode = 'later'\n": "program[0].mode: expected one of",
            PROGRAM + "status = 256\n": "program[0].status: expected 0 to 255",
            PROGRAM + "satus = 1\n": "program[0].satus: unknown key; did you mean status?",
            PROGRAM + "[[expect]]\nwhy = 'w'\nis = 1\n":
                "expect[0]: expected exactly one of sql and console",
            PROGRAM + "[[expect]]\nwhy = 'w'\nsql = 's'\n": "expect[0]: expected is, min or max",
            PROGRAM + "[[expect]]\nsql = 's'\nis = 1\n": "expect[0].why: is missing",
            PROGRAM + "[[expect]]\nwhy = 'w'\nsql = 's'\nmin = 'x'\n":
                "expect[0].min: expected a number",
            PROGRAM + "[[expect]]\nwhy = 'w'\nconsole = '('\nis = 1\n":
                "expect[0].console: not a regular",
            "verify = -1\n" + PROGRAM: "verify: expected 0 or more, got -1",
            "verify = 'x'\n" + PROGRAM: "verify: expected a number of instants or a table",
            "verify = { bariers = 1 }\n" + PROGRAM: "verify.bariers: unknown key; did you mean barriers?",
            "verify = { every = '0' }\n" + PROGRAM: "verify: expected no negative number",
            "a = \n": "Invalid value",
        }
        for text, message in cases.items():
            with self.subTest(text), self.assertRaises(ToolError) as caught:
                self.load(text)
            self.assertTrue(str(caught.exception).startswith(f"{self.path}: {message}"),
                            str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))

    def test_missing_file(self):
        with self.assertRaisesRegex(ToolError, "No such file"):
            scenario.load(Path("/nonexistent.toml"))

    def test_committed_scenarios(self):
        files = sorted((support.ROOT / "scenarios").glob("*.toml"))
        self.assertTrue(files)
        for path in files:
            self.assertTrue(scenario.load(path).title, path)


if __name__ == "__main__":
    unittest.main()
