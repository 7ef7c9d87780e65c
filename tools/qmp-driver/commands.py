"""The subcommands of tools/palimpsest and their options: what the front door, the completion and the
manual page have in common.
"""

import argparse
import importlib

import color

# Name: module, what it does.
SUBCOMMANDS = {
    "record": ("record", "run one static program in the guest and record it"),
    "run": ("run", "run a scenario and check what it expects"),
    "ingest": ("ingest", "rebuild session.db from ctf/"),
    "report": ("report", "summary of a session, as text or as a page with pictures"),
    "page": ("page", "tell the biography of one page"),
    "why": ("why", "tell why a page was evicted"),
    "state": ("snapshot", "tell the memory state at an instant"),
    "diff": ("changes", "tell what changed between two instants"),
    "compare": ("compare", "compare sessions of one workload"),
    "rmap": ("visualize.rmap", "draw who maps a page"),
    "lru": ("visualize.lru", "draw the LRU lists"),
    "query": ("query", "ask a session's database"),
    "export": ("export.command", "write a session in a format of other people's tools"),
    "verify": ("verify", "compare a session with its checksums, and guest memory with the trace"),
    "completion": ("completion", "print what a shell needs to complete all this"),
}
# Where a program's exit status is passed on, the tool's own failures need one that programs do not
# use.
EXIT_TOOL_FAILED = {"record": 125, "run": 125}


class Parser(argparse.ArgumentParser):
    """argparse with the subcommand's own status for wrong usage, and ValueError's text kept in the
    message."""

    def __init__(self, *args, failure: int, **options) -> None:
        self._failure = failure
        super().__init__(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str):
        self.exit(self._failure, f"palimpsest: {message}; see `{self.prog} --help`\n")

    @staticmethod
    def checked(convert):
        """A type= function whose ValueError becomes the message."""

        def call(text: str):
            try:
                return convert(text)
            except ValueError as error:
                raise argparse.ArgumentTypeError(str(error)) from error

        return call


def parser_of(name: str) -> Parser:
    """The subcommand's options; those that all have stand here."""
    module = importlib.import_module(SUBCOMMANDS[name][0])
    parser = Parser(prog=f"palimpsest {name}", description=module.__doc__,
                    failure=EXIT_TOOL_FAILED.get(name, 2))
    parser.add_argument("--color", choices=color.CHOICES, default="auto",
                        help="colours: on a terminal, unless NO_COLOR is set (auto, the default); "
                             "always; never")
    module.set_argparser(parser)
    parser.set_defaults(main=module.main)
    return parser
