"""The Primitive classes that MindSpore's programs reach for: settings in the constructor, Tensors in the call."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._frontend.precision import cast_floats
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from . import activation, array_func, conv, creation, div_func, index_func, join_func, linalg, loss_func, math_func, random_func, reduce, state_func
from . import _generated as gen
from ._helpers import pair

__all__ = ["Primitive"]


class Primitive:
    """An op as an object. Subclasses keep their settings and call the function of ``ops`` that does the work."""

    function: Callable[..., Any]
    settings: tuple[tuple[str, Any], ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        values = dict(self.settings)
        names = list(values)
        if len(args) > len(names):
            raise TypeError(f"{type(self).__name__} takes at most {len(names)} arguments, but got {len(args)}")
        values.update(zip(names, args))
        for key, value in kwargs.items():
            if key not in values:
                raise TypeError(f"{type(self).__name__} got an unexpected keyword argument '{key}'")
            values[key] = value
        self.__dict__.update(values)
        self.name = type(self).__name__

    def __call__(self, *args: Any) -> Any:
        low = self.__dict__.get("_low")
        if low is None:
            return type(self).function(self, *args)
        return cast_floats(type(self).function(self, *cast_floats(args, low)), dt.float32)

    def lowered(self, dtype: Any) -> Primitive:
        """The same op for ``amp``: float operands are cast to ``dtype``, the result to float32."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _low=dtype)
        return other

    def __repr__(self) -> str:
        return f"Prim[{self.name}]" + "".join(f"<{k}={getattr(self, k)}>" for k, _ in self.settings)


def _define(name: str, function: Callable[..., Any], doc: str, **settings: Any) -> None:
    """A class called ``name``; ``function(self, *tensors)`` computes, and ``settings`` are the constructor's arguments with their defaults."""
    globals()[name] = type(name, (Primitive,), {"__doc__": doc, "__module__": __name__, "function": staticmethod(function),
                                                "settings": tuple(settings.items())})
    __all__.append(name)


def _plain(names: str, source: Any) -> None:
    for entry in names.split():
        name, _, function = entry.partition("=")
        target = getattr(source, function)
        _define(name, lambda self, *args, _f=target: _f(*args), f"``ops.{function}`` as an object; see there.")


_plain("Abs=abs Add=add Sub=sub Mul=mul Neg=neg Exp=exp Expm1=expm1 Log=log Log1p=log1p Sqrt=sqrt Rsqrt=rsqrt Sign=sign Sin=sin Cos=cos Tan=tan Asin=asin "
       "ACos=acos Atan=atan Atan2=atan2 Sinh=sinh Cosh=cosh Tanh=tanh Erf=erf Sigmoid=sigmoid Floor=floor Ceil=ceil Trunc=trunc Maximum=maximum "
       "Minimum=minimum Equal=equal NotEqual=not_equal Less=less LessEqual=less_equal Greater=greater GreaterEqual=greater_equal "
       "LogicalAnd=logical_and LogicalOr=logical_or LogicalNot=logical_not LogicalXor=logical_xor", gen)
_plain("Div=div RealDiv=true_divide FloorDiv=floor_div FloorMod=floor_mod Mod=floor_mod", div_func)
_plain("Square=square Reciprocal=reciprocal Inv=reciprocal Erfc=erfc Rint=round "
       "Round=round Select=select Cast=cast IsNan=isnan IsInf=isinf IsFinite=isfinite MaskedFill=masked_fill Pow=pow", math_func)
_plain("AddN=addn Xlogy=xlogy Lerp=lerp", linalg)
_plain("ReLU=relu ReLU6=relu6 SiLU=silu Mish=mish HSwish=hardswish HSigmoid=hardsigmoid SeLU=selu Softsign=softsign PReLU=prelu", activation)
_plain("Reshape=reshape Transpose=transpose ExpandDims=expand_dims Flatten=flatten Tile=tile", array_func)
_plain("Slice=slice", join_func)
_plain("ZerosLike=zeros_like OnesLike=ones_like Fill=fill Zeros=zeros Ones=ones Eye=eye Diag=diag", creation)
_plain("GatherD=gather_elements GatherNd=gather_nd TensorScatterAdd=tensor_scatter_add", index_func)
_plain("Assign=assign AssignAdd=assign_add AssignSub=assign_sub Shape=shape Size=size Rank=rank DType=dtype Depend=depend", state_func)
_plain("StandardNormal=standard_normal", random_func)


def _gelu(self: Any, x: Any) -> Tensor:
    return activation.gelu(x, "tanh")


def _reduction(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda self, x, axis=(): x if axis == () and self.skip_mode else function(x, axis, self.keep_dims)


_define("GeLU", _gelu, "``ops.gelu(x, 'tanh')`` as an object.")
_define("LeakyReLU", lambda self, x: activation.leaky_relu(x, self.alpha), "``ops.leaky_relu`` as an object.", alpha=0.2)
_define("Elu", lambda self, x: activation.elu(x, self.alpha), "``ops.elu`` as an object.", alpha=1.0)
_define("Softplus", lambda self, x: activation.softplus(x), "``ops.softplus`` as an object.")
_define("Softmax", lambda self, x: activation.softmax(x, self.axis), "``ops.softmax`` as an object.", axis=-1)
_define("LogSoftmax", lambda self, x: activation.log_softmax(x, self.axis), "``ops.log_softmax`` as an object.", axis=-1)
_define("MatMul", lambda self, a, b: linalg.product("MatMul", a, b, self.transpose_a, self.transpose_b),
        "Product of two matrices, each transposed first if its setting says so.", transpose_a=False, transpose_b=False)
_define("BatchMatMul", lambda self, a, b: linalg.product("BatchMatMul", a, b, self.transpose_a, self.transpose_b),
        "Products of batches of matrices, each transposed first if its setting says so.", transpose_a=False, transpose_b=False)
for _name, _function in (("ReduceSum", lambda x, axis, keep: reduce.reduce("sum", x, axis, keep)), ("ReduceMean", reduce.mean), ("ReduceProd", reduce.prod),
                         ("ReduceMax", reduce.amax), ("ReduceMin", reduce.amin), ("ReduceAll", reduce.all), ("ReduceAny", reduce.any)):
    _define(_name, _reduction(_function), "The reduction as an object: called with a Tensor and axes (all by default).", keep_dims=False, skip_mode=False)
_define("Argmax", lambda self, x: math_func.cast(reduce.argmax(x, self.axis), self.output_type), "Positions of the largest elements along an axis.",
        axis=-1, output_type=dt.int32)
_define("Argmin", lambda self, x: math_func.cast(reduce.argmin(x, self.axis), self.output_type), "Positions of the smallest elements along an axis.",
        axis=-1, output_type=dt.int32)
_define("ArgMaxWithValue", lambda self, x: reduce.argmax_with_value(x, self.axis, self.keep_dims), "(positions, largest elements) along an axis.",
        axis=0, keep_dims=False)
_define("ArgMinWithValue", lambda self, x: reduce.argmin_with_value(x, self.axis, self.keep_dims), "(positions, smallest elements) along an axis.",
        axis=0, keep_dims=False)
_define("CumSum", lambda self, x, axis: _cumsum(self, x, axis), "Running sum along an axis.", exclusive=False, reverse=False)
_define("Concat", lambda self, xs: join_func.concat(xs, self.axis), "``ops.concat`` as an object.", axis=0)
_define("Stack", lambda self, xs: join_func.stack(xs, self.axis), "``ops.stack`` as an object.", axis=0)
_define("Unstack", lambda self, x: join_func.unstack(x, self.axis), "``ops.unstack`` as an object.", axis=0, num=None)
_define("Split", lambda self, x: join_func.chunk(x, self.output_num, self.axis), "Equal parts along an axis.", axis=0, output_num=1)
_define("Squeeze", lambda self, x: array_func.squeeze(x, self.axis), "``ops.squeeze`` as an object.", axis=())
_define("BroadcastTo", lambda self, x: array_func.broadcast_to(x, self.shape), "``ops.broadcast_to`` as an object.", shape=())
_define("Gather", lambda self, x, index, axis: index_func.gather(x, index, axis, self.batch_dims), "``ops.gather`` as an object.", batch_dims=0)
_define("OneHot", lambda self, x, depth, on, off: creation.one_hot(x, depth, on, off, self.axis), "``ops.one_hot`` as an object.", axis=-1)
_define("StridedSlice", lambda self, x, begin, end, strides: join_func.strided_slice(
    x, begin, end, strides, self.begin_mask, self.end_mask, self.ellipsis_mask, self.new_axis_mask, self.shrink_axis_mask),
    "``ops.strided_slice`` as an object.", begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)
_define("Identity", lambda self, x: x, "The operand.")
_define("StopGradient", lambda self, x: state_func.stop_gradient(x), "``ops.stop_gradient`` as an object.")
_define("L2Loss", lambda self, x: reduce.sum(math_func.square(x)) * 0.5, "Half the sum of squares.")
_define("BiasAdd", lambda self, x, b: gen.add(x, array_func.reshape(b, (1, -1) + (1,) * (x.ndim - 2))), "Adds a vector along dimension 1.", data_format="NCHW")
_define("Conv2D", lambda self, x, w: conv.conv2d(x, w, None, self.stride, self.pad_mode, self.pad, self.dilation, self.group), "``ops.conv2d`` as an object.",
        out_channel=1, kernel_size=1, mode=1, pad_mode="valid", pad=0, stride=1, dilation=1, group=1, data_format="NCHW")


def _cumsum(self: Any, x: Any, axis: int) -> Tensor:
    from .._frontend.dispatch import dispatch, normalize_axis

    attrs = {"axis": normalize_axis("CumSum", axis, x.ndim), "exclusive": bool(self.exclusive), "reverse": bool(self.reverse)}
    return dispatch("cumsum", (x,), attrs)


def _pool(name: str) -> Callable[..., Tensor]:
    def call(self: Any, x: Any) -> Tensor:
        kernel, strides = pair(self.name, "kernel_size", self.kernel_size), pair(self.name, "strides", self.strides)
        if str(self.pad_mode).lower() == "same":
            return conv.pool_same(name, x, kernel, strides)
        return getattr(conv, name)(x, kernel, strides)

    return call


_define("MaxPool", _pool("max_pool2d"), "Maximum of each window; pad_mode 'valid' or 'same'.", kernel_size=1, strides=1, pad_mode="valid", data_format="NCHW")
_define("AvgPool", _pool("avg_pool2d"), "Mean of each window; pad_mode 'valid' or 'same'.", kernel_size=1, strides=1, pad_mode="valid", data_format="NCHW")


def _dropout(self: Any, x: Any) -> tuple[Tensor, Tensor]:
    mask = random_func.bernoulli(creation.ones_like(x), self.keep_prob)
    return x * mask * (1.0 / self.keep_prob), mask


def _softmax_cross_entropy(self: Any, logits: Any, labels: Any) -> tuple[Tensor, Tensor]:
    return loss_func.cross_entropy(logits, labels, reduction="none"), activation.softmax(logits) - labels


def _sparse_softmax_cross_entropy(self: Any, logits: Any, labels: Any) -> Tensor:
    if not self.is_grad:
        return loss_func.cross_entropy(logits, labels)
    hot = creation.one_hot(labels, logits.shape[-1], 1.0, 0.0)
    return (activation.softmax(logits) - hot) * (1.0 / logits.shape[0])


_define("Dropout", _dropout, "(result, mask): keeps elements with probability ``keep_prob``.", keep_prob=0.5, Seed0=0, Seed1=0)
_define("SoftmaxCrossEntropyWithLogits", _softmax_cross_entropy, "(loss of each row, its gradient by the scores).")
_define("SparseSoftmaxCrossEntropyWithLogits", _sparse_softmax_cross_entropy, "Mean loss of the rows, or its gradient by the scores.", is_grad=False)
_define("SigmoidCrossEntropyWithLogits", lambda self, x, y: loss_func.binary_cross_entropy_with_logits(x, y, reduction="none"),
        "Loss of each score.")
