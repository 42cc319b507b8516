"""Cells that hold Cells: SequentialCell, CellList, CellDict."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .cell import Cell

__all__ = ["SequentialCell", "CellList", "CellDict"]


class _Numbered(Cell):
    """Cells under the names '0', '1', ... (or, in SequentialCell, the keys of an OrderedDict)."""

    def _check(self, cell: Any) -> Cell:
        if not isinstance(cell, Cell):
            raise TypeError(f"For '{type(self).__name__}', every element must be a Cell, got {type(cell).__name__}.")
        return cell

    def _key(self, index: Any) -> str:
        if isinstance(index, bool) or not isinstance(index, int):
            raise TypeError(f"For '{type(self).__name__}', the type of 'index' must be int, got {type(index).__name__}.")
        size = len(self._cells)
        if not -size <= index < size:
            raise IndexError(f"For '{type(self).__name__}', the value of 'index' must be in [{-size}, {size}), got {index}.")
        return list(self._cells)[index]

    def _renumber(self, cells: Iterable[Cell]) -> None:
        """Holds these Cells under fresh numbers; Parameter names follow."""
        for name in list(self._cells):
            delattr(self, name)
        for cell in cells:
            self.append(cell)

    def append(self, cell: Cell) -> Any:
        """Adds a Cell at the end; gives this Cell."""
        name = str(len(self._cells))
        self.insert_child_to_cell(name, self._check(cell))
        if self._auto_prefix and self._param_prefix:
            cell.update_parameters_name(f"{self._param_prefix}.{name}.")
        return self

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            part = type(self).__new__(type(self))
            Cell.__init__(part, auto_prefix=False)
            for name in list(self._cells)[index]:
                part.insert_child_to_cell(name, self._cells[name])
            return part
        return self._cells[self._key(index)]

    def __setitem__(self, index: int, cell: Cell) -> None:
        name = self._key(index)
        self.insert_child_to_cell(name, self._check(cell))
        if self._auto_prefix and self._param_prefix:
            cell.update_parameters_name(f"{self._param_prefix}.{name}.")

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._cells)
        gone = set(names[index]) if isinstance(index, slice) else {self._key(index)}
        kept = [c for n, c in self._cells.items() if n not in gone]
        self._renumber(kept)

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[Cell]:
        return iter(list(self._cells.values()))

    def __bool__(self) -> bool:
        return True

    def set_grad(self, requires_grad: bool = True) -> Cell:
        for cell in self._cells.values():
            cell.set_grad(requires_grad)
        return super().set_grad(requires_grad)


class SequentialCell(_Numbered):
    """Cells called one after the other, each with the result of the one before.

    Args:
        args: Cells, or one list of Cells, or one OrderedDict of Cells (its keys become the names).

    Raises:
        TypeError: an element is not a Cell.

    Examples:
        >>> net = nn.SequentialCell(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 2))
        >>> net(ops.ones((3, 4), ms.float32)).shape
        (3, 2)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, cell in args[0].items():
                self.insert_child_to_cell(name, self._check(cell))
            return
        for cell in args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args:
            self.append(cell)

    def construct(self, input_data: Any) -> Any:
        for cell in self._cells.values():
            input_data = cell(input_data)
        return input_data


class CellList(_Numbered):
    """A list of Cells, whose Parameters belong to the network. It cannot be called; its elements can.

    Args:
        args: one list of Cells, or nothing.
        auto_prefix: whether the Parameters get the number of their Cell as prefix. Default: True.

    Raises:
        TypeError: an element is not a Cell.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        auto_prefix = kwargs.pop("auto_prefix", True)
        if kwargs:
            raise TypeError(f"CellList got an unexpected keyword argument '{next(iter(kwargs))}'")
        super().__init__(auto_prefix)
        if len(args) > 1:
            raise TypeError("CellList takes one list of Cells")
        if args:
            self.extend(args[0])

    def extend(self, cells: Iterable[Cell]) -> CellList:
        """Adds Cells at the end."""
        if not isinstance(cells, (list, tuple, CellList, SequentialCell)):
            raise TypeError(f"For 'CellList', a list of Cells was expected, got {type(cells).__name__}.")
        for cell in list(cells):
            self.append(cell)
        return self

    def insert(self, index: int, cell: Cell) -> None:
        """Adds a Cell before a position; the Cells after it, and their Parameters, are renumbered."""
        cells = list(self._cells.values())
        if isinstance(index, bool) or not isinstance(index, int) or not -len(cells) <= index <= len(cells):
            raise IndexError(f"For 'CellList', 'index' must be an int in [{-len(cells)}, {len(cells)}], got {index}.")
        cells.insert(index, self._check(cell))
        self._renumber(cells)

    def construct(self, *inputs: Any) -> Any:
        raise NotImplementedError("A CellList cannot be called; call its elements.")


class CellDict(Cell):
    """Cells by name, whose Parameters belong to the network. It cannot be called; its elements can.

    Args:
        args: one mapping of Cells or one list of (name, Cell), or nothing.
        auto_prefix: whether the Parameters get the name of their Cell as prefix. Default: True.

    Raises:
        TypeError: a key is not a str or a value not a Cell.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(kwargs.pop("auto_prefix", True))
        if args:
            self.update(args[0])

    def update(self, cells: Any) -> None:
        """Adds the Cells of a mapping or of a list of (name, Cell)."""
        for name, cell in cells.items() if hasattr(cells, "items") else cells:
            self[name] = cell

    def __getitem__(self, key: str) -> Cell:
        return self._cells[key]

    def __setitem__(self, key: str, cell: Cell) -> None:
        if not isinstance(cell, Cell):
            raise TypeError(f"For 'CellDict', every value must be a Cell, got {type(cell).__name__}.")
        self.insert_child_to_cell(key, cell)

    def __delitem__(self, key: str) -> None:
        if key not in self._cells:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._cells)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._cells))

    def __contains__(self, key: object) -> bool:
        return key in self._cells

    def keys(self) -> Any:
        return OrderedDict(self._cells).keys()

    def values(self) -> Any:
        return OrderedDict(self._cells).values()

    def items(self) -> Any:
        return OrderedDict(self._cells).items()

    def clear(self) -> None:
        """Removes all Cells."""
        for key in list(self._cells):
            delattr(self, key)

    def pop(self, key: str) -> Cell:
        """Removes a Cell and gives it."""
        cell = self._cells[key]
        del self[key]
        return cell

    def construct(self, *inputs: Any) -> Any:
        raise NotImplementedError("A CellDict cannot be called; call its elements.")
