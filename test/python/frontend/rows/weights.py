"""Rows of the behaviour reference: Weights, Structure, has_aux. Columns: name, expression, parameters, arguments; see harness.py."""
from __future__ import annotations

from .harness import row

ROWS = [
    row("weights_type_int", 'value_and_grad(net, grad_position=None, weights=1)(x)', 'x', 'X()',
        setup='net = PNet()',
        raises='TypeError', match='The weights you provided is expected to be a tensor, or a list or tupl'),
    row("weights_type_str", "value_and_grad(net, grad_position=None, weights='w')(x)", 'x', 'X()',
        setup='net = PNet()',
        raises='TypeError', match='The weights you provided is expected to be a tensor, or a list or tupl'),
    row("weights_type_tensor", 'value_and_grad(net, grad_position=None, weights=T([1.0, 1.0]))(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), f32([0.0, 0.0]))'),
    row("weights_type_dict", "value_and_grad(net, grad_position=None, weights={'w': net.w})(x)", 'x', 'X()',
        setup='net = PNet()',
        raises='TypeError', match='The weights you provided is expected to be a tensor, or a list or tupl'),
    row("weights_type_list_tensor", 'value_and_grad(net, grad_position=None, weights=[T([1.0, 1.0])])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([0.0, 0.0]),))'),
    row("weights_type_list_mixed", 'value_and_grad(net, grad_position=None, weights=[net.w, T([1.0, 1.0])])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([0.0, 0.0])))'),
    row("weights_type_empty_list", 'value_and_grad(net, grad_position=None, weights=[])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), ())'),
    row("weights_type_empty_tuple", 'value_and_grad(net, grad_position=None, weights=())(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), ())'),
    row("weights_type_tuple_params", 'value_and_grad(net, grad_position=None, weights=(net.w, net.b))(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([1.0, 1.0])))'),
    row("weights_type_list_params", 'value_and_grad(net, grad_position=None, weights=[net.w, net.b])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([1.0, 1.0])))'),
    row("weights_type_ParameterTuple", 'value_and_grad(net, grad_position=None, weights=ParameterTuple([net.w, net.b]))(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([1.0, 1.0])))'),
    row("weights_type_single_param", 'value_and_grad(net, grad_position=None, weights=net.w)(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), f32([1.0, 2.0]))'),
    row("weights_type_cell", 'value_and_grad(net, grad_position=None, weights=net)(x)', 'x', 'X()',
        setup='net = PNet()',
        raises='TypeError', match='The weights you provided is expected to be a tensor, or a list or tupl'),
    row("weights_type_generator", 'value_and_grad(net, grad_position=None, weights=(p for p in [net.w]))(x)', 'x', 'X()',
        setup='net = PNet()',
        raises='TypeError', match='The weights you provided is expected to be a tensor, or a list or tupl'),
    row("weights_empty_list_with_position", 'value_and_grad(net, grad_position=0, weights=[])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([2.0, 3.0]), ()))'),
    row("weights_parameters_and_params_generator", 'value_and_grad(net, grad_position=None, weights=list(net.get_parameters()))(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([1.0, 1.0]), f32([0.0])))'),
    row("weights_not_used", 'value_and_grad(net, None, [net.w, net.u])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([0.0])))'),
    row("weights_foreign_parameter", 'value_and_grad(net, None, [net.w, other])(x)', 'x', 'X()',
        setup="""
net = PNet()
other = Parameter(T([4.0, 4.0]), name='other')
""",
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([0.0, 0.0])))'),
    row("weights_requires_grad_false", 'value_and_grad(net, None, [net.w, net.b])(x)', 'x', 'X()',
        setup="""
net = PNet()
net.w.requires_grad = False
""",
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([1.0, 1.0])))'),
    row("weights_frozen_trainable_params_count", 'value_and_grad(net, None, ws)(x)', 'x', 'X()',
        setup="""
net = PNet()
net.w.requires_grad = False
ws = net.trainable_params()
""",
        gives='(f32([3.0, 7.0]), (f32([1.0, 1.0]), f32([0.0])))'),
    row("weights_duplicate", 'value_and_grad(net, None, [net.w, net.w])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([1.0, 2.0])))'),
    row("weights_same_name_different", 'value_and_grad(net, None, [net.w, other])(x)', 'x', 'X()',
        setup="""
net = PNet()
other = Parameter(T([4.0, 4.0]), name='w')
""",
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]), f32([0.0, 0.0])))'),
    row("weights_int_parameter", 'value_and_grad(fn, None, [p])(x)', 'x', 'X()',
        setup="""
p = Parameter(Tensor([2, 3], ms.int32), name='pi')
def fn(x): return x * p
""",
        gives='(f32([2.0, 6.0]), (i32([1, 2]),))'),
    row("weights_closure_fn", 'value_and_grad(fn, 0, p)(x)', 'x', 'X()',
        setup="""
p = Parameter(T([2.0, 3.0]), name='pc')
def fn(x): return x * p
""",
        gives='(f32([2.0, 6.0]), (f32([2.0, 3.0]), f32([1.0, 2.0])))'),
    row("grad_position_none_weights_only_no_args", 'value_and_grad(fn, None, p)()', '', '',
        setup="""
p = Parameter(T([2.0, 3.0]), name='pz')
def fn(): return p * p
""",
        gives='(f32([4.0, 9.0]), f32([4.0, 6.0]))'),
    row("param_assigned_in_fn", '(value_and_grad(fn, 0, [p])(x), p * 1)', 'x', 'X()',
        setup="""
p = Parameter(T([2.0, 3.0]), name='pa')
def fn(x):
    ops.assign(p, p + 1)
    return x * p
""",
        gives='((f32([3.0, 8.0]), (f32([3.0, 4.0]), (f32([1.0, 2.0]),))), f32([3.0, 4.0]))'),
    row("structure_both_int_pos_single_param", 'value_and_grad(net, 0, net.w)(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([2.0, 3.0]), f32([1.0, 2.0])))'),
    row("structure_both_int_pos_list", 'value_and_grad(net, 0, [net.w])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([2.0, 3.0]), (f32([1.0, 2.0]),)))'),
    row("structure_both_tuple1_pos_list", 'value_and_grad(net, (0,), [net.w, net.b])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([2.0, 3.0]), (f32([1.0, 2.0]), f32([1.0, 1.0]))))'),
    row("structure_weights_list_one", 'value_and_grad(net, None, [net.w])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([3.0, 7.0]), (f32([1.0, 2.0]),))'),
    row("grad_returns_single", 'grad(f_mul, 0)(x, y)', 'x, y', 'X(), Y()',
        gives='f32([3.0, 4.0])'),
    row("grad_tuple_one", 'grad(f_mul, (0,))(x, y)', 'x, y', 'X(), Y()',
        gives='f32([3.0, 4.0])'),
    row("grad_both_structure", 'grad(net, 0, [net.w, net.b])(x)', 'x', 'X()',
        setup='net = PNet()',
        gives='(f32([2.0, 3.0]), (f32([1.0, 2.0]), f32([1.0, 1.0])))'),
    row("broadcast_grad_shapes", 'value_and_grad(f_mul, (0, 1))(x, y)', 'x, y', 'T([[1.0], [2.0]]), T([3.0, 4.0, 5.0])',
        gives='(f32([[3.0, 4.0, 5.0], [6.0, 8.0, 10.0]]), (f32([[12.0], [12.0]]), f32([3.0, 3.0, 3.0])))'),
    row("mixed_float16_float32", 'value_and_grad(f_mul, (0, 1))(x, y)', 'x, y', 'T([1.0, 2.0], ms.float16), Y()',
        gives='(f32([3.0, 8.0]), (f16([3.0, 4.0]), f32([1.0, 2.0])))'),
    row("mixed_float32_float64", 'value_and_grad(f_mul, (0, 1))(x, y)', 'x, y', 'X(), T([3.0, 4.0], ms.float64)',
        gives='(f64([3.0, 8.0]), (f32([3.0, 4.0]), f64([1.0, 2.0])))'),
    row("structure_parametertuple_one", 'value_and_grad(net, 0, ws)(x)', 'x', 'X()',
        setup="""
net = PNet()
ws = ParameterTuple([net.w])
""",
        gives='(f32([3.0, 7.0]), (f32([2.0, 3.0]), (f32([1.0, 2.0]),)))'),
    row("tuple_pos_two_and_weights", 'value_and_grad(fn, (0, 1), p)(x, y)', 'x, y', 'X(), Y()',
        setup="""
p = Parameter(T([2.0, 3.0]), name='pw')
def fn(x, y): return x * y * p
""",
        gives='(f32([6.0, 24.0]), ((f32([6.0, 12.0]), f32([2.0, 6.0])), f32([3.0, 8.0])))'),
    row("aux_single_output", 'value_and_grad(f_sq, has_aux=True)(x)', 'x', 'X()',
        raises='ValueError', match='When has_aux is True, origin fn requires more than one outputs.'),
    row("aux_single_output_1tuple", 'value_and_grad(fn, has_aux=True)(x)', 'x', 'X()',
        setup='def fn(x): return (x * x,)',
        raises='ValueError', match='When has_aux is True, origin fn requires more than one outputs.'),
    row("grad_aux_single_output", 'grad(f_sq, has_aux=True)(x)', 'x', 'X()',
        raises='ValueError', match='When has_aux is True, origin fn requires more than one outputs.'),
    row("grad_aux_two", 'grad(f_two, has_aux=True)(x, y)', 'x, y', 'X(), Y()',
        gives='(f32([3.0, 4.0]), (f32([4.0, 6.0]),))'),
    row("grad_aux_three", 'grad(fn, has_aux=True)(x, y)', 'x, y', 'X(), Y()',
        setup='def fn(x, y): return (x * y, x, y)',
        gives='(f32([3.0, 4.0]), (f32([1.0, 2.0]), f32([3.0, 4.0])))'),
    row("aux_three_outputs", 'value_and_grad(fn, has_aux=True)(x, y)', 'x, y', 'X(), Y()',
        setup='def fn(x, y): return (x * y, x + y, x - y)',
        gives='((f32([3.0, 8.0]), f32([4.0, 6.0]), f32([-2.0, -2.0])), f32([3.0, 4.0]))'),
    row("aux_list_output", 'value_and_grad(fn, has_aux=True)(x, y)', 'x, y', 'X(), Y()',
        setup='def fn(x, y): return [x * y, x + y]',
        raises='ValueError', match='When has_aux is True, origin fn requires more than one outputs.'),
    row("aux_none_second", 'value_and_grad(fn, has_aux=True)(x)', 'x', 'X()',
        setup='def fn(x): return (x * x, None)',
        gives='((f32([1.0, 4.0]), None), f32([2.0, 4.0]))'),
    row("aux_python_scalar_second", 'value_and_grad(fn, has_aux=True)(x)', 'x', 'X()',
        setup='def fn(x): return (x * x, 3)',
        gives='((f32([1.0, 4.0]), 3), f32([2.0, 4.0]))'),
    row("aux_dict_second", 'value_and_grad(fn, has_aux=True)(x)', 'x', 'X()',
        setup="def fn(x): return (x * x, {'a': x})",
        gives="((f32([1.0, 4.0]), {'a': f32([1.0, 2.0])}), f32([2.0, 4.0]))"),
    row("aux_nested_first", 'value_and_grad(fn, has_aux=True)(x)', 'x', 'X()',
        setup='def fn(x): return ((x * x, x * 3), x)',
        gives='(((f32([1.0, 4.0]), f32([3.0, 6.0])), f32([1.0, 2.0])), f32([5.0, 7.0]))'),
    row("aux_case2_weights", 'value_and_grad(fn, None, net.w, has_aux=True)(x)', 'x', 'X()',
        setup="""
net = PNet()
def fn(x): return (net(x), x)
""",
        gives='((f32([3.0, 7.0]), f32([1.0, 2.0])), f32([1.0, 2.0]))'),
    row("aux_case3_both_ids", 'value_and_grad(fn, (0,), ws, has_aux=True, return_ids=True)(x)', 'x', 'X()',
        setup="""
net = PNet()
ws = ParameterTuple([net.w, net.b])
def fn(x): return (net(x), x)
""",
        gives="((f32([3.0, 7.0]), f32([1.0, 2.0])), ((0, f32([2.0, 3.0])), (('w', f32([1.0, 2.0])), ('b', f32([1.0, 1.0])))))"),
]
