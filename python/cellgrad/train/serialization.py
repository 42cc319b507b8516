"""Checkpoints: Parameters in a safetensors file, written atomically."""
from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import _errors as err
from .._runtime import dtype as dt
from .._runtime.files import write_file
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ..nn.cell import Cell

__all__ = ["load_checkpoint", "load_param_into_net", "save_checkpoint"]

_SUFFIXES = (".ckpt", ".safetensors")


def _named(save_obj: Any) -> dict[str, Tensor]:
    if isinstance(save_obj, Cell):
        save_obj.check_names()
        return dict(save_obj.parameters_dict())
    if isinstance(save_obj, Mapping):
        pairs = list(save_obj.items())
    elif isinstance(save_obj, (list, tuple)):
        pairs = []
        for item in save_obj:
            if not isinstance(item, Mapping) or not {"name", "data"} <= set(item):
                raise err.UserTypeError("For 'save_checkpoint', the elements of the list must be dicts with the keys 'name' and 'data'.")
            pairs.append((item["name"], item["data"]))
    else:
        raise err.UserTypeError(f"For 'save_checkpoint', 'save_obj' must be a Cell, a dict or a list of dicts, but got {type(save_obj).__name__}.")
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise err.UserTypeError(f"For 'save_checkpoint', names must be str and values Tensors, but got {name!r}: {type(value).__name__}.")
    return dict(pairs)


def _extra(append_dict: Any) -> dict[str, Tensor]:
    extra = {}
    for name, value in (append_dict or {}).items():
        if not isinstance(name, str) or not isinstance(value, (Tensor, bool, int, float)):
            raise err.UserTypeError(f"For 'save_checkpoint', 'append_dict' holds names and numbers or Tensors, but got {name!r}: {type(value).__name__}.")
        extra[name] = value if isinstance(value, Tensor) else Tensor(value)
    return extra


def save_checkpoint(save_obj: Any, ckpt_file_name: Any, integrated_save: bool = True, async_save: Any = False, append_dict: dict | None = None,
                    enc_key: Any = None, enc_mode: str = "AES-GCM", choice_func: Callable[[str], bool] | None = None, crc_check: bool = False,
                    format: str = "ckpt", **kwargs: Any) -> None:
    """Writes Parameters into a safetensors file.

    The file appears whole or not at all: it is written beside its place, flushed to the disk and renamed.

    Args:
        save_obj: Cell (an optimizer with its state, for example), a dict of Tensors by name, or a list of dicts with 'name' and 'data'.
        ckpt_file_name: path. Without the suffix '.ckpt' or '.safetensors' it gets that of ``format``; the content is safetensors either way.
        append_dict: more names with numbers or Tensors.
        choice_func: says for a name whether it is written.
        format: 'ckpt' or 'safetensors'.
        integrated_save, async_save, crc_check: accepted for MindSpore's programs; writing is whole and checked in any case.
        enc_key: None; encryption is not supported.

    Raises:
        TypeError: another kind of object.
        ValueError: two Parameters of one name; another format.
        NotImplementedError: encryption.
        OSError: the file cannot be written.
    """
    if enc_key is not None:
        raise err.UnsupportedError("save_checkpoint: encryption is not supported", hint="leave out 'enc_key' and encrypt the file")
    if format not in ("ckpt", "safetensors"):
        raise err.UserValueError(f"For 'save_checkpoint', 'format' must be 'ckpt' or 'safetensors', but got {format!r}.")
    from safetensors.numpy import save

    path = os.path.abspath(os.fspath(ckpt_file_name))
    if not path.endswith(_SUFFIXES):
        path += "." + format
    chosen = {name: value for name, value in {**_named(save_obj), **_extra(append_dict)}.items() if choice_func is None or choice_func(name)}
    data = {name: np.ascontiguousarray(value.asnumpy()).reshape(value.shape) for name, value in chosen.items()}
    write_file(path, save(data, {"format": "cellgrad"}))


_DTYPES = {"BOOL": dt.bool_, "I8": dt.int8, "I16": dt.int16, "I32": dt.int32, "I64": dt.int64, "U8": dt.uint8, "F16": dt.float16, "BF16": dt.bfloat16,
           "F32": dt.float32, "F64": dt.float64}


def load_checkpoint(ckpt_file_name: Any, net: Cell | None = None, strict_load: bool = False, filter_prefix: Any = None, dec_key: Any = None,
                    dec_mode: str = "AES-GCM", specify_prefix: Any = None, choice_func: Callable[[str], bool] | None = None, crc_check: bool = False,
                    remove_redundancy: bool = False, format: str = "ckpt") -> dict[str, Parameter]:
    """Reads Parameters from a safetensors file: a dict by name.

    Args:
        ckpt_file_name: path.
        net: Cell that takes the Parameters over, or None.
        strict_load: see ``load_param_into_net``.
        filter_prefix: names that begin with it, or with one of a list, are left out.
        specify_prefix: only names that begin with it, or with one of a list, are read.
        choice_func: says for a name whether it is read.
        dec_key: None; encryption is not supported.
        dec_mode, crc_check, remove_redundancy, format: accepted for MindSpore's programs.

    Raises:
        ValueError: there is no such file; it is damaged or no safetensors file; nothing is left to read. Nothing is half loaded.
        TypeError: arguments of another type.
    """
    if dec_key is not None:
        raise err.UnsupportedError("load_checkpoint: encryption is not supported", hint="decrypt the file first")
    path = os.path.abspath(os.fspath(ckpt_file_name))
    if not os.path.isfile(path):
        raise err.UserValueError(f"For 'load_checkpoint', there is no file {os.fspath(ckpt_file_name)}.")
    if net is not None and not isinstance(net, Cell):
        raise err.UserTypeError(f"For 'load_checkpoint', 'net' must be a Cell, but got {type(net).__name__}.")
    from safetensors import SafetensorError, deserialize

    with open(path, "rb") as file:
        content = file.read()
    try:
        entries = deserialize(content)
    except (SafetensorError, ValueError) as error:
        hint = "write it again with save_checkpoint"
        if content[:1] == b"\x0a":
            hint = "it looks like a checkpoint of MindSpore: load it there and save it with format='safetensors'"
        raise err.UserValueError(f"load_checkpoint: the file {os.fspath(ckpt_file_name)} is damaged or not a safetensors file ({error})", hint=hint) from None
    skip, only = _prefixes("filter_prefix", filter_prefix), _prefixes("specify_prefix", specify_prefix)
    result = {}
    for name, entry in entries:
        wanted = not (skip and name.startswith(skip)) and (not only or name.startswith(only)) and (choice_func is None or choice_func(name))
        if wanted:
            result[name] = _parameter(path, name, entry)
    if not result:
        raise err.UserValueError(f"For 'load_checkpoint', nothing was read from {os.fspath(ckpt_file_name)}: it is empty, or all names were left out.")
    if net is not None:
        load_param_into_net(net, result, strict_load)
    return result


def _prefixes(name: str, value: Any) -> tuple[str, ...]:
    items = () if value is None else (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(item, str) and item for item in items):
        raise err.UserTypeError(f"For 'load_checkpoint', '{name}' must be a str or a list of str that are not empty, but got {value!r}.")
    return items


def _parameter(path: str, name: str, entry: Mapping[str, Any]) -> Parameter:
    dtype = _DTYPES.get(entry["dtype"])
    if dtype is None:
        raise err.UnsupportedError(f"load_checkpoint: '{name}' in {path} has the dtype {entry['dtype']}, which cellgrad does not have")
    array = np.frombuffer(bytearray(entry["data"]), dtype.np_dtype).reshape(tuple(entry["shape"]))
    return Parameter(Tensor(array, dtype), name=name)


def load_param_into_net(net: Cell, parameter_dict: Mapping[str, Any], strict_load: bool = False, remove_redundancy: bool = False) -> tuple[list[str], list[str]]:
    """Writes Parameters into those of the same name of a Cell, in place. Everything is checked first: on an error nothing has changed.

    Args:
        net: Cell.
        parameter_dict: Parameters (or Tensors) by name.
        strict_load: whether the dtypes must be equal; otherwise a float takes another float's values, an integer another integer's.

    Returns:
        (names of the Cell that the dict lacks, names of the dict that the Cell lacks).

    Raises:
        TypeError: arguments of another type.
        RuntimeError: shapes differ; dtypes that do not go together.
    """
    if not isinstance(net, Cell):
        raise err.UserTypeError(f"For 'load_param_into_net', 'net' must be a Cell, but got {type(net).__name__}.")
    if not isinstance(parameter_dict, Mapping):
        raise err.UserTypeError(f"For 'load_param_into_net', 'parameter_dict' must be a dict, but got {type(parameter_dict).__name__}.")
    for name, value in parameter_dict.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise err.UserTypeError(f"For 'load_param_into_net', names must be str and values Parameters, but got {name!r}: {type(value).__name__}.")
    pairs, missing = [], []
    for param in net.get_parameters():
        value = parameter_dict.get(param.name)
        if value is None:
            missing.append(param.name)
            continue
        if tuple(value.shape) != tuple(param.shape):
            raise RuntimeError(f"For 'load_param_into_net', '{param.name}' has shape {tuple(param.shape)} in the Cell but {tuple(value.shape)} in the dict.")
        if value.dtype is not param.dtype and (strict_load or value.dtype.is_floating_point != param.dtype.is_floating_point):
            raise RuntimeError(f"For 'load_param_into_net', '{param.name}' has dtype {param.dtype} in the Cell but {value.dtype} in the dict.")
        pairs.append((param, value))
    for param, value in pairs:
        param.set_data(value)
    names = {p.name for p in net.get_parameters()}
    return missing, [name for name in parameter_dict if name not in names]
