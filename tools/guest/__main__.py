"""KERNEL DUMP OUTPUT [KEY=VALUE...]: walk a dump and write what it holds, with the values named, as
gzipped JSON. Runs beside a recording, so it gives way to everything else.
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
from guest.walk import walk

NICENESS = 10
# The dump is deleted afterwards and the result is small: speed counts more than size.
COMPRESSION = 1


def main() -> int:
    kernel, dump, output, *words = sys.argv[1:]
    os.nice(NICENESS)
    try:
        found = walk(Path(kernel), Path(dump))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    locks = {name: sorted(values) for name, values in asdict(found.locks).items()}
    result = dict(word.split("=", 1) for word in words) | {
        "locks": locks,
        "objects": {kind: [[*key, *values] for key, values in rows.items()]
                    for kind, rows in found.objects.items()}}
    with gzip.open(output, "wt", compresslevel=COMPRESSION) as file:
        json.dump(result, file, separators=(",", ":"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
