"""Runs programs that cellgrad exported, on machines without cellgrad: needs Python 3.10 or newer, NumPy and the shared libraries beside this file.

    import cellgrad_program

    file = cellgrad_program.load("model.cgp")
    y = file["predict"](x)                  # arguments and results have the structure of the function that was exported
    file.parameters()                       # arrays by name; a program that trains changes them in place

Loading checks the whole file (length, digest, header, processor, functions that the code asks for) before anything of it can run. The digest tells damage; who
wrote the file it tells only if it is compared with one from a source that you trust: ``load(path, digest=...)``.
"""
from __future__ import annotations

from ._device import DeviceArray
from ._file import Program, ProgramFile, TensorInfo, load
from ._library import DamagedError, MachineError, ProgramError, UntrustedError, set_num_threads

__all__ = ["DamagedError", "DeviceArray", "MachineError", "Program", "ProgramError", "ProgramFile", "TensorInfo", "UntrustedError", "load", "set_num_threads"]
