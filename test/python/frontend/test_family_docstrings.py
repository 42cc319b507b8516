"""The examples in the docstrings of the family print what they say."""
from __future__ import annotations

import doctest

import pytest

import cellgrad as ms
from cellgrad import Tensor, nn, ops

FUNCTIONS = [ms.value_and_grad, ms.grad, ms.vjp, ms.jvp, ms.jacfwd, ms.jacrev, ms.hessian, ms.custom_vjp, ms.custom_jvp, ms.checkpoint, ms.recompute, ms.saved, ops.linearize,
             ops.derivative, ops.jet, ops.GradOperation, nn.ForwardValueAndGrad, nn.WithGradCell, ms.jit]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_examples(function):
    scope = {"ms": ms, "nn": nn, "ops": ops, "Tensor": Tensor, "value_and_grad": ms.value_and_grad, "grad": ms.grad}
    tests = doctest.DocTestFinder(recurse=False).find(function, function.__name__, globs=scope)
    assert tests and tests[0].examples
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(tests[0])
    assert not results.failed
