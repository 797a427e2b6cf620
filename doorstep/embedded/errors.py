"""What keeps the embedded stack from running, as one line for whoever started it."""

from typing import Final

FAILED: Final = 1
CONFIGURATION: Final = 3
UNREACHABLE: Final = 4


class StackError(Exception):
    """The stack cannot run; `code` is the exit code of contract section 2."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class CannotStart(StackError):
    """Something about this machine or the arguments must change first."""

    def __init__(self, message: str) -> None:
        super().__init__(message, CONFIGURATION)


class GaveUp(StackError):
    """A part of the stack ended and could not be brought back."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message, code)


class Unreachable(StackError):
    """The database or the broker does not answer, though its process runs."""

    def __init__(self, message: str) -> None:
        super().__init__(message, UNREACHABLE)
