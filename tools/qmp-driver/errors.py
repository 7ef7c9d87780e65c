"""The one error a user sees: a sentence that names the thing and, where there is one, the way
out.
"""


class ToolError(Exception):
    """The tool could not do what was asked; str() is one line for the terminal."""


class MachineError(ToolError):
    """QEMU or the guest did not do what was waited for."""


class MachineTimeout(MachineError):
    """What was waited for did not happen within its time limit."""
