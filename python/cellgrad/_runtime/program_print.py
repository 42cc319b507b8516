"""What running programs print."""
from __future__ import annotations

import sys
from typing import Any

__all__ = ["show"]


def show(pattern: str, tensors: tuple[Any, ...]) -> None:
    """Writes ``pattern`` to standard output with the Tensors at its places: ``{}`` as ``print`` shows them, ``{!r}`` and ``{:.3f}`` as in f-strings.

    Raises:
        OSError: standard output cannot be written.
    """
    if sys.stdout is not None:  # a program without a console has none
        sys.stdout.write(pattern.format(*tensors))
