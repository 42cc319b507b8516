"""Every op's record is whole: documentation, an example that parses and round-trips, a lowering, a derivative or a word that there is none.

In the examples `%a` and `%b` are tensor<2x3xf32>, `%v` is tensor<3xf32>, `%c` is tensor<2x3xi1>, `%i` is tensor<2xi32>, `%ct` is a cotangent like `%a`, and
`@f` takes two tensor<2x3xf32> and gives one.
"""

import functools
import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = {"a": "tensor<2x3xf32>", "b": "tensor<2x3xf32>", "v": "tensor<3xf32>", "c": "tensor<2x3xi1>", "i": "tensor<2xi32>", "ct": "tensor<2x3xf32>"}
CALLEE = """func.func private @f(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = cell.mul %x, %y : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}
"""


def _folder(package):
    spec = importlib.util.find_spec(package)
    return Path(next(iter(spec.submodule_search_locations)))


if not (_folder("mlir") / "include" / "mlir" / "IR" / "OpBase.td").exists():
    pytest.skip("the records are read with the TableGen files of xtc-mlir-dev, which only building needs", allow_module_level=True)


@functools.cache
def _cell_opt():
    for folder in (_folder("cellgrad") / "bin", ROOT / "build" / "bin"):
        if (folder / "cell-opt").exists():
            return folder / "cell-opt"
    pytest.fail("cell-opt is neither installed nor built")


@functools.cache
def _all_records():
    command = [_folder("llvm") / "bin" / "llvm-tblgen", "--dump-json", "-I", ROOT, "-I", _folder("mlir") / "include", ROOT / "dialect/Cell/CellOps.td"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _records():
    records = _all_records()
    return {records[name]["opName"]: records[name] for name in records["!instanceof"]["Op"]}


OPS = sorted(_records())


def _program(record):
    """The example as the body of a public function that returns what the example computes last."""
    body = record["example"].strip()
    last = re.findall(r"^\s*((?:%\w+(?:, )?)+)(?::\d+)? = ", body, re.M)[-1].split(", ")
    types = re.split(r"->", body)[-1] if "->" in body.splitlines()[-1] else body.splitlines()[-1].rsplit(" : ", 1)[1]
    types = types.strip().removeprefix("(").removesuffix(")")
    defined = {n for names in re.findall(r"^\s*(%[\w, %:]+) = ", body, re.M) for n in re.findall(r"%(\w+)", names)}
    used = [n for n in ARGUMENTS if re.search(rf"%{n}\b", body) and n not in defined]
    arguments = ", ".join(f"%{n}: {ARGUMENTS[n]}" for n in used)
    return f"{CALLEE}func.func @example({arguments}) -> ({types}) {{\n{body}\nreturn {', '.join(last)} : {types}\n}}\n"


def _run(text, *flags):
    done = subprocess.run([_cell_opt(), *flags], input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", OPS)
def test_record_is_documented(name):
    record = _records()[name]
    assert record["summary"], "give it a summary"
    assert f"cell.{name}" in record["example"], "give it an example that uses the op"


@pytest.mark.parametrize("name", OPS)
def test_example_parses_and_round_trips(name):
    once = _run(_program(_records()[name]))
    assert f"cell.{name}" in once
    assert _run(once) == once


@pytest.mark.parametrize("name", OPS)
def test_example_lowers_to_linalg(name):
    lowered = _run(_program(_records()[name]), "--cell-differentiate-pipeline", "--cell-to-linalg-pipeline")
    assert "cell." not in re.sub(r"cell\.(param|donated|alias)", "", lowered)


@pytest.mark.parametrize("name", OPS)
def test_derivative_is_given_or_refused(name):
    record = _records()[name]
    if name in ("value_and_grad", "vjp", "jvp", "vmap"):
        return  # they stand for derivatives; --cell-differentiate removes them first
    traits = {t["def"] for t in record["traits"]}
    interfaces = {_all_records()[t].get("cppInterfaceName") for t in traits}
    if "NonDifferentiable" in traits:
        assert "DifferentiableOpInterface" not in interfaces, "it has a rule and says that it has none"
    else:
        said = {"DifferentiableOpInterface", "CompositeOpInterface"} & interfaces
        assert said, "derive it from a class with a derivative, or add NonDifferentiable"
