#!/usr/bin/python3
"""Records the traces that mutation.c changes anew: tests/golden/mutation.tar.xz, a small session under pressure that was
asked for its whole state every few thousand events, so that whatever an event changes is soon compared, and
tests/golden/compaction.tar.xz, of a machine with room for what pages are moved for."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "system")]

import support
from recording import Recording
from support import program, scenario

GOLDEN = ROOT / "tests" / "golden"
STEP_BYTES = 320 << 10  # of trace between two baselines: about 8,000 events


def ask_for_the_state(recording: Recording) -> None:
    """After each step of trace, and when a program says that there is something to see."""
    machine = recording.machine
    streams = [machine.config.trace_directory / f"cpu{cpu}" for cpu in range(machine.config.cpus)]
    goal, looks = STEP_BYTES, 0
    while not machine.ended:
        size = sum(path.stat().st_size for path in streams)
        wanted = machine.console.lines.count("events.look")
        if size >= goal or wanted > looks:
            machine.ctl("barrier")
            machine.ctl("state")
            goal, looks = size + STEP_BYTES, wanted
        machine.wait(lambda: False, support.LOOK_S)


def record(archive: Path, asked: dict, script: Callable[[Recording], None]) -> bool:
    """Whether the session is in order; then it is in the archive."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "session"
        recorded = support.record(directory, asked, script)
        for question in ("SELECT * FROM order_violation", "SELECT * FROM vmstat_check WHERE NOT equal"):
            if wrong := recorded.rows(question):
                print(f"{directory}: {wrong[0]}", file=sys.stderr)
                return False
        names = sorted(str(path.relative_to(directory)) for path in directory.glob("ctf/cpu*"))
        # Words of 8 bytes, as events are laid out: a sixth smaller than without saying so.
        subprocess.run(["tar", "--owner=0", "--group=0", "--mtime=@0", "-C", directory,
                        "-I", "xz --lzma2=preset=9e,lc=0,lp=3,pb=3", "-cf", archive, *names, "events.tsv"], check=True)
        print(archive)
        for row in recorded.rows("SELECT event, n FROM event_count ORDER BY n"):
            print(*row)
        print([row[0] for row in recorded.rows("SELECT id FROM state_begin")])
    return True


def main() -> int:
    programs = [program("events", "/bin/spin", "--ms", "1"),
                program("thrash", "--size", "4M", "--rounds", "1", "--seed", "1", mode="bg"),
                program("forkshare", "--size", "500K", "--children", "2", "--rounds", "1", "--seed", "1"),
                program("vm"), program("int80"), program("choom", "-n", "100", "/bin/oomhog", "--step", "1M"),
                program("oomhog", "--step", "4K", "--limit", "4K"), program("spin", "--ms", "300")]
    done = record(GOLDEN / "mutation.tar.xz", scenario(programs, memory="8M", cpus=2, swap="1M"), ask_for_the_state)
    programs = [program("events", "compact")]
    done &= record(GOLDEN / "compaction.tar.xz", scenario(programs, memory="12M", cpus=1, swap="1M"), lambda recording: None)
    return not done


if __name__ == "__main__":
    sys.exit(main())
