"""Parameter and ParameterTuple."""
from __future__ import annotations

import itertools
from typing import Any

from .. import _errors as err
from .._frontend import state
from .._frontend.hooks import active_recorder
from .._runtime import _core, tensor_data
from .._runtime import dtype as dt
from .tensor import Tensor

__all__ = ["Parameter", "ParameterTuple"]

_numbers = itertools.count()
_DEFAULT = "Parameter"


class Parameter(Tensor):
    """A Tensor with a name that programs read anew at every call and can assign.

    Args:
        default_input: its value: a Tensor (shared, not copied, as MindSpore does not promise a copy), array, number or nested list.
        name: ``None`` gives a running one; a Cell renames a Parameter without a name of its own to the attribute it is assigned to.
        requires_grad: whether ``trainable_params`` lists it.
        layerwise_parallel, parallel_optimizer: accepted as MindSpore has them; there is one device.

    Raises:
        TypeError: a name that is not a string, or data that are not numbers.
        ValueError: an empty name.
    """

    def __new__(cls, default_input: Any, name: str | None = None, requires_grad: bool = True, layerwise_parallel: bool = False,
                parallel_optimizer: bool = True, storage_format: str = "") -> Parameter:
        if isinstance(default_input, _core.TensorBase):
            if not default_input._has_data:
                raise err.CaptureError("a Parameter is made from a traced Tensor", hint="make Parameters in __init__, not in construct")
            self = _core.TensorBase.__new__(cls)
            self._rebind(default_input._copy())
            return self
        return tensor_data.from_value(default_input, None, cls)

    def __init__(self, default_input: Any, name: str | None = None, requires_grad: bool = True, layerwise_parallel: bool = False,
                 parallel_optimizer: bool = True, storage_format: str = "") -> None:
        self._named = name is not None
        self._name = _DEFAULT
        self.name = name  # type: ignore[assignment]
        if not isinstance(requires_grad, bool):
            raise TypeError(f"For Parameter, 'requires_grad' should be bool, but got {type(requires_grad).__name__}.")
        self._requires_grad = requires_grad
        self.layerwise_parallel = layerwise_parallel
        self.parallel_optimizer = parallel_optimizer

    @property
    def name(self) -> str:
        self._read("_name")
        return self._name

    @name.setter
    def name(self, value: str | None) -> None:
        if value is None:
            value = f"{_DEFAULT}#{next(_numbers)}"
        elif not isinstance(value, str):
            raise TypeError(f"For Parameter, the 'name' should be a string, but got {type(value).__name__}.")
        elif not value.strip():
            raise ValueError("For Parameter, the 'name' should not be empty.")
        else:
            self._named = True
        self._name = value

    @property
    def requires_grad(self) -> bool:
        """Whether ``trainable_params`` lists it."""
        self._read("_requires_grad")
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._requires_grad = value

    def _read(self, field: str) -> None:
        """A program that is being captured depends on the field."""
        recorder = active_recorder()
        if recorder is not None:
            recorder.field(self, field)

    @property
    def has_own_name(self) -> bool:
        """Whether the name was given, by the user or by a Cell."""
        return self._named

    def __repr__(self) -> str:
        return f"Parameter (name={self._name}, shape={self.shape}, dtype={self.dtype}, requires_grad={self.requires_grad})"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _restored, (Tensor(self), self._name, self.requires_grad, self._named)

    def __deepcopy__(self, memo: dict) -> Parameter:
        copied = self.clone()
        copied._name, copied._named = self._name, self._named
        memo[id(self)] = copied
        return copied

    @property
    def data(self) -> Parameter:
        return self

    def value(self) -> Tensor:
        """Its present value as a Tensor of its own."""
        return self.copy()

    def set_data(self, data: Any, slice_shape: bool = False) -> Parameter:
        """Takes another value, cast to the Parameter's dtype; in place, so that arrays that share its memory see it.

        Outside compiled functions the shape may change (``slice_shape=True``).

        Raises:
            ValueError: another shape.
            TypeError: not a Tensor or number.
        """
        if slice_shape and isinstance(data, _core.TensorBase) and data._has_data and data.shape != self.shape:
            self._rebind(tensor_data.from_value(data, self.dtype))
            return self
        return state.assign(self, data)

    def set_dtype(self, dtype: Any) -> Parameter:
        """Converts the Parameter itself to another dtype."""
        self._rebind(tensor_data.from_value(self, dt.as_dtype(dtype)))
        return self

    def clone(self, init: Any = "same") -> Parameter:
        """A copy with the same name; ``init`` fills it anew (an initializer, its name or a number)."""
        data: Any = self
        if not (isinstance(init, str) and init == "same"):
            from .initializer import initializer

            data = initializer(init, self.shape, self.dtype)
        made = Parameter(data, self._name, self.requires_grad, self.layerwise_parallel, self.parallel_optimizer)
        made._named = self._named
        return made

    def init_data(self, *args: Any, **kwargs: Any) -> Parameter:
        """The Parameter: values are there from the start."""
        return self


def _restored(data: Tensor, name: str, requires_grad: bool, named: bool) -> Parameter:
    parameter = Parameter(data, name, requires_grad)
    parameter._named = named
    return parameter


class ParameterTuple(tuple):
    """A tuple of Parameters.

    Raises:
        TypeError: an element is not a Parameter.
    """

    def __new__(cls, iterable: Any) -> ParameterTuple:
        if isinstance(iterable, Parameter):
            raise TypeError("For ParameterTuple, an iterable of Parameters was expected, but got a Parameter.")
        items = tuple(iterable)
        for item in items:
            if not isinstance(item, Parameter):
                raise TypeError(f"For ParameterTuple, the elements should be Parameters, but got {type(item).__name__}.")
        return super().__new__(cls, items)

    def clone(self, prefix: str, init: Any = "same") -> ParameterTuple:
        """Copies of all, named ``prefix.name``.

        Raises:
            TypeError: the prefix is not a string.
        """
        if not isinstance(prefix, str):
            raise TypeError(f"For ParameterTuple.clone, the 'prefix' should be a string, but got {type(prefix).__name__}.")
        made = []
        for parameter in self:
            copied = parameter.clone(init)
            copied.name = f"{prefix}.{parameter.name}"
            made.append(copied)
        return ParameterTuple(made)
