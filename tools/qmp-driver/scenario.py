"""Scenarios: one TOML file is one experiment.

  title = "..."
  timeout_s = 600                 end the session after that many seconds; 0: never
  seed = 1                        of everything random in the kernel: equal seeds, equal layouts

  verify = 3                      so many times, and half as often at an arbitrary instruction, guest memory
                                  is held against the state rebuilt from the trace; or a table:
  verify = { barriers = 3, arbitrary = 2, every = "1M" }      every: trace between two instants

  [machine]
  memory = "64M"    cpus = 2    swap = "192M" or "none"    accel = "tcg" or "kvm"
  [machine.swap]                  in place of swap = ..., for a disk that misbehaves:
  size = "192M"
  read_errors = [700, 901]        slots of which every read fails
  write_errors = [700]            slots of which every write fails
  iops = 200                      at most so many transfers a second
  bandwidth = "1M"                at most so many bytes a second

  [kernel]
  trace = "lossless", "discard" or "off"
  kaslr = true or false           whether the kernel moves itself to a place that the seed chooses
  randmaps = true or false        whether programs lie at places that the seed chooses
  [kernel.params]                 more kernel parameters, passed on as they are
  name = "text" or 1

  [[program]]                     in the order in which init starts them
  name = "thrash"                 what the guest calls it; at most 15 characters
  file = "path/to/program"        default: the tree's program of that name
  args = ["--size", "96M"]
  mode = "fg" or "bg"             fg (default): init waits for it before the next one
  status = 0                      expected exit status, 128 + signal when killed; "any": not checked
  stdin = "path/to/file"          what it reads; default: the end of file
  terminal = false                true: it reads the console, its controlling terminal
  cwd = "/tmp"                    its working directory in the guest; default: "/"
  [program.env]                   beside PATH and HOME
  NAME = "value"

  busybox = true                  /bin/busybox and its applets are in the guest
  [files]                         what else is: path in the guest = the host's file or directory
  "/etc/words" = "path/to/words"

  [[expect]]                      what must hold when the session is over
  sql = "SELECT ..."              the first column of the first row ...
  console = "regular expression"  ... or the number of console lines in which this is found
  is = 0, min = 1, max = 2        ... is this, at least this, at most this
  why = "..."                     what it means when it does not hold

Every key that is not here, and every value of the wrong type, is an error that names file and key.
"""

import difflib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import sizes
from errors import ToolError
from instants import Plan
from machine import MAX_CPUS
from swapdisk import SwapBehaviour
from swapfile import PAGE_BYTES

TRACE_MODES = ("lossless", "discard", "off")
ACCELERATORS = ("tcg", "kvm")
PROGRAM_MODES = ("fg", "bg")
MAX_COMM = 15  # TASK_COMM_LEN without the NUL
MIN_MEMORY = 8 << 20
RESERVED_PARAMETERS = ("trace", "swap", "kaslr")
DEFAULT_SEED = 1
MAX_SEED = (1 << 63) - 1  # TOML has no larger integer


@dataclass(frozen=True)
class Program:
    """One program of the experiment. status None: any will do."""

    name: str
    file: str
    args: tuple[str, ...] = ()
    mode: str = "fg"
    status: int | None = 0
    stdin: str = ""  # a file of the host; none: the end of file
    cwd: str = "/"
    env: tuple[tuple[str, str], ...] = ()
    terminal: bool = False  # without stdin: the console is its controlling terminal


@dataclass(frozen=True)
class Expectation:
    """A value and its bounds. source is "sql" or "console", text the query or the regular
    expression.
    """

    source: str
    text: str
    bounds: tuple[tuple[str, int | float | str], ...]
    why: str


@dataclass(frozen=True)
class Scenario:
    """One experiment, checked. Sizes in bytes; swap_bytes 0: no swap disk."""

    programs: tuple[Program, ...]
    title: str = ""
    memory_bytes: int = 64 << 20
    cpus: int = 2
    swap_bytes: int = 128 << 20
    swap_behaviour: SwapBehaviour = SwapBehaviour()
    accel: str = "tcg"
    trace: str = "lossless"
    parameters: tuple[tuple[str, str], ...] = ()
    expectations: tuple[Expectation, ...] = ()
    timeout_s: int = 0
    seed: int = DEFAULT_SEED
    kaslr: bool = True
    randmaps: bool = True
    verify: Plan = Plan()
    busybox: bool = False
    files: tuple[tuple[str, str], ...] = ()  # path in the guest, path on the host

    def command_line(self) -> str:
        """The kernel's command line."""
        words = [f"trace={self.trace}", f"swap={'on' if self.swap_bytes else 'off'}",
                 f"kaslr={self.seed}"]
        if not self.kaslr:
            words.append("nokaslr")
        if not self.randmaps:
            words.append("norandmaps")
        return " ".join(words + [f"{key}={value}" for key, value in self.parameters])


def check_parameter(key: str, value: str) -> None:
    """ValueError for a kernel parameter that the command line cannot carry, or that has a key of
    its own.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", key):
        raise ValueError(f"{key!r} is no parameter name")
    if key in RESERVED_PARAMETERS:
        raise ValueError(f"{key} is set by the scenario's own key")
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError(f"{key}: a value has no white space: {value!r}")


def check_guest_path(path: str) -> str:
    """ValueError for what is no absolute path in the guest."""
    if not path.startswith("/") or "\0" in path or {".", ".."} & set(path.split("/")):
        raise ValueError(f"{path!r} is no absolute path in the guest without . and ..")
    return path


def check_variable(name: str, value: str) -> None:
    """ValueError for what cannot be a variable of the environment."""
    if not name or "=" in name or "\0" in name + value:
        raise ValueError(f"{name!r}: no variable can have this name or value")


def check_seed(seed: int) -> int:
    """ValueError for what a TOML file cannot hold."""
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"expected 0 to {MAX_SEED}, got {seed}")
    return seed


def parse_swap(text: str) -> int:
    """Bytes of swap, 0 for "none"; ValueError when it is neither a size nor enough for one slot."""
    if text == "none":
        return 0
    size_bytes = sizes.parse(text)
    if size_bytes < 2 * PAGE_BYTES or size_bytes % PAGE_BYTES:
        raise ValueError(f"{text!r}: swap is \"none\" or a multiple of 4K, at least 8K")
    return size_bytes


def parse_memory(text: str) -> int:
    """Bytes of RAM; ValueError when it is no size or no machine has so little."""
    size_bytes = sizes.parse(text)
    if size_bytes < MIN_MEMORY:
        raise ValueError(f"{text!r}: at least {sizes.exact(MIN_MEMORY)}")
    return size_bytes


class _Table:
    """A TOML table being read: every access checks a type, and what nobody asked for is an
    error.
    """

    def __init__(self, file: Path, where: str, values: dict) -> None:
        self._file = file
        self._where = where
        self._values = values
        self._known: list[str] = []

    def fail(self, key: str, message: str) -> ToolError:
        where = ".".join(part for part in (self._where, key) if part)
        return ToolError(f"{self._file}: {where}: {message}")

    def get(self, key: str, kind: type | tuple[type, ...], what: str, default=None):
        self._known.append(key)
        value = self._values.get(key, default)
        # bool is an int to Python, not to a reader.
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.fail(key, f"expected {what}, got {value!r}")
        return value

    def need(self, key: str, kind: type | tuple[type, ...], what: str):
        value = self.get(key, kind, what)
        if value is None:
            raise self.fail(key, f"is missing: {what}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        self._known.append(key)
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"expected true or false, got {value!r}")
        return value

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        what = "one of " + ", ".join(f'"{value}"' for value in allowed)
        value = self.get(key, str, what, default)
        if value not in allowed:
            raise self.fail(key, f"expected {what}, got {value!r}")
        return value

    def converted(self, key: str, convert, what: str, default: str):
        try:
            return convert(self.get(key, str, what, default))
        except ValueError as error:
            raise self.fail(key, str(error)) from error

    def table(self, key: str) -> "_Table":
        return self._child(key, self.get(key, dict, "a table", {}))

    def has_table(self, key: str) -> bool:
        return isinstance(self._values.get(key), dict)

    def tables(self, key: str) -> list["_Table"]:
        values = self.get(key, list, f"[[{key}]] tables", [])
        for value in values:
            if not isinstance(value, dict):
                raise self.fail(key, f"expected [[{key}]] tables, got {value!r}")
        return [self._child(f"{key}[{index}]", value) for index, value in enumerate(values)]

    def items(self):
        self._known += self._values
        return self._values.items()

    def _child(self, key: str, values: dict) -> "_Table":
        where = ".".join(part for part in (self._where, key) if part)
        return _Table(self._file, where, values)

    def finish(self) -> None:
        for key in self._values:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(self._known)}"
                raise self.fail(key, f"unknown key; {hint}")


def load(path: Path) -> Scenario:
    """Read and check a scenario file."""
    try:
        values = tomllib.loads(path.read_text())
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: {error}") from error
    top = _Table(path, "", values)
    machine = top.table("machine")
    kernel = top.table("kernel")
    cpus = machine.get("cpus", int, "a number of CPUs", 2)
    if not 1 <= cpus <= MAX_CPUS:
        raise machine.fail("cpus", f"expected 1 to {MAX_CPUS}, got {cpus}")
    timeout_s = top.get("timeout_s", int, "a number of seconds", 0)
    if timeout_s < 0:
        raise top.fail("timeout_s", f"expected 0 or more, got {timeout_s}")
    try:
        seed = check_seed(top.get("seed", int, "an integer", DEFAULT_SEED))
    except ValueError as error:
        raise top.fail("seed", str(error)) from error
    swap_bytes, swap_behaviour = _swap(machine)
    scenario = Scenario(
        title=top.get("title", str, "a text", ""),
        timeout_s=timeout_s,
        memory_bytes=machine.converted("memory", parse_memory, "a size", "64M"),
        cpus=cpus,
        swap_bytes=swap_bytes,
        swap_behaviour=swap_behaviour,
        accel=machine.choice("accel", ACCELERATORS, "tcg"),
        trace=kernel.choice("trace", TRACE_MODES, "lossless"),
        seed=seed,
        kaslr=kernel.flag("kaslr", True),
        randmaps=kernel.flag("randmaps", True),
        verify=_verify(top),
        parameters=_parameters(kernel.table("params")),
        programs=tuple(_program(table, path) for table in top.tables("program")),
        busybox=top.flag("busybox", False),
        files=_files(top.table("files"), path),
        expectations=tuple(_expectation(table) for table in top.tables("expect")))
    for table in (machine, kernel, top):
        table.finish()
    if not scenario.programs:
        raise top.fail("program", "is missing: a scenario runs at least one")
    return scenario


def _verify(top: _Table) -> Plan:
    """The instants: a number of barriers, or a table that says more."""
    if not top.has_table("verify"):
        barriers = top.get("verify", int, "a number of instants or a table", 0)
        if barriers < 0:
            raise top.fail("verify", f"expected 0 or more, got {barriers}")
        return Plan(barriers, (barriers + 1) // 2)
    table = top.table("verify")
    plan = Plan(table.get("barriers", int, "a number of instants", 0),
                table.get("arbitrary", int, "a number of instants", 0),
                table.converted("every", sizes.parse, "bytes of trace", "1M"))
    if min(plan.barriers, plan.arbitrary) < 0 or plan.every_bytes <= 0:
        raise table.fail("", "expected no negative number, and every above 0")
    table.finish()
    return plan


def _swap(machine: _Table) -> tuple[int, SwapBehaviour]:
    """Size and behaviour of the swap disk: a text, or a table that says more."""
    if not machine.has_table("swap"):
        return (machine.converted("swap", parse_swap, "a size, \"none\" or a table", "128M"),
                SwapBehaviour())
    table = machine.table("swap")
    size_bytes = table.converted("size", parse_swap, "a size", "none")
    if not size_bytes:
        raise table.fail("size", "is missing: a size")
    last_slot = size_bytes // PAGE_BYTES - 1

    def slots(key: str) -> tuple[int, ...]:
        values = table.get(key, list, "a list of slots", [])
        for value in values:
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= last_slot:
                raise table.fail(key, f"expected slots from 1 to {last_slot}, got {value!r}")
        return tuple(values)

    iops = table.get("iops", int, "transfers a second", 0)
    if iops < 0:
        raise table.fail("iops", f"expected 0 (no limit) or more, got {iops}")
    behaviour = SwapBehaviour(slots("read_errors"), slots("write_errors"), iops,
                              table.converted("bandwidth", sizes.parse, "bytes a second", "0"))
    table.finish()
    return size_bytes, behaviour


def _parameters(table: _Table) -> tuple[tuple[str, str], ...]:
    parameters = []
    for key, value in table.items():
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise table.fail(key, f"expected a text or an integer, got {value!r}")
        try:
            check_parameter(key, str(value))
        except ValueError as error:
            raise table.fail(key, str(error)) from error
        parameters.append((key, str(value)))
    return tuple(parameters)


def _files(table: _Table, path: Path) -> tuple[tuple[str, str], ...]:
    """Hosts' paths are relative to the scenario."""
    files = []
    for guest, host in table.items():
        if not isinstance(host, str):
            raise table.fail(guest, f"expected a path on the host, got {host!r}")
        try:
            files.append((check_guest_path(guest), str(path.parent / host)))
        except ValueError as error:
            raise table.fail(guest, str(error)) from error
    return tuple(files)


def _environment(table: _Table) -> tuple[tuple[str, str], ...]:
    for name, value in table.items():
        if not isinstance(value, str):
            raise table.fail(name, f"expected a text, got {value!r}")
        try:
            check_variable(name, value)
        except ValueError as error:
            raise table.fail(name, str(error)) from error
    return tuple(table.items())


def _program(table: _Table, path: Path) -> Program:
    name = table.need("name", str, "what the guest calls the program")
    if not re.fullmatch(r"[A-Za-z0-9_.+-]{1,%d}" % MAX_COMM, name) or name in (".", ".."):
        raise table.fail("name", f"expected 1 to {MAX_COMM} letters, digits or _.+-, got {name!r}")
    file = table.get("file", str, "a path", name)
    if "/" in file:
        file = str(path.parent / file)
    args = table.get("args", list, "a list of texts", [])
    if not all(isinstance(argument, str) for argument in args):
        raise table.fail("args", f"expected a list of texts, got {args!r}")
    status = table.get("status", (int, str), "an exit status or \"any\"", 0)
    if status != "any" and not (isinstance(status, int) and 0 <= status < 256):
        raise table.fail("status", f"expected 0 to 255 or \"any\", got {status!r}")
    stdin = table.get("stdin", str, "a path on the host", "")
    cwd = table.converted("cwd", check_guest_path, "a path in the guest", "/")
    program = Program(name, file, tuple(args), table.choice("mode", PROGRAM_MODES, "fg"),
                      None if status == "any" else status, str(path.parent / stdin) if stdin else "",
                      cwd, _environment(table.table("env")), table.flag("terminal", False))
    table.finish()
    return program


def _expectation(table: _Table) -> Expectation:
    sql = table.get("sql", str, "a query")
    console = table.get("console", str, "a regular expression")
    bounds = []
    for key in ("is", "min", "max"):
        kind = (int, float, str) if key == "is" else (int, float)
        value = table.get(key, kind, "a number or a text" if key == "is" else "a number")
        if value is not None:
            bounds.append((key, value))
    why = table.need("why", str, "what it means when it does not hold")
    table.finish()
    if (sql is None) == (console is None):
        raise table.fail("", "expected exactly one of sql and console")
    if not bounds:
        raise table.fail("", "expected is, min or max")
    if console is not None:
        try:
            re.compile(console)
        except re.error as error:
            raise table.fail("console", f"not a regular expression: {error}") from error
    source, text = ("sql", sql) if sql is not None else ("console", console)
    return Expectation(source, text, tuple(bounds), why)


def to_toml(scenario: Scenario) -> str:
    """A scenario without expectations as a file that load() reads."""

    def text(value: str) -> str:
        # A JSON string is a TOML basic string, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")

    def truth(value: bool) -> str:
        return "true" if value else "false"

    swap = text(sizes.exact(scenario.swap_bytes) if scenario.swap_bytes else "none")
    behaviour = scenario.swap_behaviour
    if behaviour != SwapBehaviour():
        swap = (f"{{ size = {swap}, read_errors = {list(behaviour.read_errors)}, "
                f"write_errors = {list(behaviour.write_errors)}, iops = {behaviour.iops}, "
                f"bandwidth = \"{behaviour.bandwidth}\" }}")
    def table(pairs) -> str:
        return f"{{ {', '.join(f'{text(key)} = {text(value)}' for key, value in pairs)} }}"

    lines = [f"title = {text(scenario.title)}", f"timeout_s = {scenario.timeout_s}",
             f"seed = {scenario.seed}", *_verify_lines(scenario.verify),
             *(["busybox = true"] if scenario.busybox else []),
             *([f"files = {table(scenario.files)}"] if scenario.files else []), "",
             "[machine]", f"memory = {text(sizes.exact(scenario.memory_bytes))}",
             f"cpus = {scenario.cpus}", f"swap = {swap}",
             f"accel = {text(scenario.accel)}", "",
             "[kernel]", f"trace = {text(scenario.trace)}",
             f"kaslr = {truth(scenario.kaslr)}", f"randmaps = {truth(scenario.randmaps)}", ""]
    if scenario.parameters:
        lines += ["[kernel.params]"]
        lines += [f"{text(key)} = {text(value)}" for key, value in scenario.parameters] + [""]
    for program in scenario.programs:
        status = '"any"' if program.status is None else str(program.status)
        lines += ["[[program]]", f"name = {text(program.name)}", f"file = {text(program.file)}",
                  f"args = [{', '.join(text(argument) for argument in program.args)}]",
                  f"mode = {text(program.mode)}", f"status = {status}"]
        lines += [f"stdin = {text(program.stdin)}"] if program.stdin else []
        lines += ["terminal = true"] if program.terminal else []
        lines += [f"cwd = {text(program.cwd)}"] if program.cwd != "/" else []
        lines += [f"env = {table(program.env)}"] if program.env else []
        lines.append("")
    return "\n".join(lines)


def _verify_lines(plan: Plan) -> list[str]:
    if plan == Plan():
        return []
    return [f"verify = {{ barriers = {plan.barriers}, arbitrary = {plan.arbitrary}, "
            f"every = \"{plan.every_bytes}\" }}"]
