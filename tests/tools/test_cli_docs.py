"""docs/cli.md tells of every subcommand and of every option that it has."""

import unittest

import support
import commands


class CliDocsTest(unittest.TestCase):

    def test_every_subcommand_and_option(self):
        text = (support.ROOT / "docs" / "cli.md").read_text()
        sections = {part.splitlines()[0].strip(): part for part in text.split("\n## ")}
        common = sections["# The command line"]
        for name, (_, summary) in commands.SUBCOMMANDS.items():
            self.assertIn(f"[`{name}`](#{name})", common)
            self.assertTrue(summary)
            for action in commands.parser_of(name)._actions:
                options = [o for o in action.option_strings if o.startswith("--") and o != "--help"]
                if options:
                    self.assertTrue(any(option in sections[name] + common for option in options),
                                    f"{name}: {options} is not in docs/cli.md")
        self.assertEqual(set(sections), {"# The command line", *commands.SUBCOMMANDS})


if __name__ == "__main__":
    unittest.main()
