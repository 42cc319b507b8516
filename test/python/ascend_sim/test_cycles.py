"""The model of time: what costs what, how pipes overlap, the profile and the trace."""
import json
import subprocess

import numpy as np
import pytest

from ascend_sim import kernel, launch, random
from sim_driver import tool
from test_queues import FLAGS


def profile(text, arrays, blocks=1):
    found = {}
    result = launch(text, arrays, blocks, profile=found)
    assert not isinstance(result, str), result
    return found


def tiles(count, size, buffers, exps=1):
    """Load, exp, store, `count` times, with one or two buffers at each end."""
    g, u, part = f"memref<{count * size}xf32, GM>", f"memref<{size}xf32, UB>", f"memref<{size}xf32, strided<[1], offset: ?>, GM>"
    f = dict(FLAGS)
    if buffers == 1:
        for name, text in f.items():
            f[name] = text.splitlines()[0].replace("[0, 1] slot %i", "[0]")
    where = lambda base: f"[{base}, {base + size * 4}] slot %i" if buffers == 2 else f"[{base}]"
    more = f"ascend.vun <exp> ins(%y : {u}) outs(%y : {u})\n" * (exps - 1)
    return kernel(f"%a: {g}, %b: {g}", f"""
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant {count} : index
      %size = arith.constant {size} : index
      {f["free to load, before"]}
      {f["free to compute, before"]}
      scf.for %i = %c0 to %n step %c1 {{
        %o = arith.muli %i, %size : index
        %x = ascend.address {where(0)} : {u}
        %y = ascend.address {where(size * 8)} : {u}
        %ga = memref.subview %a[%o] [{size}] [1] : {g} to {part}
        %gb = memref.subview %b[%o] [{size}] [1] : {g} to {part}
        {f["wait to load"]}
        ascend.load ins(%ga : {part}) outs(%x : {u})
        {f["loaded"]}
        {f["wait for the tile"]}
        {f["wait to compute"]}
        ascend.vun <exp> ins(%x : {u}) outs(%y : {u})
        {f["free to load"]}
        {more}
        {f["computed"]}
        {f["wait to store"]}
        ascend.store ins(%y : {u}) outs(%gb : {part})
        {f["free to compute"]}
      }}
      {f["after, load"]}
      {f["after, compute"]}""")  # fmt: skip


@pytest.mark.parametrize("exps", [1, 10])
def test_two_buffers_bring_the_time_towards_the_slowest_pipe(exps):
    arrays = [random((32 * 4096,), np.float32), np.zeros(32 * 4096, np.float32)]
    one, two = profile(tiles(32, 4096, 1, exps), arrays), profile(tiles(32, 4096, 2, exps), arrays)
    assert one["pipes"] == two["pipes"] and one["bytes"] == two["bytes"] == {"gm->ub": 32 * 16384, "ub->gm": 32 * 16384}
    slowest, all_pipes = max(two["pipes"].values()), sum(two["pipes"].values())
    assert two["cycles"] < 1.12 * slowest
    assert one["cycles"] > 0.85 * all_pipes
    assert one["cycles"] > two["cycles"]
    assert two["bound"] == ("MTE2" if exps == 1 else "V") and two["pipes"][two["bound"]] == slowest


def test_cost_of_a_vector_instruction():
    g, u = "memref<512xf32, GM>", "memref<512xf32, UB>"
    text = lambda op: kernel(f"%a: {g}", f"""%u = memref.alloc() : {u}
      ascend.load ins(%a : {g}) outs(%u : {u})
      ascend.barrier <all>
      {op} ins(%u : {u}) outs(%u : {u})""")
    x = [random((512,), np.float32)]
    # startup 15, delay 6 or 13, 2048 bytes at 256 or 128 per cycle
    assert profile(text("ascend.vun <neg>"), x)["pipes"]["V"] == 15 + 6 + 8
    assert profile(text("ascend.vun <exp>"), x)["pipes"]["V"] == 15 + 13 + 16


def test_numbers_are_the_targets():
    g, u = "memref<512xf32, GM>", "memref<512xf32, UB>"
    body = f"""%u = memref.alloc() : {u}
      ascend.load ins(%a : {g}) outs(%u : {u})
      ascend.barrier <all>
      ascend.vun <neg> ins(%u : {u}) outs(%u : {u})"""
    found = profile(kernel(f"%a: {g}", body, target="{vector_rate = 64 : i64, vector_startup = 100 : i64}"), [random((512,), np.float32)])
    assert found["pipes"]["V"] == 100 + 6 + 32


def test_latency_passes_before_data_is_there():
    g, u = "memref<8xf32, GM>", "memref<8xf32, UB>"
    found = profile(kernel(f"%a: {g}", f"""%u = memref.alloc() : {u}
      ascend.load ins(%a : {g}) outs(%u : {u})"""), [random((8,), np.float32)])  # fmt: skip
    assert found["pipes"]["MTE2"] < 10 and found["cycles"] > 307


def test_product_takes_a_cycle_per_fractal():
    from test_cube_ops import product

    a, b = random((128, 64), np.float16), random((64, 256), np.float16, 1)
    import ascend_sim
    import test_cube_ops

    seen = {}
    before = test_cube_ops.launch
    test_cube_ops.launch = lambda text, inputs: ascend_sim.launch(text, inputs, profile=seen)
    try:
        product(a, b, np.zeros((128, 256), np.float32))
    finally:
        test_cube_ops.launch = before
    assert seen["pipes"]["M"] == 20 + 8 * 16 * 4
    assert seen["bytes"] == {"gm->l1": 128 * 64 * 2 + 64 * 256 * 2, "l0c->gm": 128 * 256 * 4, "l1->l0a": 128 * 64 * 2, "l1->l0b": 64 * 256 * 2}


def test_blocks_share_cores_and_the_way_to_memory():
    g, u = "memref<4096xf32, GM>", "memref<4096xf32, UB>"
    text = lambda blocks: kernel(f"%a: {g}", f"""%u = memref.alloc() : {u}
      ascend.load ins(%a : {g}) outs(%u : {u})""", blocks=blocks)
    x = [random((4096,), np.float32)]
    one, two_rounds = profile(text(1), x, 1), profile(text(40), x, 40)
    assert one["cores"] == 1 and two_rounds["cores"] == 40
    # What all read again comes from L2.
    assert two_rounds["pipes"]["MTE2"] < 2 * one["pipes"]["MTE2"]


def test_profile_and_trace_of_a_program(tmp_path):
    program = tmp_path / "p.mlir"
    program.write_text("""func.func @main(%x: tensor<64x256xf32>) -> tensor<64x256xf32> {
      %y = cell.exp %x : tensor<64x256xf32>
      return %y : tensor<64x256xf32>
    }""")
    done = subprocess.run([tool("cell-run"), program, "--target=ascend", "--profile", f"--trace={tmp_path}/t.json", "--input=rand", "--print-limit=0"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "total " in done.stdout and " cycles (a model, no measurement)" in done.stdout
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert {"MTE2", "V", "MTE3"} <= {event["tid"] for event in events}
    assert all(event["ph"] == "X" and event["dur"] > 0 for event in events)
