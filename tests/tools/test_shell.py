"""Completion, the manual page, `make install`, and the doctor."""

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import unittest
import unittest.mock

import support
import commands

DOCTOR = support.ROOT / "tools" / "doctor"


def completions(*words: str, sessions: str = "/nonexistent") -> list[str]:
    """What bash offers for the last of the words."""
    script = subprocess.run([support.PALIMPSEST, "completion", "bash"], capture_output=True,
                            text=True, check=True).stdout
    quoted = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(
        ["bash", "-c", f"{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
                       "_palimpsest; printf '%s\\n' \"${COMPREPLY[@]}\""],
        capture_output=True, text=True, check=True, cwd=support.ROOT / "scenarios",
        env=dict(os.environ, PALIMPSEST_SESSIONS=sessions))
    return sorted(done.stdout.split())


class CompletionTest(support.TemporaryDirectoryTest):

    def test_subcommands_options_and_values(self):
        self.assertEqual(completions("palimpsest", ""), sorted(commands.SUBCOMMANDS))
        self.assertEqual(completions("palimpsest", "re"), ["record", "report"])
        self.assertEqual(completions("palimpsest", "report", "--ma"), ["--map"])
        self.assertEqual(completions("palimpsest", "report", "--map", "e"), ["evictions"])
        self.assertEqual(completions("palimpsest", "completion", ""), ["bash", "fish", "zsh"])

    def test_sessions_and_files(self):
        for name in ("one", "two"):
            (self.directory / name).mkdir()
        self.assertEqual(completions("palimpsest", "report", "tw", sessions=str(self.directory)),
                         ["two"])
        self.assertEqual(completions("palimpsest", "run", "smok"), ["smoke.toml"])

    def test_every_shell_has_every_option(self):
        for shell in ("bash", "zsh", "fish"):
            script = subprocess.run([support.PALIMPSEST, "completion", shell], check=True,
                                    capture_output=True, text=True).stdout
            for name in commands.SUBCOMMANDS:
                self.assertIn(name, script)
                for action in commands.parser_of(name)._actions:
                    for flag in action.option_strings:
                        written = flag if shell != "fish" else \
                            f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
                        self.assertIn(written, script, f"{shell}: {name} {flag}")
            if shutil.which(shell):
                done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), shell)


class ManualTest(unittest.TestCase):

    def test_page_is_current(self):
        fresh = subprocess.run([support.ROOT / "tools" / "manual"], capture_output=True, text=True,
                               check=True).stdout
        page = (support.ROOT / "docs" / "palimpsest.1").read_text()
        self.assertEqual(page, fresh, "docs/palimpsest.1 is stale: run `make man`")

    def test_list_of_system_calls_is_current(self):
        fresh = subprocess.run([support.ROOT / "tools" / "system-calls"], capture_output=True, text=True,
                               check=True).stdout
        page = (support.ROOT / "docs" / "system-calls.md").read_text()
        self.assertEqual(page, fresh, "docs/system-calls.md is stale: run `make man`")

    @unittest.skipUnless(shutil.which("groff"), "groff reads manual pages")
    def test_page_is_good_roff(self):
        done = subprocess.run(["groff", "-ww", "-man", "-Tutf8", "-z",
                               support.ROOT / "docs" / "palimpsest.1"],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class InstallTest(support.TemporaryDirectoryTest):

    def test_install(self):
        subprocess.run(["make", "-s", "install", f"DESTDIR={self.directory}", "PREFIX=/usr"],
                       cwd=support.ROOT, check=True, capture_output=True)
        installed = self.directory / "usr"
        done = subprocess.run([installed / "bin" / "palimpsest", "--help"], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((installed / "share/man/man1/palimpsest.1").is_file())
        for path in ("bash-completion/completions/palimpsest", "zsh/site-functions/_palimpsest",
                     "fish/vendor_completions.d/palimpsest.fish"):
            self.assertGreater((installed / "share" / path).stat().st_size, 1000)


class DoctorTest(support.TemporaryDirectoryTest):

    def load(self):
        loader = importlib.machinery.SourceFileLoader("doctor", str(DOCTOR))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("doctor", loader))
        loader.exec_module(module)
        return module

    def test_this_machine(self):
        done = subprocess.run([DOCTOR], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("ok       QEMU: a guest runs with -accel tcg", done.stdout)
        self.assertTrue(done.stdout.endswith("nothing is missing\n"))

    def test_what_is_missing_is_named_with_its_package(self):
        for name in ("bash", "env", "sed", "dpkg", "dpkg-query", "id", "dirname"):
            (self.directory / name).symlink_to(shutil.which(name))
        old = self.directory / "make"
        old.write_text("#!/bin/bash\necho GNU Make 3.81\n")
        old.chmod(0o755)
        done = subprocess.run([DOCTOR], capture_output=True, text=True,
                              env={"PATH": str(self.directory), "PALIMPSEST_SESSIONS": "/proc"})
        self.assertEqual(done.returncode, 1, done.stderr)
        for line in ("MISSING  make: 3.81 is older than 4.0; package make",
                     "MISSING  dot: not found; package graphviz",
                     "MISSING  QEMU: no guest runs", "MISSING  space for sessions"):
            self.assertIn(line, done.stdout)

    def test_a_package_that_is_missing(self):
        (self.directory / "deps").write_text(
            "#!/bin/bash\nprintf 'a\\tinstalled\\tfor this\\nb\\tmissing\\tfor that\\n'\n")
        (self.directory / "deps").chmod(0o755)
        doctor = self.load()
        doctor.TOOLS = self.directory
        found = doctor.Findings()
        with unittest.mock.patch("builtins.print") as told:
            doctor.packages(found)
        self.assertEqual(found.failed, 1)
        self.assertIn("MISSING  package b: for that; `make deps` or `apt-get install b`",
                      told.call_args_list[0].args[0])


if __name__ == "__main__":
    unittest.main()
