"""KERNEL: walk dumps of guests that ran this kernel, one for each line of standard input, and answer with a line: nothing, or what
went wrong. A request is a JSON object: `dump`, `output`, and values that the output repeats. The output is gzipped JSON: those
values, `locks`, `cpus` (the trace rings) and `objects`. Runs beside a recording, so it gives way to everything else.
"""

import gzip
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(TOOLS / "qmp-driver"), str(TOOLS)]

from errors import ToolError
from guestram.layout import Layout
from guestram.walk import SOURCES, walk

NICENESS = 10
# The dump is deleted afterwards and the result is small: speed counts more than size.
COMPRESSION = 1


def main() -> int:
    os.nice(NICENESS)
    try:
        layout = Layout(Path(sys.argv[1]), SOURCES)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    for line in sys.stdin:
        request = json.loads(line)
        try:
            serve(layout, Path(request.pop("dump")), Path(request.pop("output")), request)
            print(flush=True)
        except (ToolError, OSError) as error:
            print(error, flush=True)
    return 0


def serve(layout: Layout, dump: Path, output: Path, values: dict) -> None:
    """Walk one dump."""
    found = walk(layout, dump)
    result = values | {
        "locks": {name: sorted(held) for name, held in asdict(found.locks).items()},
        "cpus": found.cpus,
        "objects": {kind: [[*key, *values] for key, values in rows.items()]
                    for kind, rows in found.objects.items()}}
    with gzip.open(output, "wt", compresslevel=COMPRESSION) as file:
        json.dump(result, file, separators=(",", ":"))


if __name__ == "__main__":
    sys.exit(main())
