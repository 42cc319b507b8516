"""Python control flow on Tensors: functions are converted from their source before they are captured (docs/design/frontend.md)."""
from .calls import call, invoke
from .functions import why_not

__all__ = ["call", "invoke", "why_not"]
