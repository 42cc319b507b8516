"""Python control flow on Tensors: functions are converted from their source before they are captured (docs/design/frontend.md)."""
from .calls import invoke
from .functions import why_not

__all__ = ["invoke", "why_not"]
