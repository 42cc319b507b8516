"""Execution mode and device under their own module, as MindSpore has it: ``from cellgrad import context``."""
from ._frontend.context import GRAPH_MODE, PYNATIVE_MODE, get_context, set_context, set_device

__all__ = ["GRAPH_MODE", "PYNATIVE_MODE", "get_context", "set_context", "set_device"]
