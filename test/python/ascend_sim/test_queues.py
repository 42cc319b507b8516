"""Pipes that run side by side: orders, races, deadlocks, flags that do not match."""
import numpy as np
import pytest

from ascend_sim import kernel, launch, launch_in, random

N = 8  # tiles
G, U = f"memref<{N * 64}xf32, GM>", "memref<64xf32, UB>"
PART = "memref<64xf32, strided<[1], offset: ?>, GM>"
X = random((N * 64,), np.float32)

# A loop with two buffers for each of its ends: flags for full tiles, and for places that are free again.
FLAGS = {
    "free to load, before": "ascend.set_flag <v, mte2> [0]\n ascend.set_flag <v, mte2> [1]",
    "free to compute, before": "ascend.set_flag <mte3, v> [0]\n ascend.set_flag <mte3, v> [1]",
    "wait to load": "ascend.wait_flag <v, mte2> [0, 1] slot %i",
    "loaded": "ascend.set_flag <mte2, v> [0, 1] slot %i",
    "wait for the tile": "ascend.wait_flag <mte2, v> [0, 1] slot %i",
    "wait to compute": "ascend.wait_flag <mte3, v> [0, 1] slot %i",
    "free to load": "ascend.set_flag <v, mte2> [0, 1] slot %i",
    "computed": "ascend.set_flag <v, mte3> [0, 1] slot %i",
    "wait to store": "ascend.wait_flag <v, mte3> [0, 1] slot %i",
    "free to compute": "ascend.set_flag <mte3, v> [0, 1] slot %i",
    "after, load": "ascend.wait_flag <v, mte2> [0]\n ascend.wait_flag <v, mte2> [1]",
    "after, compute": "ascend.wait_flag <mte3, v> [0]\n ascend.wait_flag <mte3, v> [1]",
}


def pipeline(without=None):
    f = {name: "" if name == without else text for name, text in FLAGS.items()}
    return kernel(f"%a: {G}, %b: {G}", f"""
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant {N} : index
      %c64 = arith.constant 64 : index
      {f["free to load, before"]}
      {f["free to compute, before"]}
      scf.for %i = %c0 to %n step %c1 {{
        %o = arith.muli %i, %c64 : index
        %x = ascend.address [0, 256] slot %i : {U}
        %y = ascend.address [512, 768] slot %i : {U}
        %ga = memref.subview %a[%o] [64] [1] : {G} to {PART}
        %gb = memref.subview %b[%o] [64] [1] : {G} to {PART}
        {f["wait to load"]}
        ascend.load ins(%ga : {PART}) outs(%x : {U})
        {f["loaded"]}
        {f["wait for the tile"]}
        {f["wait to compute"]}
        ascend.vun <neg> ins(%x : {U}) outs(%y : {U})
        {f["free to load"]}
        {f["computed"]}
        {f["wait to store"]}
        ascend.store ins(%y : {U}) outs(%gb : {PART})
        {f["free to compute"]}
      }}
      {f["after, load"]}
      {f["after, compute"]}""")  # fmt: skip


@pytest.mark.parametrize("mode", ["", "checked", "seed=1", "seed=2", "seed=77"])
def test_every_order_gives_the_same(mode):
    result = launch_in(mode, pipeline(), [X, np.zeros_like(X)])
    np.testing.assert_array_equal(result[1], -X)


@pytest.mark.parametrize("without", list(FLAGS))
def test_no_flag_can_be_left_out(without):
    for mode in ("checked", "seed=5"):
        result = launch_in(mode, pipeline(without), [X, np.zeros_like(X)])
        assert isinstance(result, str) and ("race" in result or "deadlock" in result or "flag <" in result), f"{mode}: not found"


def load_negate_store(first="", second="", offset=256):
    g = "memref<64xf32, GM>"
    return kernel(f"%a: {g}, %b: {g}", f"""%x = ascend.address [0] : {U}
      %y = ascend.address [{offset}] : {U}
      ascend.load ins(%a : {g}) outs(%x : {U})
      {first}
      ascend.vun <neg> ins(%x : {U}) outs(%y : {U})
      {second}
      ascend.store ins(%y : {U}) outs(%b : {g})""")  # fmt: skip


ARRAYS = [X[:64].copy(), np.zeros(64, np.float32)]
LOADED = "ascend.set_flag <mte2, v> [0]\nascend.wait_flag <mte2, v> [0]"
DONE = "ascend.set_flag <v, mte3> [0]\nascend.wait_flag <v, mte3> [0]"


def test_a_race_names_both_operations():
    text = launch_in("checked", load_negate_store(second=DONE), ARRAYS)
    assert ":7, ascend.vun neg " in text and ":5, ascend.load: race in UB: it writes on pipe MTE2 the bytes that " in text and "reads on pipe V, and no flag orders the two" in text


def test_the_wrong_pair_of_pipes_orders_nothing():
    assert "race in UB" in launch_in("checked", load_negate_store(LOADED.replace("mte2, v", "mte2, mte3"), DONE), ARRAYS)


def test_a_flag_raised_too_early():
    text = load_negate_store(LOADED, DONE)
    early = text.replace("ascend.set_flag <mte2, v> [0]\n", "", 1).replace("%y = ascend", "ascend.set_flag <mte2, v> [0]\n %y = ascend")
    assert "race in UB" in launch_in("checked", early, ARRAYS)


def test_a_barrier_of_all_pipes_orders():
    result = launch_in("seed=3", load_negate_store("ascend.barrier <all>", "ascend.barrier <all>"), ARRAYS)
    np.testing.assert_array_equal(result[1], -ARRAYS[0])


def test_a_barrier_of_one_pipe_does_not():
    assert "race in UB" in launch_in("checked", load_negate_store("ascend.barrier <mte2>", "ascend.barrier <all>"), ARRAYS)


def test_deadlock():
    text = launch_in("checked", load_negate_store(LOADED.splitlines()[1], DONE), ARRAYS)
    assert "deadlock: pipe V waits at " in text and "ascend.wait_flag <mte2, v> for flag <MTE2, V> 0, which nothing raises" in text


def test_a_flag_that_nobody_waits_for():
    text = launch_in("checked", load_negate_store(LOADED + "\nascend.set_flag <mte2, v> [3]", DONE), ARRAYS)
    assert "flag <MTE2, V> 3 is raised by " in text and "never waited for" in text


def test_a_flag_is_no_counter():
    twice = "ascend.set_flag <mte2, v> [0]\n" * 2 + "ascend.wait_flag <mte2, v> [0]\n" * 2
    assert "a flag is up or down, it does not count" in launch_in("checked", load_negate_store(twice, DONE), ARRAYS)


def test_a_number_of_a_flag_that_does_not_exist():
    body = load_negate_store("ascend.set_flag <mte2, v> [0, 7] slot %s\nascend.wait_flag <mte2, v> [0, 7] slot %s", DONE).replace("%y =", "%s = ascend.block_num\n%y =")
    np.testing.assert_array_equal(launch_in("checked", body, ARRAYS)[1], -ARRAYS[0])
    # The verifier knows the target; the simulator asks the image.
    found = launch_in("checked", body, ARRAYS, numbers={"event_ids": 7})
    assert "ascend.set_flag <mte2, v>: there is no flag 7: a pair of pipes has 7" in found


def test_scalar_loads_wait_for_pipe_s_only():
    n = "memref<64xi32, GM>"
    body = f"""%u = memref.alloc() : memref<64xi32, UB>
      %zero = arith.constant 0 : index
      ascend.load ins(%a : {n}) outs(%u : memref<64xi32, UB>)
      ascend.set_flag <mte2, mte3> [0]
      ascend.wait_flag <mte2, mte3> [0]
      ascend.store ins(%u : memref<64xi32, UB>) outs(%b : {n})
      FLAG
      %w = memref.load %b[%zero] : {n}
      %m = arith.index_cast %w : i32 to index
      %o = arith.index_cast %m : index to i32
      ascend.barrier <all>
      ascend.vbrc ins(%o : i32) outs(%u : memref<64xi32, UB>)
      ascend.barrier <all>
      ascend.store ins(%u : memref<64xi32, UB>) outs(%b : {n})"""
    arrays = [np.arange(7, 71, dtype=np.int32), np.zeros(64, np.int32)]
    text = kernel(f"%a: {n}, %b: {n}", body)
    found = launch_in("checked", text.replace("FLAG", ""), arrays)
    assert "race in GM" in found and "memref.load reads on pipe S" in found
    result = launch_in("seed=9", text.replace("FLAG", "ascend.set_flag <mte3, s> [0]\nascend.wait_flag <mte3, s> [0]"), arrays)
    np.testing.assert_array_equal(result[1], 7)


def test_blocks_that_write_the_same_bytes():
    g = "memref<64xf32, GM>"
    body = f"""%x = memref.alloc() : {U}
      ascend.load ins(%a : {g}) outs(%x : {U})
      ascend.barrier <all>
      ascend.store ins(%x : {U}) outs(%b : {g}) ATOMIC"""
    text = kernel(f"%a: {g}, %b: {g}", body, blocks=3)
    assert "block 1: " in launch_in("checked", text.replace("ATOMIC", ""), ARRAYS, 3)
    assert "race in GM: it writes bytes that another block of the launch writes" in launch_in("checked", text.replace("ATOMIC", ""), ARRAYS, 3)
    np.testing.assert_allclose(launch_in("checked", text.replace("ATOMIC", "atomic = add"), ARRAYS, 3)[1], 3 * ARRAYS[0], rtol=1e-6)


def blocks_on_one_buffer(first, others, count=2, after=""):
    """Block 0 does `first` with the buffer %b, the others `others`; all of them `after`."""
    g = "memref<64xf32, GM>"
    plain, add = f"ascend.store ins(%x : {U}) outs(%b : {g})", f"ascend.store ins(%x : {U}) outs(%b : {g}) atomic = add"
    steps = {"store": plain, "add": add, "load": f"ascend.load ins(%b : {g}) outs(%y : {U})"}
    code = lambda names: "\nascend.barrier <all>\n".join(steps[n] for n in names.split())
    body = f"""%x = ascend.address [0] : {U}
      %y = ascend.address [256] : {U}
      ascend.load ins(%a : {g}) outs(%x : {U})
      ascend.barrier <all>
      %i = ascend.block_idx
      %c = arith.constant {{which}} : index
      %first = arith.cmpi eq, %i, %c : index
      scf.if %first {{{{
        {code(first)}
      }}}} else {{{{
        {code(others)}
      }}}}"""
    return lambda which=0: launch_in("checked", kernel(f"%a: {g}, %b: {g}", body.format(which=which), blocks=count), ARRAYS, count)


def test_blocks_that_add_to_what_one_of_them_stores():
    assert "race in GM: it writes bytes that another block of the launch writes" in blocks_on_one_buffer("store add", "add")()
    np.testing.assert_allclose(blocks_on_one_buffer("add add", "add")()[1], 3 * ARRAYS[0], rtol=1e-6)


@pytest.mark.parametrize("then, does", [("store", "writes"), ("load", "reads")])
def test_the_last_of_the_blocks_that_add(then, does):
    found = blocks_on_one_buffer(f"add {then}", "add")(which=1)
    assert "block 1: " in found and f"race in GM: it {does} bytes that another block of the launch writes" in found
    # Alone it may.
    assert not isinstance(blocks_on_one_buffer(f"add {then}", "add", count=1)(which=0), str)


def test_an_access_of_long_ago_is_not_forgotten():
    g = "memref<64xf32, GM>"
    text = kernel(f"%a: {g}, %b: {g}", f"""%x = ascend.address [0] : {U}
      %y = ascend.address [256] : {U}
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 70000 : index
      ascend.load ins(%a : {g}) outs(%x : {U})
      scf.for %i = %c0 to %n step %c1 {{
        ascend.load ins(%a : {g}) outs(%y : {U})
      }}
      ascend.vun <neg> ins(%x : {U}) outs(%x : {U})""")  # fmt: skip
    assert "race in UB" in launch_in("checked", text, ARRAYS)


def test_in_the_plain_mode_nothing_is_queued():
    np.testing.assert_array_equal(launch(load_negate_store(), ARRAYS)[1], -ARRAYS[0])


def test_a_word_that_means_nothing():
    with pytest.raises(AssertionError, match="'fast' is none of 'checked'"):
        launch_in("fast", load_negate_store(), ARRAYS)


@pytest.mark.parametrize("word", ["seed=", "seed=many", "seed=3x", "seed=-1"])
def test_a_seed_is_a_number(word):
    with pytest.raises(AssertionError, match=f"'{word}' is none of 'checked'"):
        launch_in(word, load_negate_store(), ARRAYS)


def test_each_seed_is_an_order_of_its_own():
    """Which of the two accesses of a race comes second, and is reported, depends on the order."""
    found = {mode: launch_in(mode, load_negate_store(second=DONE), ARRAYS) for mode in ("checked", *(f"seed={n}" for n in range(8)))}
    assert all("race in UB" in wrong for wrong in found.values())
    assert len(set(found.values())) == 2 and found["seed=0"] != found["checked"]
