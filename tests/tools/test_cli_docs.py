"""docs/cli.md tells of every subcommand and of every option that it has."""

import importlib
import importlib.machinery
import importlib.util
import unittest

import support


def front_door():
    """tools/palimpsest as a module; its name has no .py."""
    loader = importlib.machinery.SourceFileLoader("front_door", str(support.PALIMPSEST))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("front_door", loader))
    loader.exec_module(module)
    return module


class CliDocsTest(unittest.TestCase):

    def test_every_subcommand_and_option(self):
        text = (support.ROOT / "docs" / "cli.md").read_text()
        sections = {part.splitlines()[0].strip(): part for part in text.split("\n## ")}
        common = sections["# The command line"]
        door = front_door()
        for name, (module, summary) in door.SUBCOMMANDS.items():
            self.assertIn(f"[`{name}`](#{name})", common)
            self.assertTrue(summary)
            parser = door.Parser(prog=name, failure=2)
            importlib.import_module(module).set_argparser(parser)
            for action in parser._actions:
                options = [o for o in action.option_strings if o.startswith("--") and o != "--help"]
                if options:
                    self.assertTrue(any(option in sections[name] + common for option in options),
                                    f"{name}: {options} is not in docs/cli.md")
        self.assertEqual(set(sections), {"# The command line", *door.SUBCOMMANDS})


if __name__ == "__main__":
    unittest.main()
