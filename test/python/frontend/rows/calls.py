"""Rows of the behaviour reference: Calls, sens_param. Columns: name, expression, parameters, arguments; see harness.py."""
from __future__ import annotations

from .harness import row

ROWS = [
    row("kw_call_all", 'value_and_grad(f_mul, 0)(x=x, y=y)', 'x, y', 'X(), Y()',
        gives='(f32([3.0, 8.0]), f32([3.0, 4.0]))'),
    row("kw_call_one", 'value_and_grad(f_mul, 0)(x, y=y)', 'x, y', 'X(), Y()',
        gives='(f32([3.0, 8.0]), f32([3.0, 4.0]))'),
    row("kw_call_one_pos1", 'value_and_grad(f_mul, 1)(x, y=y)', 'x, y', 'X(), Y()',
        gives='(f32([3.0, 8.0]), f32([1.0, 2.0]))'),
    row("kw_call_swapped", 'value_and_grad(fn, 0)(y=y, x=x)', 'x, y', 'X(), Y()',
        setup='def fn(x, y): return x - 2 * y',
        gives='(f32([-5.0, -6.0]), f32([-2.0, -2.0]))'),
    row("kw_default_not_given", 'value_and_grad(fn, 0)(x)', 'x', 'X()',
        setup='def fn(x, y=2.0): return x * y',
        gives='(f32([2.0, 4.0]), f32([2.0, 2.0]))'),
    row("kw_default_given", 'value_and_grad(fn, 0)(x, y)', 'x, y', 'X(), Y()',
        setup='def fn(x, y=2.0): return x * y',
        gives='(f32([3.0, 8.0]), f32([3.0, 4.0]))'),
    row("kw_default_tensor_pos1_not_given", 'value_and_grad(fn, 1)(x)', 'x', 'X()',
        setup="""
d = T([5.0, 5.0])
def fn(x, y=d): return x * y
""",
        raises='RuntimeError', match='Position index 1 is exceed input size.'),
    row("kwonly_arg", 'value_and_grad(fn, 0)(x, k=k)', 'x, k', 'X(), Y()',
        setup='def fn(x, *, k): return x * k',
        gives='(f32([3.0, 8.0]), f32([3.0, 4.0]))'),
    row("kwargs_fn", 'value_and_grad(fn, 0)(x, k=k)', 'x, k', 'X(), Y()',
        setup="def fn(x, **kw): return x * kw['k']",
        gives='(f32([3.0, 8.0]), f32([3.0, 4.0]))'),
    row("varargs_fn", 'value_and_grad(fn, (0, 1))(x, y)', 'x, y', 'X(), Y()',
        setup='def fn(*args): return args[0] * args[1]',
        gives='(f32([3.0, 8.0]), (f32([3.0, 4.0]), f32([1.0, 2.0])))'),
    row("varargs_pos_out_of_range", 'value_and_grad(fn, 2)(x, y)', 'x, y', 'X(), Y()',
        setup='def fn(*args): return args[0] * args[1]',
        raises='RuntimeError', match='Position index 2 is exceed input size.'),
    row("varargs_star_call", 'value_and_grad(fn, (0, 2))(*(x, y, z))', 'x, y, z', 'X(), Y(), Z()',
        setup="""
def fn(x, *args):
    for a in args: x = x * a
    return x
""",
        gives='(f32([15.0, 48.0]), (f32([15.0, 24.0]), f32([3.0, 8.0])))'),
    row("too_few_args", 'value_and_grad(f_mul, 0)(x)', 'x', 'X()',
        raises='TypeError', match="f_mul() missing 1 required positional argument: 'y'"),
    row("too_many_args", 'value_and_grad(f_mul, 0)(x, y, z)', 'x, y, z', 'X(), Y(), Z()',
        raises='TypeError', match='f_mul() takes 2 positional arguments but 3 were given'),
    row("no_args_at_all", 'value_and_grad(f_mul, 0)()', '', '',
        raises='TypeError', match="f_mul() missing 2 required positional arguments: 'x' and 'y'"),
    row("too_few_args_cell", 'value_and_grad(net, 0)(x)', 'x', 'X()',
        setup='net = Mul3()',
        raises='TypeError', match="Mul3.construct() missing 2 required positional arguments: 'y' and 'z'"),
    row("too_many_args_cell", 'value_and_grad(net, 0)(x, y, z, x)', 'x, y, z', 'X(), Y(), Z()',
        setup='net = Mul3()',
        raises='TypeError', match='Mul3.construct() takes 4 positional arguments but 5 were given'),
    row("unknown_kwarg", 'value_and_grad(f_mul, 0)(x, y, q=y)', 'x, y', 'X(), Y()',
        raises='TypeError', match="f_mul() got an unexpected keyword argument 'q'"),
    row("lambda_fn", 'value_and_grad(g, 0)(x, y)', 'x, y', 'X(), Y()',
        setup='g = lambda x, y: x * y',
        gives='(f32([3.0, 8.0]), f32([3.0, 4.0]))'),
    row("bound_method", 'value_and_grad(a.f, 0)(x)', 'x', 'X()',
        setup="""
class A:
    def __init__(self): self.k = 3
    def f(self, x): return x * x * self.k
a = A()
""",
        gives='(f32([3.0, 12.0]), f32([6.0, 12.0]))'),
    row("callable_object", 'value_and_grad(a, 0)(x)', 'x', 'X()',
        setup="""
class A:
    def __call__(self, x): return x * x
a = A()
""",
        note='better than both modes: it works',
        gives='(f32([1.0, 4.0]), f32([2.0, 4.0]))'),
    row("functools_partial", 'value_and_grad(p, 0)(x)', 'x', 'X()',
        setup="""
import functools
p = functools.partial(f_mul, Y())
""",
        note='better than both modes: it works',
        gives='(f32([3.0, 8.0]), f32([3.0, 4.0]))'),
    row("primitive_fn", 'value_and_grad(s, 0)(x)', 'x', 'X()',
        setup='s = ops.Square()',
        note='better than both modes: it works',
        gives='(f32([1.0, 4.0]), f32([2.0, 4.0]))'),
    row("ops_function", 'value_and_grad(ops.square, 0)(x)', 'x', 'X()',
        gives='(f32([1.0, 4.0]), f32([2.0, 4.0]))'),
    row("class_cell_not_instance", 'value_and_grad(Mul3, 0)(x)', 'x', 'X()',
        note='one exception type for every fn that is none',
        raises='TypeError', match='make an instance first: Mul3'),
    row("fn_raises", 'value_and_grad(fn, 0)(x)', 'x', 'X()',
        setup="def fn(x): raise ValueError('mine')",
        raises='ValueError', match='mine'),
    row("attr_of_grad_fn", 'run(x)', 'x', 'X()',
        setup="""
def run(x):
    g = value_and_grad(f_sq)
    return (g(x), g(x))
""",
        gives='((f32([1.0, 4.0]), f32([2.0, 4.0])), (f32([1.0, 4.0]), f32([2.0, 4.0])))'),
    row("vg_of_jitted_fn", 'value_and_grad(jf, (0, 1))(x, y)', 'x, y', 'X(), Y()',
        setup='jf = jit(f_mul)',
        gives='(f32([3.0, 8.0]), (f32([3.0, 4.0]), f32([1.0, 2.0])))'),
    row("python_side_effects_two_calls", 'wrap(x)', 'x', 'X()',
        setup="""
calls = []
def fn(x):
    calls.append(1)
    return x * x
def run(x):
    g = value_and_grad(fn)
    g(x)
    return g(x)[1]
def wrap(x):
    r = run(x)
    return (r, len(calls))
""",
        gives='(f32([2.0, 4.0]), 2)'),
    row("output_identity_of_input", 'run(x)', 'x', 'X()',
        setup="""
def fn(x): return x
def run(x):
    out, g = value_and_grad(fn)(x)
    return (out is x, out)
""",
        gives='(True, f32([1.0, 2.0]))'),
    row("print_inside_fn_type_of_x", 'wrap(x)', 'x', 'X()',
        setup="""
seen = []
def fn(x):
    seen.append(type(x).__name__)
    return x * x
def run(x):
    r = value_and_grad(fn)(x)
    return r
def wrap(x):
    r = run(x)
    return (r, seen[0])
""",
        gives="((f32([1.0, 4.0]), f32([2.0, 4.0])), 'Tensor')"),
    row("asnumpy_inside_fn", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return x * float(x.asnumpy().sum())',
        note='the modes disagree, and the gradient would be wrong',
        raises='CaptureError', match='asnumpy() needs the values of'),
    row("sens_param_positional", 'value_and_grad(f_sq, 0, sens_param=True)(x, s)', 'x, s', 'X(), T([1.0, 10.0])',
        gives='(f32([1.0, 4.0]), f32([2.0, 40.0]))'),
    row("sens_param_keyword", 'value_and_grad(f_sq, 0, sens_param=True)(x, sens=s)', 'x, s', 'X(), T([1.0, 10.0])',
        gives='(f32([1.0, 4.0]), f32([2.0, 40.0]))'),
    row("sens_param_missing", 'value_and_grad(f_sq, 0, sens_param=True)(x)', 'x', 'X()',
        raises='TypeError', match="f_sq() missing 1 required positional argument: 'x'"),
    row("sens_param_wrong_shape", 'value_and_grad(f_sq, 0, sens_param=True)(x, s)', 'x, s', 'X(), T([1.0, 10.0, 100.0])',
        note='same type, our words',
        raises='ValueError', match='the cotangent (sens) has shape (3,), but the output has shape (2,)'),
    row("sens_param_two_outputs_tuple", 'value_and_grad(f_two, 0, sens_param=True)(x, y, (a, b))', 'x, y, a, b', 'X(), Y(), T([1.0, 1.0]), T([100.0, 100.0])',
        gives='((f32([3.0, 8.0]), f32([4.0, 6.0])), f32([103.0, 104.0]))'),
]
