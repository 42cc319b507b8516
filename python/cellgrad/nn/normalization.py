"""Normalisation."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .. import ops
from .._runtime import dtype as dt
from ..common.initializer import initializer
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ._checks import boolean, is_int, number, positive_int
from .cell import Cell

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "LayerNorm"]


class _BatchNorm(Cell):
    """Batch normalisation per channel (Ioffe and Szegedy 2015).

    In training the mean and variance are those of the batch, and the moving ones become ``momentum * moving + (1 - momentum) * batch`` (the variance
    divided by n - 1); otherwise the moving ones are used.

    Args:
        num_features: number of channels.
        eps: number that is added to the variance.
        momentum: number in [0, 1].
        affine: whether gamma and beta are learned.
        gamma_init, beta_init, moving_mean_init, moving_var_init: initialisers, of shape (num_features,).
        use_batch_statistics: True or False settles whether the batch's statistics are used; None: in training only.
        data_format: 'NCHW'.
        dtype: dtype of the Parameters.

    Raises:
        TypeError: settings of another type.
        ValueError: settings out of range; an input of another number of channels or dimensions.
    """

    _ndims: tuple[int, ...] = ()

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.9, affine: bool = True, gamma_init: Any = "ones", beta_init: Any = "zeros",
                 moving_mean_init: Any = "zeros", moving_var_init: Any = "ones", use_batch_statistics: bool | None = None, data_format: str = "NCHW",
                 dtype: Any = dt.float32) -> None:
        super().__init__()
        owner = type(self).__name__
        self.num_features = positive_int(owner, "num_features", num_features)
        self.eps, self.momentum = number(owner, "eps", eps, 0), number(owner, "momentum", momentum, 0, 1)
        self.use_batch_statistics = None if use_batch_statistics is None else boolean(owner, "use_batch_statistics", use_batch_statistics)
        if data_format not in ("NCHW", "NCDHW"):
            raise err.UnsupportedError(f"{owner}: the data format {data_format!r} is not supported", hint="use 'NCHW' and ops.transpose the input")
        affine = boolean(owner, "affine", affine)
        shape = (self.num_features,)
        self.moving_mean = Parameter(initializer(moving_mean_init, shape, dtype), name="mean", requires_grad=False)
        self.moving_variance = Parameter(initializer(moving_var_init, shape, dtype), name="variance", requires_grad=False)
        self.gamma = Parameter(initializer(gamma_init, shape, dtype), name="gamma", requires_grad=affine)
        self.beta = Parameter(initializer(beta_init, shape, dtype), name="beta", requires_grad=affine)

    def construct(self, x: Any) -> Tensor:
        if x.ndim not in self._ndims:
            raise err.ShapeError(f"{type(self).__name__}: an input of {' or '.join(map(str, self._ndims))} dimensions is needed, but the shape is {x.shape}")
        batch = self.training if self.use_batch_statistics is None else self.use_batch_statistics
        return ops.batch_norm(x, self.moving_mean, self.moving_variance, self.gamma, self.beta, batch, 1.0 - self.momentum, self.eps)

    def extend_repr(self) -> str:
        return (f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}, gamma={self.gamma}, beta={self.beta}, "
                f"moving_mean={self.moving_mean}, moving_variance={self.moving_variance}")


class BatchNorm1d(_BatchNorm):
    __doc__ = (_BatchNorm.__doc__ or "") + "\n    Inputs: Tensor of shape (N, C) or (N, C, L).\n    "
    _ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    __doc__ = (_BatchNorm.__doc__ or "") + "\n    Inputs: Tensor of shape (N, C, H, W).\n    "
    _ndims = (4,)


class BatchNorm3d(_BatchNorm):
    __doc__ = (_BatchNorm.__doc__ or "") + "\n    Inputs: Tensor of shape (N, C, D, H, W).\n    "
    _ndims = (5,)


class LayerNorm(Cell):
    """``(x - mean) / sqrt(var + epsilon) * gamma + beta`` over the last dimensions (Ba et al. 2016).

    Args:
        normalized_shape: tuple of ints: the sizes of the dimensions over which mean and variance are taken.
        begin_norm_axis: first dimension of the mean and variance.
        begin_params_axis: first dimension of gamma and beta.
        gamma_init, beta_init: initialisers, of shape ``normalized_shape``.
        epsilon: number that is added to the variance.
        dtype: dtype of the Parameters.

    Raises:
        TypeError: ``normalized_shape`` is not a tuple or list of ints.
        ValueError: an input whose last sizes differ.
    """

    def __init__(self, normalized_shape: Any, begin_norm_axis: int = -1, begin_params_axis: int = -1, gamma_init: Any = "ones", beta_init: Any = "zeros",
                 epsilon: float = 1e-7, dtype: Any = dt.float32) -> None:
        super().__init__()
        if not isinstance(normalized_shape, (tuple, list)) or not normalized_shape or not all(is_int(s) for s in normalized_shape):
            raise err.UserTypeError(f"For 'LayerNorm', 'normalized_shape' must be a tuple or list of ints, but got {normalized_shape!r}.")
        self.normalized_shape = tuple(int(s) for s in normalized_shape)
        self.begin_norm_axis, self.begin_params_axis = begin_norm_axis, begin_params_axis
        self.epsilon = number("LayerNorm", "epsilon", epsilon, 0)
        self.gamma = Parameter(initializer(gamma_init, self.normalized_shape, dtype), name="gamma")
        self.beta = Parameter(initializer(beta_init, self.normalized_shape, dtype), name="beta")

    def construct(self, input_x: Any) -> Tensor:
        start = self.begin_norm_axis % input_x.ndim if input_x.ndim else 0
        shape = input_x.shape[start:]
        if shape == self.normalized_shape:
            return ops.layer_norm(input_x, shape, self.gamma, self.beta, self.epsilon)
        # Normalised over more dimensions than gamma and beta have.
        return ops.layer_norm(input_x, shape, eps=self.epsilon) * self.gamma + self.beta

    def extend_repr(self) -> str:
        return (f"normalized_shape={self.normalized_shape}, begin_norm_axis={self.begin_norm_axis}, begin_params_axis={self.begin_params_axis}, "
                f"gamma={self.gamma}, beta={self.beta}")


class GroupNorm(Cell):
    """Normalisation of groups of channels of each sample (Wu and He 2018).

    Args:
        num_groups, num_channels: ints; the channels divide into the groups.
        eps: number that is added to the variance.
        affine: whether gamma and beta are learned.
        gamma_init, beta_init: initialisers, of shape (num_channels,).
        dtype: dtype of the Parameters.

    Inputs: Tensor of shape (N, num_channels, H, W).

    Raises:
        ValueError: channels that do not divide into the groups; an input of another shape.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, gamma_init: Any = "ones", beta_init: Any = "zeros",
                 dtype: Any = dt.float32) -> None:
        super().__init__()
        self.num_groups, self.num_channels = positive_int("GroupNorm", "num_groups", num_groups), positive_int("GroupNorm", "num_channels", num_channels)
        if self.num_channels % self.num_groups:
            raise err.UserValueError(f"For 'GroupNorm', 'num_channels' {num_channels} must be divisible by 'num_groups' {num_groups}.")
        self.eps, self.affine = number("GroupNorm", "eps", eps, 0), boolean("GroupNorm", "affine", affine)
        self.gamma = Parameter(initializer(gamma_init, (self.num_channels,), dtype), name="gamma", requires_grad=self.affine)
        self.beta = Parameter(initializer(beta_init, (self.num_channels,), dtype), name="beta", requires_grad=self.affine)

    def construct(self, x: Any) -> Tensor:
        if x.ndim < 3 or x.shape[1] != self.num_channels:
            raise err.ShapeError(f"GroupNorm: an input of shape (N, {self.num_channels}, ...) is needed, but the shape is {x.shape}")
        groups = ops.reshape(x, (x.shape[0], self.num_groups, -1))
        y = ops.reshape(ops.layer_norm(groups, groups.shape[2:], eps=self.eps), x.shape)
        channels = (1, self.num_channels) + (1,) * (x.ndim - 2)
        return y * ops.reshape(self.gamma, channels) + ops.reshape(self.beta, channels)

    def extend_repr(self) -> str:
        return f"num_groups={self.num_groups}, num_channels={self.num_channels}, eps={self.eps}, affine={self.affine}"
