"""Matrix products, convolutions, pooling, scatter_add and transposes on the simulated GPU, against float64."""
import numpy as np
import pytest

from gpu_programs import launches_of, run_on_simulator

rng = np.random.default_rng(7)


def tensor_type(shape, dtype):
    return "tensor<" + "".join(f"{n}x" for n in shape) + dtype + ">"


def product_program(batch, m, n, k, ta, tb, dtype, epilogue):
    """A contraction with transposes in its maps; bf16 and f16 factors are rounded from f32 arguments."""
    wide = "f32" if dtype in ("f16", "bf16") else dtype
    lead = ["b"] if batch else []
    dims = ", ".join(lead + ["m", "n", "k"])
    maps = [lead + (["k", "m"] if ta else ["m", "k"]), lead + (["n", "k"] if tb else ["k", "n"]), lead + ["m", "n"]]
    sizes = {"b": batch, "m": m, "n": n, "k": k}
    shapes = [[sizes[d] for d in map_] for map_ in maps]
    map_text = ", ".join(f"affine_map<({dims}) -> ({', '.join(map_)})>" for map_ in maps)
    a, b, c = tensor_type(shapes[0], dtype), tensor_type(shapes[1], dtype), tensor_type(shapes[2], wide)
    lines = []
    for i, shape in enumerate(shapes[:2]):
        source, target = tensor_type(shape, wide), tensor_type(shape, dtype)
        name = "ab"[i]
        if dtype == wide:
            continue
        axes = ", ".join(f"d{j}" for j in range(len(shape)))
        identity = f"affine_map<({axes}) -> ({axes})>"
        parallel = ", ".join(['"parallel"'] * len(shape))
        lines.append(f"""  %e{name} = tensor.empty() : {target}
  %{name} = linalg.generic {{indexing_maps = [{identity}, {identity}], iterator_types = [{parallel}]}} ins(%{name}w : {source}) outs(%e{name} : {target}) {{
  ^bb0(%x: {wide}, %y: {dtype}):
    %t = arith.truncf %x : {wide} to {dtype}
    linalg.yield %t : {dtype}
  }} -> {target}""")
    suffix = "" if dtype == wide else "w"
    zero = "0.0" if wide.startswith("f") else "0"
    result = "%c"
    tail = ""
    if epilogue:
        axes = ", ".join(f"d{j}" for j in range(len(shapes[2])))
        identity, last = f"affine_map<({axes}) -> ({axes})>", f"affine_map<({axes}) -> (d{len(shapes[2]) - 1})>"
        parallel = ", ".join(['"parallel"'] * len(shapes[2]))
        tail = f"""
  %eo = tensor.empty() : {c}
  %o = linalg.generic {{indexing_maps = [{identity}, {last}, {identity}], iterator_types = [{parallel}]}} ins(%c, %bias : {c}, {tensor_type([n], wide)}) outs(%eo : {c}) {{
  ^bb0(%x: {wide}, %y: {wide}, %z: {wide}):
    %s = arith.addf %x, %y : {wide}
    %t = arith.maximumf %s, %zero : {wide}
    linalg.yield %t : {wide}
  }} -> {c}"""
        result = "%o"
    bias = f", %bias: {tensor_type([n], wide)}" if epilogue else ""
    return f"""func.func @main(%a{suffix}: {tensor_type(shapes[0], wide)}, %b{suffix}: {tensor_type(shapes[1], wide)}{bias}) -> {c} {{
  %zero = arith.constant {zero} : {wide}
  %e = tensor.empty() : {c}
  %f = linalg.fill ins(%zero : {wide}) outs(%e : {c}) -> {c}
{chr(10).join(lines)}
  %c = linalg.contract indexing_maps = [{map_text}] ins(%a, %b : {a}, {b}) outs(%f : {c}) -> {c}{tail}
  return {result} : {c}
}}
""", shapes


PRODUCTS = [
    # batch, m, n, k, ta, tb, dtype, epilogue
    (0, 1, 1, 1, 0, 0, "f32", 0), (0, 3, 5, 7, 0, 0, "f32", 1), (0, 33, 65, 17, 0, 0, "f32", 1), (0, 64, 64, 64, 0, 1, "f32", 0),
    (0, 127, 131, 67, 1, 0, "f32", 1), (0, 128, 256, 64, 0, 0, "f32", 1), (3, 40, 36, 50, 1, 1, "f32", 0), (2, 37, 1, 129, 0, 0, "f32", 0),
    (0, 300, 2, 512, 0, 1, "f32", 1), (0, 24, 24, 3000, 1, 0, "f32", 1), (0, 8, 8, 5000, 1, 0, "f32", 1), (0, 5, 4, 0, 0, 0, "f32", 1),
    (0, 66, 34, 40, 0, 0, "f64", 1), (0, 65, 33, 1500, 1, 1, "f64", 0), (0, 40, 36, 44, 0, 0, "i32", 0), (2, 64, 32, 33, 0, 1, "i64", 0),
    (0, 64, 64, 64, 0, 0, "f16", 0), (0, 64, 72, 96, 0, 1, "f16", 1), (0, 128, 64, 40, 1, 0, "bf16", 1), (0, 67, 53, 71, 0, 0, "f16", 1),
    (2, 80, 48, 1000, 1, 1, "bf16", 0), (0, 17, 16, 2048, 0, 0, "f16", 0), (0, 1, 64, 300, 0, 1, "bf16", 0), (0, 1600, 1200, 32, 0, 0, "f16", 0),
    (0, 8, 200, 304, 0, 0, "f16", 1), (0, 500, 6, 64, 1, 1, "bf16", 0), (0, 7, 300, 100, 0, 0, "f32", 1), (0, 600, 10, 84, 0, 1, "f32", 1),
    # tiles of 16 rows, for few of them and many columns
    (0, 16, 4100, 1100, 0, 0, "f32", 0), (0, 16, 4100, 1100, 0, 1, "f32", 1), (0, 20, 2052, 4096, 1, 0, "f32", 0),
    # warps of 64 x 64 with more steps than stages, the last one not full
    (0, 1600, 1200, 200, 0, 0, "f16", 1), (0, 1600, 1200, 200, 1, 0, "bf16", 0), (0, 1600, 1200, 200, 0, 1, "f16", 0),
]


def rounded(x, dtype):
    if dtype == "f16":
        return x.astype(np.float16).astype(np.float64)
    if dtype == "bf16":
        bits = x.astype(np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)
    return x.astype(np.float64)


@pytest.mark.parametrize("case", PRODUCTS, ids=lambda c: "x".join(map(str, c)))
def test_product(tmp_path, case):
    batch, m, n, k, ta, tb, dtype, epilogue = case
    program, shapes = product_program(*case)
    numpy_type = {"f64": np.float64, "i32": np.int32, "i64": np.int64}.get(dtype, np.float32)
    if dtype.startswith("i"):
        a, b = (rng.integers(-9, 9, shape).astype(numpy_type) for shape in shapes[:2])
    else:
        a, b = (rng.standard_normal(shape).astype(numpy_type) for shape in shapes[:2])
    inputs = [a, b]
    x, y = rounded(a, dtype), rounded(b, dtype)
    x = np.swapaxes(x, -1, -2) if ta else x
    y = np.swapaxes(y, -1, -2) if tb else y
    expected = x @ y
    if epilogue:
        inputs.append(rng.standard_normal(n).astype(numpy_type))
        expected = np.maximum(expected + inputs[-1], 0)
    (got,) = run_on_simulator(tmp_path, program, inputs)
    scale = np.sqrt(max(k, 1))
    tolerance = 0 if dtype.startswith("i") else (1e-13 if dtype == "f64" else 2e-6) * scale
    np.testing.assert_allclose(got, expected, rtol=tolerance * 10, atol=tolerance * 4)


def convolution(x, w, stride, pads, dilation, groups):
    """y and the function from dy to (dx, dw), in float64."""
    n, c, h, v = x.shape
    o, cg, kh, kw = w.shape
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), pads[:2], pads[2:]))
    oh = (padded.shape[2] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (padded.shape[3] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((n, o, oh, ow))
    og = o // groups

    def windows(image, p, q):
        return image[:, :, p * dilation[0]:p * dilation[0] + (oh - 1) * stride[0] + 1:stride[0], q * dilation[1]:q * dilation[1] + (ow - 1) * stride[1] + 1:stride[1]]

    for g in range(groups):
        for p in range(kh):
            for q in range(kw):
                y[:, g * og:(g + 1) * og] += np.einsum("nchw,oc->nohw", windows(padded, p, q)[:, g * cg:(g + 1) * cg], w[g * og:(g + 1) * og, :, p, q].astype(np.float64))

    def gradients(dy):
        dx, dw = np.zeros_like(padded), np.zeros(w.shape)
        for g in range(groups):
            for p in range(kh):
                for q in range(kw):
                    part = dy[:, g * og:(g + 1) * og].astype(np.float64)
                    windows(dx, p, q)[:, g * cg:(g + 1) * cg] += np.einsum("nohw,oc->nchw", part, w[g * og:(g + 1) * og, :, p, q].astype(np.float64))
                    dw[g * og:(g + 1) * og, :, p, q] = np.einsum("nohw,nchw->oc", part, windows(padded, p, q)[:, g * cg:(g + 1) * cg])
        return dx[:, :, pads[0]:pads[0] + h, pads[2]:pads[2] + v], dw

    return y, gradients


CONVOLUTIONS = [
    # x, w, strides, pads, dilations, groups
    ((2, 3, 9, 11), (5, 3, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1), ((2, 16, 14, 14), (24, 16, 3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 1),
    ((1, 8, 10, 9), (32, 8, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1), ((2, 6, 13, 12), (8, 3, 2, 3), (2, 1), (0, 1, 2, 0), (2, 3), 2),
    ((3, 12, 7, 7), (12, 1, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 12), ((8, 32, 16, 16), (64, 32, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution(tmp_path, case):
    sx, sw, stride, pads, dilation, groups = case
    x, w = rng.standard_normal(sx).astype(np.float32), rng.standard_normal(sw).astype(np.float32)
    y, gradients = convolution(x, w, stride, pads, dilation, groups)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx, dw = gradients(dy)
    tx, tw, ty = tensor_type(sx, "f32"), tensor_type(sw, "f32"), tensor_type(y.shape, "f32")
    params = ", ".join(map(str, [*stride, *pads, *dilation, groups]))
    program = f"""func.func @main(%x: {tx}, %w: {tw}, %dy: {ty}) -> ({ty}, {tx}, {tw}) {{
  %e0 = tensor.empty() : {ty}
  %y = cellrt.call "conv2d" params [{params}] ins(%x, %w : {tx}, {tw}) outs(%e0 : {ty}) -> {ty}
  %e1 = tensor.empty() : {tx}
  %dx = cellrt.call "conv2d_dx" params [{params}] ins(%dy, %w : {ty}, {tw}) outs(%e1 : {tx}) -> {tx}
  %e2 = tensor.empty() : {tw}
  %dw = cellrt.call "conv2d_dw" params [{params}] ins(%x, %dy : {tx}, {ty}) outs(%e2 : {tw}) -> {tw}
  return %y, %dx, %dw : {ty}, {tx}, {tw}
}}
"""
    for got, expected in zip(run_on_simulator(tmp_path, program, [x, w, dy]), (y, dx, dw), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * max(1.0, np.abs(expected).max() / 10))


@pytest.mark.parametrize("pool", [((2, 3, 8, 8), 2, 2, 2, 2, (0, 0, 0, 0)), ((1, 2, 11, 9), 3, 3, 2, 2, (1, 1, 1, 1)), ((2, 1, 7, 10), 3, 2, 1, 3, (1, 0, 0, 1))], ids=str)
def test_pooling_is_that_of_the_cpu(tmp_path, pool):
    shape, kh, kw, sh, sw, pads = pool
    oh, ow = (shape[2] + pads[0] + pads[1] - kh) // sh + 1, (shape[3] + pads[2] + pads[3] - kw) // sw + 1
    tx, ty = tensor_type(shape, "f32"), tensor_type((*shape[:2], oh, ow), "f32")
    common = ", ".join(map(str, [kh, kw, sh, sw, *pads]))
    program = f"""func.func @main(%x: {tx}, %dy: {ty}) -> ({ty}, {tx}, {ty}, {tx}) {{
  %e0 = tensor.empty() : {ty}
  %e1 = tensor.empty() : {tx}
  %y = cellrt.call "maxpool2d" params [{common}, 1, 1] ins(%x : {tx}) outs(%e0 : {ty}) -> {ty}
  %dx = cellrt.call "maxpool2d_dx" params [{common}, 1, 1] ins(%x, %dy : {tx}, {ty}) outs(%e1 : {tx}) -> {tx}
  %a = cellrt.call "avgpool2d" params [{common}, 0] ins(%x : {tx}) outs(%e0 : {ty}) -> {ty}
  %da = cellrt.call "avgpool2d_dx" params [{common}, 0] ins(%dy : {ty}) outs(%e1 : {tx}) -> {tx}
  return %y, %dx, %a, %da : {ty}, {tx}, {ty}, {tx}
}}
"""
    x = rng.integers(0, 4, shape).astype(np.float32)  # ties
    x.flat[::37] = np.nan
    dy = rng.standard_normal((*shape[:2], oh, ow)).astype(np.float32)
    expected = run_on_simulator(tmp_path, program, [x, dy], target="cpu")
    for got, want in zip(run_on_simulator(tmp_path, program, [x, dy]), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rows, count, width", [(5, 40, 3), (3000, 2000, 16)])
def test_scatter_add(tmp_path, rows, count, width):
    acc, updates = rng.standard_normal((rows, width)).astype(np.float32), rng.standard_normal((count, width)).astype(np.float32)
    indices = rng.integers(-2, rows + 2, count)
    ti, tu, ta = tensor_type((count,), "i64"), tensor_type((count, width), "f32"), tensor_type((rows, width), "f32")
    program = f"""func.func @main(%i: {ti}, %u: {tu}, %acc: {ta}) -> {ta} {{
  %s = cellrt.call "scatter_add" ins(%i, %u : {ti}, {tu}) outs(%acc : {ta}) -> {ta}
  return %s : {ta}
}}
"""
    expected = acc.astype(np.float64)
    inside = (indices >= 0) & (indices < rows)
    np.add.at(expected, indices[inside], updates[inside])
    (got,) = run_on_simulator(tmp_path, program, [indices, updates, acc])
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape, permutation", [((70, 33), (1, 0)), ((3, 40, 64), (0, 2, 1)), ((20, 3, 50, 2), (2, 1, 3, 0))], ids=str)
def test_transpose(tmp_path, shape, permutation):
    x = rng.standard_normal(shape).astype(np.float32)
    source, target = tensor_type(shape, "f32"), tensor_type([shape[p] for p in permutation], "f32")
    program = f"""func.func @main(%a: {source}) -> {target} {{
  %e = tensor.empty() : {target}
  %t = linalg.transpose ins(%a : {source}) outs(%e : {target}) permutation = [{", ".join(map(str, permutation))}]
  return %t : {target}
}}
"""
    (got,) = run_on_simulator(tmp_path, program, [x])
    np.testing.assert_array_equal(got, x.transpose(permutation))

EPILOGUES = {
    # another shape of the product, and the product itself is needed later
    "reshaped": ("""func.func @main(%a: tensor<24x40xf32>, %b: tensor<40x36xf32>, %g: tensor<4x6x36xf32>) -> (tensor<4x6x36xf32>, tensor<24x36xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<24x36xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<24x36xf32>) -> tensor<24x36xf32>
  %c = linalg.matmul ins(%a, %b : tensor<24x40xf32>, tensor<40x36xf32>) outs(%f : tensor<24x36xf32>) -> tensor<24x36xf32>
  %s = tensor.expand_shape %c [[0, 1], [2]] output_shape [4, 6, 36] : tensor<24x36xf32> into tensor<4x6x36xf32>
  %o = tensor.empty() : tensor<4x6x36xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j, n) -> (i, j, n)>, affine_map<(i, j, n) -> (i, j, n)>, affine_map<(i, j, n) -> (i, j, n)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %g : tensor<4x6x36xf32>, tensor<4x6x36xf32>) outs(%o : tensor<4x6x36xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %t = math.tanh %x : f32
    %u = arith.mulf %t, %y : f32
    linalg.yield %u : f32
  } -> tensor<4x6x36xf32>
  return %r, %c : tensor<4x6x36xf32>, tensor<24x36xf32>
}
""", [(24, 40), (40, 36), (4, 6, 36)], lambda a, b, g: (np.tanh(a @ b).reshape(4, 6, 36) * g, a @ b), 1),
    # the sum starts from a tensor; the consumer reads the product transposed
    "accumulated": ("""func.func @main(%a: tensor<50x33xf32>, %b: tensor<33x20xf32>, %c: tensor<50x20xf32>, %g: tensor<20xf32>) -> tensor<20x50xf32> {
  %p = linalg.matmul ins(%a, %b : tensor<50x33xf32>, tensor<33x20xf32>) outs(%c : tensor<50x20xf32>) -> tensor<50x20xf32>
  %o = tensor.empty() : tensor<20x50xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, m) -> (m, n)>, affine_map<(n, m) -> (n)>, affine_map<(n, m) -> (n, m)>], iterator_types = ["parallel", "parallel"]}
      ins(%p, %g : tensor<50x20xf32>, tensor<20xf32>) outs(%o : tensor<20x50xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %u = arith.mulf %x, %y : f32
    linalg.yield %u : f32
  } -> tensor<20x50xf32>
  return %r : tensor<20x50xf32>
}
""", [(50, 33), (33, 20), (50, 20), (20,)], lambda a, b, c, g: ((c + a @ b).T * g[:, None],), 1),
    # what the consumer adds is a factor of the product, in whose memory the sum could be written: blocks still read it
    "over a factor": ("""func.func @main(%x: tensor<40x40xf32>, %b: tensor<40x40xf32>) -> tensor<40x40xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<40x40xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<40x40xf32>) outs(%e : tensor<40x40xf32>) {
  ^bb0(%y: f32, %z: f32):
    %t = arith.addf %y, %y : f32
    linalg.yield %t : f32
  } -> tensor<40x40xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<40x40xf32>) -> tensor<40x40xf32>
  %c = linalg.matmul ins(%a, %b : tensor<40x40xf32>, tensor<40x40xf32>) outs(%f : tensor<40x40xf32>) -> tensor<40x40xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%c, %a : tensor<40x40xf32>, tensor<40x40xf32>) outs(%a : tensor<40x40xf32>) {
  ^bb0(%p: f32, %y: f32, %z: f32):
    %t = arith.addf %p, %y : f32
    linalg.yield %t : f32
  } -> tensor<40x40xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n, m)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%r, %r : tensor<40x40xf32>, tensor<40x40xf32>) outs(%e : tensor<40x40xf32>) {
  ^bb0(%p: f32, %y: f32, %z: f32):
    %t = arith.addf %p, %y : f32
    linalg.yield %t : f32
  } -> tensor<40x40xf32>
  return %s : tensor<40x40xf32>
}
""", [(40, 40), (40, 40)], lambda x, b: (lambda r: (r + r.T,))(2 * x @ b + 2 * x), None),
    # the result's rows and columns are interleaved: heads of attention
    "heads": ("""func.func @main(%q: tensor<2x9x4x16xf32>, %k: tensor<2x9x4x16xf32>) -> tensor<2x9x4x9xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x9x4x9xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x9x4x9xf32>) -> tensor<2x9x4x9xf32>
  %c = linalg.contract indexing_maps = [affine_map<(b, m, h, n, d) -> (b, m, h, d)>, affine_map<(b, m, h, n, d) -> (b, n, h, d)>, affine_map<(b, m, h, n, d) -> (b, m, h, n)>]
      ins(%q, %k : tensor<2x9x4x16xf32>, tensor<2x9x4x16xf32>) outs(%f : tensor<2x9x4x9xf32>) -> tensor<2x9x4x9xf32>
  return %c : tensor<2x9x4x9xf32>
}
""", [(2, 9, 4, 16), (2, 9, 4, 16)], lambda q, k: (np.einsum("bmhd,bnhd->bmhn", q, k),), 1),
}


@pytest.mark.parametrize("name", EPILOGUES)
def test_what_is_computed_with_a_product(tmp_path, name):
    program, shapes, reference, launches = EPILOGUES[name]
    inputs = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    results = run_on_simulator(tmp_path, program, inputs)
    for got, expected in zip(results, reference(*(x.astype(np.float64) for x in inputs)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    if launches is not None:
        assert launches_of(program) == launches


HALF_CONVOLUTIONS = [((2, 16, 12, 12), (32, 16, 3, 3), "f16"), ((2, 24, 9, 11), (20, 24, 1, 1), "bf16")]


@pytest.mark.parametrize("case", HALF_CONVOLUTIONS, ids=str)
def test_convolution_of_halves(tmp_path, case):
    sx, sw, dtype = case
    pad = sw[2] // 2
    tx, tw, hx, hw, ty = tensor_type(sx, "f32"), tensor_type(sw, "f32"), tensor_type(sx, dtype), tensor_type(sw, dtype), tensor_type((sx[0], sw[0], *sx[2:]), "f32")

    def rounding(name, wide, half):
        return f"""  %e{name} = tensor.empty() : {half}
  %h{name} = linalg.generic {{indexing_maps = [affine_map<(n, c, i, j) -> (n, c, i, j)>, affine_map<(n, c, i, j) -> (n, c, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}} ins(%{name} : {wide}) outs(%e{name} : {half}) {{
  ^bb0(%p: f32, %q: {dtype}):
    %t = arith.truncf %p : f32 to {dtype}
    linalg.yield %t : {dtype}
  }} -> {half}
"""

    params = f"[1, 1, {pad}, {pad}, {pad}, {pad}, 1, 1, 1]"
    program = f"""func.func @main(%x: {tx}, %w: {tw}, %d: {ty}) -> ({ty}, {tx}, {tw}) {{
{rounding("x", tx, hx)}{rounding("w", tw, hw)}{rounding("d", ty, ty.replace("f32", dtype))}  %e0 = tensor.empty() : {ty}
  %y = cellrt.call "conv2d" params {params} ins(%hx, %hw : {hx}, {hw}) outs(%e0 : {ty}) -> {ty}
  %e1 = tensor.empty() : {tx}
  %dx = cellrt.call "conv2d_dx" params {params} ins(%hd, %hw : {ty.replace("f32", dtype)}, {hw}) outs(%e1 : {tx}) -> {tx}
  %e2 = tensor.empty() : {tw}
  %dw = cellrt.call "conv2d_dw" params {params} ins(%hx, %hd : {hx}, {ty.replace("f32", dtype)}) outs(%e2 : {tw}) -> {tw}
  return %y, %dx, %dw : {ty}, {tx}, {tw}
}}
"""
    x, w = rng.standard_normal(sx).astype(np.float32), rng.standard_normal(sw).astype(np.float32)
    d = rng.standard_normal((sx[0], sw[0], *sx[2:])).astype(np.float32)
    y, gradients = convolution(rounded(x, dtype), rounded(w, dtype), (1, 1), (pad, pad, pad, pad), (1, 1), 1)
    for got, expected in zip(run_on_simulator(tmp_path, program, [x, w, d]), (y, *gradients(rounded(d, dtype))), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-3)
