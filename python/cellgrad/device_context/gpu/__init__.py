"""Settings of GPUs."""
from . import op_precision

__all__ = ["op_precision"]
