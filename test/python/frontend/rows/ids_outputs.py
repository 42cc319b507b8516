"""Rows of the behaviour reference: return_ids, Outputs. Columns: name, expression, parameters, arguments; see harness.py."""
from __future__ import annotations

from .harness import row

ROWS = [
    row("ids_case1_int", 'value_and_grad(f_mul, 1, None, return_ids=True)(x, y)', 'x, y', 'X(), Y()',
        gives='(f32([3.0, 8.0]), (1, f32([1.0, 2.0])))'),
    row("ids_case1_tuple", 'value_and_grad(f_mul, (0, 1), None, return_ids=True)(x, y)', 'x, y', 'X(), Y()',
        gives='(f32([3.0, 8.0]), ((0, f32([3.0, 4.0])), (1, f32([1.0, 2.0]))))'),
    row("ids_case1_tuple_one", 'value_and_grad(f_mul, (1,), None, return_ids=True)(x, y)', 'x, y', 'X(), Y()',
        gives='(f32([3.0, 8.0]), (1, f32([1.0, 2.0])))'),
    row("ids_case2_list", 'value_and_grad(net, None, [net.w, net.b], return_ids=True)(x)', 'x', 'X()',
        setup='net = PNet()',
        gives="(f32([3.0, 7.0]), (('w', f32([1.0, 2.0])), ('b', f32([1.0, 1.0]))))"),
    row("ids_case2_single", 'value_and_grad(net, None, net.w, return_ids=True)(x)', 'x', 'X()',
        setup='net = PNet()',
        gives="(f32([3.0, 7.0]), ('w', f32([1.0, 2.0])))"),
    row("ids_case3_int_list", 'value_and_grad(net, 0, [net.w, net.b], return_ids=True)(x)', 'x', 'X()',
        setup='net = PNet()',
        gives="(f32([3.0, 7.0]), ((0, f32([2.0, 3.0])), (('w', f32([1.0, 2.0])), ('b', f32([1.0, 1.0])))))"),
    row("ids_case3_tuple_list", 'value_and_grad(net, (0,), [net.w, net.b], return_ids=True)(x)', 'x', 'X()',
        setup='net = PNet()',
        gives="(f32([3.0, 7.0]), ((0, f32([2.0, 3.0])), (('w', f32([1.0, 2.0])), ('b', f32([1.0, 1.0])))))"),
    row("ids_case3_int_single", 'value_and_grad(net, 0, net.w, return_ids=True)(x)', 'x', 'X()',
        setup='net = PNet()',
        gives="(f32([3.0, 7.0]), ((0, f32([2.0, 3.0])), ('w', f32([1.0, 2.0]))))"),
    row("ids_grad_case1_int", 'grad(f_mul, 1, None, return_ids=True)(x, y)', 'x, y', 'X(), Y()',
        gives='(1, f32([1.0, 2.0]))'),
    row("ids_with_aux", 'value_and_grad(f_two, (0, 1), None, has_aux=True, return_ids=True)(x, y)', 'x, y', 'X(), Y()',
        gives='((f32([3.0, 8.0]), f32([4.0, 6.0])), ((0, f32([3.0, 4.0])), (1, f32([1.0, 2.0]))))'),
    row("ids_duplicate_positions", 'value_and_grad(f_mul, (1, 1), None, return_ids=True)(x, y)', 'x, y', 'X(), Y()',
        raises='ValueError', match='There are duplicate positions in `grad_position`, please check it'),
    row("get_grad_by_position", 'run(x, y)', 'x, y', 'X(), Y()',
        setup="""
def run(x, y):
    out, g = value_and_grad(f_mul, (0, 1), None, return_ids=True)(x, y)
    return get_grad(g, 1)
""",
        gives='f32([1.0, 2.0])'),
    row("get_grad_by_position_int_case", 'run(x, y)', 'x, y', 'X(), Y()',
        setup="""
def run(x, y):
    out, g = value_and_grad(f_mul, 1, None, return_ids=True)(x, y)
    return get_grad(g, 1)
""",
        gives='f32([1.0, 2.0])'),
    row("get_grad_by_param", 'run(x)', 'x', 'X()',
        setup="""
net = PNet()
def run(x):
    out, g = value_and_grad(net, 0, [net.w, net.b], return_ids=True)(x)
    return (get_grad(g, net.b), get_grad(g, 0))
""",
        gives='(f32([1.0, 1.0]), f32([2.0, 3.0]))'),
    row("get_grad_missing_position", 'run(x, y)', 'x, y', 'X(), Y()',
        setup="""
def run(x, y):
    out, g = value_and_grad(f_mul, (0,), None, return_ids=True)(x, y)
    return get_grad(g, 1)
""",
        raises='RuntimeError', match='Can not find the gradient for position or Parameter 1'),
    row("get_grad_bad_identifier_type", 'run(x, y)', 'x, y', 'X(), Y()',
        setup="""
def run(x, y):
    out, g = value_and_grad(f_mul, (0,), None, return_ids=True)(x, y)
    return get_grad(g, 'w')
""",
        raises='TypeError', match='For `get_grad`, the `x` should be an integer or a Parameter, but got w'),
    row("get_grad_without_ids", 'run(x, y)', 'x, y', 'X(), Y()',
        setup="""
def run(x, y):
    out, g = value_and_grad(f_mul, (0, 1))(x, y)
    return get_grad(g, 1)
""",
        note="GRAPH's message",
        raises='RuntimeError', match='Can not find the gradient for position or Parameter 1'),
    row("get_grad_missing_param", 'run(x)', 'x', 'X()',
        setup="""
net = PNet()
def run(x):
    out, g = value_and_grad(net, None, [net.w], return_ids=True)(x)
    return get_grad(g, net.b)
""",
        raises='RuntimeError', match='Can not find the gradient for position or Parameter Parameter (name=b,'),
    row("ids_parametertuple_case3", 'value_and_grad(net, 0, ws, return_ids=True)(x)', 'x', 'X()',
        setup="""
net = PNet()
ws = ParameterTuple([net.w, net.b])
""",
        gives="(f32([3.0, 7.0]), ((0, f32([2.0, 3.0])), (('w', f32([1.0, 2.0])), ('b', f32([1.0, 1.0])))))"),
    row("out_nonscalar_sens_ones", 'value_and_grad(f_sq)(x)', 'x', 'X()',
        gives='(f32([1.0, 4.0]), f32([2.0, 4.0]))'),
    row("out_two_no_aux_sum", 'value_and_grad(f_two, (0, 1))(x, y)', 'x, y', 'X(), Y()',
        gives='((f32([3.0, 8.0]), f32([4.0, 6.0])), (f32([4.0, 5.0]), f32([2.0, 3.0])))'),
    row("out_scalar_tensor", 'value_and_grad(f_sum)(x)', 'x', 'X()',
        gives='(f32(5.0), f32([2.0, 4.0]))'),
    row("out_none", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return None',
        gives='(None, f32([0.0, 0.0]))'),
    row("out_no_return", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): x * 2',
        gives='(None, f32([0.0, 0.0]))'),
    row("out_python_float", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return 3.0',
        gives='(3.0, f32([0.0, 0.0]))'),
    row("out_constant_tensor", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup="""
c = T([9.0, 9.0])
def fn(x): return c
""",
        gives='(f32([9.0, 9.0]), f32([0.0, 0.0]))'),
    row("out_list", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return [x * x, x * 3]',
        gives='([f32([1.0, 4.0]), f32([3.0, 6.0])], f32([5.0, 7.0]))'),
    row("out_dict", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup="def fn(x): return {'a': x * x, 'b': x * 3}",
        gives="({'a': f32([1.0, 4.0]), 'b': f32([3.0, 6.0])}, f32([5.0, 7.0]))"),
    row("out_nested_tuple", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return (x * x, (x * 3, x))',
        gives='((f32([1.0, 4.0]), (f32([3.0, 6.0]), f32([1.0, 2.0]))), f32([6.0, 8.0]))'),
    row("out_tuple_with_none", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return (x * x, None)',
        gives='((f32([1.0, 4.0]), None), f32([2.0, 4.0]))'),
    row("out_tuple_with_int_tensor", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return (x * x, Tensor([1, 2], ms.int32))',
        gives='((f32([1.0, 4.0]), i32([1, 2])), f32([2.0, 4.0]))'),
    row("out_int_dtype", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return (x * 2).astype(ms.int32)',
        gives='(i32([2, 4]), f32([2.0, 2.0]))'),
    row("out_bool_dtype", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return x > 1',
        gives='(bool([False, True]), f32([0.0, 0.0]))'),
    row("out_is_input", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return x',
        gives='(f32([1.0, 2.0]), f32([1.0, 1.0]))'),
    row("out_empty_tuple", 'value_and_grad(fn)(x)', 'x', 'X()',
        setup='def fn(x): return ()',
        gives='((), f32([0.0, 0.0]))'),
]
