"""What running programs print."""
from __future__ import annotations

import sys
from typing import Any

__all__ = ["show"]


def show(pattern: str, tensors: tuple[Any, ...]) -> None:
    """Writes ``pattern`` to standard output with the Tensors at the places of its ``{}``, each as ``print`` shows it.

    Raises:
        OSError: standard output cannot be written.
    """
    if sys.stdout is not None:  # a program without a console has none
        sys.stdout.write(pattern.format(*map(str, tensors)))
