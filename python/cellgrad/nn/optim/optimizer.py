"""Base class of optimizers: learning rates, weight decay, parameter groups."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ... import _errors as err
from ... import ops
from ..._frontend import trace
from ..._frontend.jit import call_cell, cell_program
from ...common.parameter import Parameter, ParameterTuple
from ...common.tensor import Tensor
from .._checks import number
from ..cell import Cell
from ..learning_rate_schedule import LearningRateSchedule

__all__ = ["Optimizer"]


class _FromTable(LearningRateSchedule):
    """A learning rate for each step from a list; the last one stays."""

    def __init__(self, values: np.ndarray, name: str) -> None:
        super().__init__(auto_prefix=False)
        self.learning_rate = Parameter(values, name=name)

    def construct(self, global_step: Any) -> Tensor:
        last = self.learning_rate.shape[0] - 1
        return ops.gather(self.learning_rate, ops.reshape(ops.minimum(global_step, last), ()), 0)


class Optimizer(Cell):
    """Updates Parameters from their gradients: ``optimizer(gradients)``.

    Inside ``jit`` the update is part of the program; outside it is one compiled call for all Parameters. Either way it happens in place.

    A subclass writes ``construct(gradients)`` with ``self.parameters``, ``self.prepared(gradients)``, ``self.rates()`` and ``ops.assign``.

    Args:
        learning_rate: number; list, tuple, array or Tensor with one number for each step; or a LearningRateSchedule of the step. A plain number is the
            Parameter ``learning_rate``: ``ops.assign`` changes it between steps without a new compilation.
        parameters: list of Parameters, or of dicts, the groups: ``params`` and, if they differ from the optimizer's, ``lr``, ``weight_decay`` and
            ``grad_centralization``. A dict with ``order_params`` gives the order of the gradients.
        weight_decay: number or Cell of the step. Without groups, Parameters whose name has 'beta' or 'gamma' are left out.
        loss_scale: number by which gradients are divided.

    Raises:
        TypeError: parameters that are not Parameters; numbers that are not numbers.
        ValueError: no parameters; numbers out of range; a Parameter in two groups.
    """

    def __init__(self, learning_rate: Any, parameters: Any, weight_decay: Any = 0.0, loss_scale: float = 1.0) -> None:
        super().__init__(auto_prefix=False)
        self._precision = False  # updates are as exact as the Parameters, whatever the Cell around them computes in
        owner = type(self).__name__
        entries = _entries(owner, parameters)
        self.global_step = Parameter(np.zeros(1, np.int32), name="global_step")
        self.loss_scale = number(owner, "loss_scale", loss_scale, 0, open_low=True)
        self.is_group = isinstance(entries[0], dict)
        rate = self._rate(learning_rate, "learning_rate")
        decay = self._decay(weight_decay)
        rows = self._group_rows(entries, rate, decay) if self.is_group else [
            (p, rate, decay if "beta" not in p.name and "gamma" not in p.name else 0.0, False) for p in entries]
        seen: dict[str, int] = {}
        for row in rows:
            if row[0].name in seen:
                raise err.UserValueError(f"For '{owner}', the Parameter '{row[0].name}' is given more than once.")
            seen[row[0].name] = 1
        self.is_group_lr = any(row[1] is not rate for row in rows)
        self._rates, self._decays = tuple(row[1] for row in rows), tuple(row[2] for row in rows)
        self._centralize = tuple(row[3] for row in rows)
        self.learning_rate = rate
        for i, r in enumerate(dict.fromkeys(self._rates)):
            if r is not rate:
                if isinstance(r, Cell):
                    self.insert_child_to_cell(f"learning_rate_{i}", r)
                else:
                    self.insert_param_to_cell(r.name, r)
        self.dynamic_lr = any(isinstance(r, Cell) for r in self._rates)
        self.parameters = ParameterTuple(row[0] for row in rows)
        self.weight_decay = weight_decay

    # -- settings -------------------------------------------------------------------------------------------------------

    def _rate(self, value: Any, name: str) -> Any:
        owner = type(self).__name__
        if isinstance(value, LearningRateSchedule):
            return value
        if isinstance(value, Tensor):
            value = value.asnumpy()
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
            table = np.array([number(owner, "learning_rate", float(v), 0) for v in value], np.float32)
            if not table.size:
                raise err.UserValueError(f"For '{owner}', the list of learning rates must not be empty.")
            return _FromTable(table, name)
        return Parameter(np.array(number(owner, "learning_rate", value, 0), np.float32), name=name)

    def _decay(self, value: Any) -> Any:
        return value if isinstance(value, Cell) else number(type(self).__name__, "weight_decay", value, 0)

    def _group_rows(self, groups: list, rate: Any, decay: Any) -> list[tuple]:
        owner, rows, order = type(self).__name__, [], None
        for i, group in enumerate(groups):
            if "order_params" in group:
                order = list(group["order_params"])
                continue
            unknown = set(group) - {"params", "lr", "weight_decay", "grad_centralization"}
            if unknown or "params" not in group:
                raise err.UserValueError(f"For '{owner}', a group has the keys 'params', 'lr', 'weight_decay', 'grad_centralization', but got {sorted(group)}.")
            mine = self._rate(group["lr"], f"learning_rate_group_{i}") if "lr" in group else rate
            own = self._decay(group["weight_decay"]) if "weight_decay" in group else decay
            rows += [(p, mine, own, bool(group.get("grad_centralization", False))) for p in _check_parameters(owner, group["params"])]
        if not rows:
            raise err.UserValueError(f"For '{owner}', the groups have no Parameters.")
        if order is not None:
            places = {id(p): i for i, p in enumerate(order)}
            if len(order) != len(rows) or any(id(row[0]) not in places for row in rows):
                raise err.UserValueError(f"For '{owner}', 'order_params' must have each Parameter of the groups once.")
            rows.sort(key=lambda row: places[id(row[0])])
        return rows

    # -- what subclasses use ----------------------------------------------------------------------------------------------

    def rates(self) -> tuple[Any, ...]:
        """The learning rate of each Parameter at this step: 0-d Tensors."""
        now = {id(r): ops.reshape(r(self.global_step), ()) if isinstance(r, Cell) else r for r in dict.fromkeys(self._rates)}
        return tuple(now[id(r)] for r in self._rates)

    def step(self) -> None:
        """Counts the step."""
        ops.assign_add(self.global_step, 1)

    def prepared(self, gradients: Any, decay: bool = True) -> tuple[Tensor, ...]:
        """The gradients of all Parameters: scaled, centralized, and with weight decay as the settings say.

        Raises:
            TypeError: not a tuple or list of Tensors.
            ValueError: not one gradient for each Parameter; shapes that differ.
        """
        owner = type(self).__name__
        if isinstance(gradients, Tensor) and len(self.parameters) == 1:
            gradients = (gradients,)
        if not isinstance(gradients, (tuple, list)) or len(gradients) != len(self.parameters):
            got = f"{len(gradients)} of them" if isinstance(gradients, (tuple, list)) else type(gradients).__name__
            raise err.UserValueError(f"For '{owner}', a tuple with one gradient for each of the {len(self.parameters)} Parameters is needed, but got {got}.",
                                     hint="pass the gradients of value_and_grad(fn, None, optimizer.parameters)")
        out = []
        decays = self.decays() if decay else (0.0,) * len(self.parameters)
        for p, g, d, centralize in zip(self.parameters, gradients, decays, self._centralize, strict=True):
            if not isinstance(g, Tensor) or g.shape != p.shape:
                got = f"has shape {g.shape}" if isinstance(g, Tensor) else f"is {type(g).__name__}"
                raise err.ShapeError(f"For '{owner}', the gradient of Parameter '{p.name}' should be a Tensor of shape {p.shape}, but {got}")
            if not isinstance(d, float) or d > 0:
                g = g + p * ops.cast(d, p.dtype) if isinstance(d, Tensor) else g + p * d
            if centralize and g.ndim > 1:
                g = g - ops.mean(g, tuple(range(1, g.ndim)), True)
            if self.loss_scale != 1.0:
                g = g * (1.0 / self.loss_scale)
            out.append(g)
        return tuple(out)

    def decays(self) -> tuple[Any, ...]:
        """The weight decay of each Parameter at this step: numbers, or Tensors where it is a Cell of the step."""
        return tuple(ops.reshape(d(self.global_step), ()) if isinstance(d, Cell) else d for d in self._decays)

    # -- MindSpore's questions --------------------------------------------------------------------------------------------

    def get_lr(self) -> Any:
        """The learning rate at this step; with groups that have their own, a tuple with one for each Parameter."""
        now = self.rates()
        return now if self.is_group_lr else now[0]

    def get_lr_parameter(self, param: Any) -> Any:
        """The learning rate, a Parameter or LearningRateSchedule, of a Parameter, or a list of them for a list.

        Raises:
            ValueError: the Parameter is not one of this optimizer.
        """
        found = []
        places = {id(p): i for i, p in enumerate(self.parameters)}
        for p in param if isinstance(param, (list, tuple)) else (param,):
            if id(p) not in places:
                raise err.UserValueError(f"For 'get_lr_parameter', {getattr(p, 'name', p)!r} is not a Parameter of this optimizer.")
            found.append(self._rates[places[id(p)]])
        return found if isinstance(param, (list, tuple)) else found[0]

    def get_weight_decay(self) -> Any:
        """The weight decay at this step; with groups, a tuple with one for each Parameter."""
        return self.decays() if self.is_group else (self.weight_decay(self.global_step) if isinstance(self.weight_decay, Cell) else self.weight_decay)

    def construct(self, gradients: Any) -> Any:
        raise NotImplementedError(f"For '{type(self).__name__}', the method 'construct' is not defined.")

    def __call__(self, gradients: Any) -> Any:
        if trace.capturing():
            return call_cell(self, (gradients,), {})
        return cell_program(self)(gradients)


def _check_parameters(owner: str, parameters: Any) -> list:
    items = list(parameters)
    for item in items:
        if not isinstance(item, Parameter):
            raise err.UserTypeError(f"For '{owner}', the parameters must be Parameters or dicts (groups), but one is {type(item).__name__}.")
    return items


def _entries(owner: str, parameters: Any) -> list:
    if isinstance(parameters, (Tensor, str, dict)) or not isinstance(parameters, Iterable):
        raise err.UserTypeError(f"For '{owner}', a list of Parameters or groups is needed, but got {type(parameters).__name__}.",
                                hint="pass net.trainable_params()")
    items = list(parameters)
    if not items:
        raise err.UserValueError(f"For '{owner}', the list of Parameters must not be empty.")
    if all(isinstance(item, dict) for item in items):
        return items
    return _check_parameters(owner, items)
