"""Rows of the behaviour reference: stop_gradient, Higher. Columns: name, expression, parameters, arguments; see harness.py."""
from __future__ import annotations

from .harness import row

ROWS = [
    row("stop_gradient_partial", 'value_and_grad(fn, (0, 1))(x, y)', 'x, y', 'X(), Y()',
        setup='def fn(x, y): return stop_gradient(x * y) * x',
        gives='(f32([3.0, 16.0]), (f32([3.0, 8.0]), f32([0.0, 0.0])))'),
    row("stop_gradient_all", 'value_and_grad(fn, 0)(x)', 'x', 'X()',
        setup='def fn(x): return stop_gradient(x * x)',
        gives='(f32([1.0, 4.0]), f32([0.0, 0.0]))'),
    row("stop_gradient_param", 'value_and_grad(fn, 0, [net.w, net.b])(x)', 'x', 'X()',
        setup="""
net = PNet()
def fn(x): return stop_gradient(net.w) * x + net.b
""",
        gives='(f32([3.0, 7.0]), (f32([2.0, 3.0]), (f32([0.0, 0.0]), f32([1.0, 1.0]))))'),
    row("if_on_tensor", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup="""
def fn(x):
    if x.sum() > 2: return x * x
    return x * 3
""",
        gives='(f32([1.0, 4.0]), f32([2.0, 4.0]))'),
    row("while_on_tensor", 'value_and_grad(fn)(x, n)', 'x, n', 'X(), Tensor(3, ms.int32)',
        setup="""
def fn(x, n):
    i = 0
    while i < n:
        x = x * 2
        i = i + 1
    return x
""",
        gives='(f32([8.0, 16.0]), f32([8.0, 8.0]))'),
    row("for_range", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup="""
def fn(x):
    for i in range(3): x = x * x
    return x
""",
        gives='(f32([1.0, 256.0]), f32([8.0, 1024.0]))'),
    row("inplace_on_input", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup="""
def fn(x):
    y = x * 1
    y[0] = 10.0
    return y * x
""",
        gives='(f32([10.0, 4.0]), f32([10.0, 4.0]))'),
    row("grad_under_detach", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup="def fn(x): return x.detach() * x if hasattr(x, 'detach') else stop_gradient(x) * x",
        gives='(f32([1.0, 4.0]), f32([1.0, 2.0]))'),
    row("two_out_second_unused_is_same", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup="""
def fn(x):
    y = x * x
    return (y, y)
""",
        gives='((f32([1.0, 4.0]), f32([1.0, 4.0])), f32([4.0, 8.0]))'),
    row("second_order_grad_grad", 'grad(grad(f))(x)', 'x', 'X()',
        setup='def f(x): return x ** 3',
        gives='f32([6.0, 12.0])'),
    row("second_order_vg_of_grad", 'value_and_grad(grad(f))(x)', 'x', 'X()',
        setup='def f(x): return x ** 3',
        gives='(f32([3.0, 12.0]), f32([6.0, 12.0]))'),
    row("second_order_vg_of_vg", 'value_and_grad(value_and_grad(f))(x)', 'x', 'X()',
        setup='def f(x): return x ** 3',
        gives='((f32([1.0, 8.0]), f32([3.0, 12.0])), f32([9.0, 24.0]))'),
    row("third_order", 'grad(grad(grad(f)))(x)', 'x', 'X()',
        setup='def f(x): return x ** 4',
        gives='f32([24.0, 48.0])'),
    row("mixed_second_order", 'grad(grad(f, 0), 1)(x, y)', 'x, y', 'X(), Y()',
        setup='def f(x, y): return x * x * y * y',
        gives='f32([12.0, 32.0])'),
    row("grad_of_weights_of_grad_of_input", 'value_and_grad(g, None, [net.w, net.b])(x)', 'x', 'X()',
        setup="""
net = PNet()
def g(x): return grad(lambda v: net(v) * net(v))(x)
""",
        gives='(f32([12.0, 42.0]), (f32([10.0, 26.0]), f32([4.0, 6.0])))'),
    row("grad_inside_vmap", 'ops.vmap(grad(lambda v: v * v * v))(x)', 'x', 'X()',
        gives='f32([3.0, 12.0])'),
    row("custom_bprop_cell", 'value_and_grad(net, (0, 1))(x, y)', 'x, y', 'X(), Y()',
        setup="""
class C(nn.Cell):
    def construct(self, x, y): return x * y
    def bprop(self, x, y, out, dout): return (dout * 100, out * 0 + 7)
net = C()
""",
        gives='(f32([3.0, 8.0]), (f32([100.0, 100.0]), f32([7.0, 7.0])))'),
    row("custom_bprop_inside_fn", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup="""
class C(nn.Cell):
    def construct(self, x): return x * x
    def bprop(self, x, out, dout): return (dout * 100,)
net = C()
def fn(x): return net(x) * 2
""",
        gives='(f32([2.0, 8.0]), f32([200.0, 200.0]))'),
    row("custom_bprop_wrong_count", 'value_and_grad(net, (0, 1))(x, y)', 'x, y', 'X(), Y()',
        setup="""
class C(nn.Cell):
    def construct(self, x, y): return x * y
    def bprop(self, x, y, out, dout): return (dout,)
net = C()
""",
        raises='RuntimeError', match='one gradient per input: 2 are needed, but it returned 1'),
    row("custom_bprop_not_tuple", 'value_and_grad(net)(x)', 'x', 'X()',
        setup="""
class C(nn.Cell):
    def construct(self, x): return x * x
    def bprop(self, x, out, dout): return dout * 5
net = C()
""",
        note='one input: a bare Tensor is taken, as PYNATIVE does',
        gives='(f32([1.0, 4.0]), f32([5.0, 5.0]))'),
    row("custom_bprop_wrong_shape", 'value_and_grad(net)(x)', 'x', 'X()',
        setup="""
class C(nn.Cell):
    def construct(self, x): return x * x
    def bprop(self, x, out, dout): return (T([1.0, 2.0, 3.0]),)
net = C()
""",
        note='refused, as PYNATIVE does',
        raises='RuntimeError', match='returned for input 0 a Tensor of shape (3,), but it has shape (2,)'),
    row("gradoperation_default", 'ops.GradOperation()(f_mul)(x, y)', 'x, y', 'X(), Y()',
        gives='f32([3.0, 4.0])'),
    row("gradoperation_get_all", 'ops.GradOperation(get_all=True)(f_mul)(x, y)', 'x, y', 'X(), Y()',
        gives='(f32([3.0, 4.0]), f32([1.0, 2.0]))'),
    row("gradoperation_get_all_by_list_sens", 'op(net, ParameterTuple([net.w, net.b]))(x, s)', 'x, s', 'X(), T([1.0, 10.0])',
        setup="""
net = PNet()
op = ops.GradOperation(get_all=True, get_by_list=True, sens_param=True)
""",
        gives='((f32([2.0, 30.0]),), (f32([1.0, 20.0]), f32([1.0, 10.0])))'),
    row("vjp_basic", 'run(x, y, v)', 'x, y, v', 'X(), Y(), T([1.0, 10.0])',
        setup="""
def run(x, y, v):
    out, vf = ms.vjp(f_mul, x, y)
    return (out, vf(v))
""",
        gives='(f32([3.0, 8.0]), (f32([3.0, 40.0]), f32([1.0, 20.0])))'),
    row("vjp_weights", 'run(x, v)', 'x, v', 'X(), T([1.0, 10.0])',
        setup="""
net = PNet()
def run(x, v):
    out, vf = ms.vjp(net, x, weights=[net.w, net.b])
    return (out, vf(v))
""",
        gives='(f32([3.0, 7.0]), ((f32([2.0, 30.0]),), (f32([1.0, 20.0]), f32([1.0, 10.0]))))'),
    row("vjp_aux", 'run(x, y, v)', 'x, y, v', 'X(), Y(), T([1.0, 10.0])',
        setup="""
def run(x, y, v):
    out, vf, aux = ms.vjp(f_two, x, y, has_aux=True)
    return (out, vf(v), aux)
""",
        gives='(f32([3.0, 8.0]), (f32([3.0, 40.0]), f32([1.0, 20.0])), f32([4.0, 6.0]))'),
    row("jvp_basic", 'ms.jvp(f_mul, (x, y), (v, v))', 'x, y, v', 'X(), Y(), T([1.0, 10.0])',
        gives='(f32([3.0, 8.0]), f32([4.0, 60.0]))'),
    row("jvp_aux", 'ms.jvp(f_two, (x, y), (v, v), has_aux=True)', 'x, y, v', 'X(), Y(), T([1.0, 10.0])',
        gives='(f32([3.0, 8.0]), f32([4.0, 60.0]), f32([4.0, 6.0]))'),
    row("jacfwd_basic", 'ms.jacfwd(f_mul, (0, 1))(x, y)', 'x, y', 'X(), Y()',
        gives='(f32([[3.0, 0.0], [0.0, 4.0]]), f32([[1.0, 0.0], [0.0, 2.0]]))'),
    row("jacrev_basic", 'ms.jacrev(f_mul, 0)(x, y)', 'x, y', 'X(), Y()',
        gives='f32([[3.0, 0.0], [0.0, 4.0]])'),
    row("hessian_jacfwd_jacrev", 'ms.jacfwd(ms.jacrev(f))(x)', 'x', 'X()',
        setup='def f(x): return (x ** 3).sum()',
        gives='f32([[6.0, 0.0], [0.0, 12.0]])'),
    row("linearize_basic", 'run(x, y, v)', 'x, y, v', 'X(), Y(), T([1.0, 10.0])',
        setup="""
def run(x, y, v):
    out, lf = linearize(f_mul, (x, y))
    return (out, lf((v, v)))
""",
        gives='(f32([3.0, 8.0]), f32([4.0, 60.0]))'),
]
