"""How exactly products are computed on a GPU."""
from ..._frontend.context import set_context

__all__ = ["conv_allow_tf32", "matmul_allow_tf32"]


def matmul_allow_tf32(value: bool) -> None:
    """Whether matrix products of float32 may round their factors to tf32 (11 bits instead of 24) for the tensor cores. Sums stay float32. Off until it is called.

    Args:
        value: whether they may; programs are compiled for what is set when they are called.

    Raises:
        TypeError: not a bool.

    Examples:
        >>> import cellgrad as ms
        >>> ms.device_context.gpu.op_precision.matmul_allow_tf32(True)
        >>> ms.get_context("gpu_config")["matmul_allow_tf32"]
        True
        >>> ms.device_context.gpu.op_precision.matmul_allow_tf32(False)
    """
    set_context(gpu_config={"matmul_allow_tf32": value})


def conv_allow_tf32(value: bool) -> None:
    """The same for convolutions and their gradients. Off until it is called; MindSpore has it on.

    Args:
        value: whether they may.

    Raises:
        TypeError: not a bool.
    """
    set_context(gpu_config={"conv_allow_tf32": value})
