"""Settings of devices, under MindSpore's names."""
from . import gpu

__all__ = ["gpu"]
