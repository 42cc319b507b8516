"""Products of warpgroups fed by bulk copies, in all four layouts, and what the simulator finds when such a kernel breaks a rule of the hardware."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hopper_kernels import SPACE, ring, round_to
from sim_driver import Driver, DriverError, compile_kernels


@pytest.fixture(scope="module")
def driver():
    return Driver()


class Ring:
    """One program of `ring`, its factors on the device."""

    def __init__(self, driver, n=64, steps=3, stages=2, a_rows=False, b_rows=False, kind="f16", groups=1):
        self.driver, self.shape, self.stages, self.groups = driver, (64 * groups, n), stages, groups
        self.text = ring(n, steps, stages, a_rows, b_rows, kind, groups)
        rng = np.random.default_rng(n + steps)
        a, self.a = round_to(kind, rng.standard_normal((64 * groups, 64 * steps)))
        b, self.b = round_to(kind, rng.standard_normal((64 * steps, n)))
        code = 6 if kind == "f16" else 9
        self.maps = []
        for half, box in ((a.T if a_rows else a, 64), (b if b_rows else b.T, 64 if b_rows else n)):
            half = np.ascontiguousarray(half)
            self.maps.append(driver.tensor_map(driver.upload(half), half.shape[::-1], [2 * half.shape[1]], [64, box], code))

    def run(self, *changes, checked=True):
        text = self.text
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        out = self.driver.upload(np.full(self.shape, np.nan, np.float32))
        function = self.driver.function(self.driver.load(compile_kernels(text, checked)), "f")
        shared = self.stages * (8192 * self.groups + 128 * self.shape[1])
        self.driver.call("cuFuncSetAttribute", function, 8, shared)
        self.driver.launch(function, (1, 1, 1), (128 * self.groups + 32, 1, 1), *self.maps, out, shared=shared)
        return self.driver.download(out, self.shape, np.float32)

    def agrees(self, got):
        return np.allclose(got, self.a @ self.b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("b_rows", [False, True])
@pytest.mark.parametrize("a_rows", [False, True])
def test_layouts(driver, a_rows, b_rows, kind):
    for n, steps, stages in ((64, 1, 1), (128, 5, 3)):
        case = Ring(driver, n, steps, stages, a_rows, b_rows, kind)
        assert case.agrees(case.run(checked=n == 128))


@pytest.mark.parametrize("n, rows", [(128, False), (256, True)])
def test_two_warpgroups(driver, n, rows):
    """Each multiplies its 64 rows by the same factor; a stage is free when both are done with it."""
    case = Ring(driver, n, 5, 2, rows, rows, "bf16", groups=2)
    assert case.agrees(case.run())
    first = "%leader = arith.cmpi eq, %lane, %c0 : index"
    with pytest.raises(DriverError, match="of warpgroup 1 may still read the tile"):  # the first frees it for both
        case.run(("init %bars[%e], %c8", "init %bars[%e], %c4"), (first, "%l0 = arith.cmpi eq, %lane, %c0 : index\n%low = arith.cmpi ult, %t, %c128 : index\n%leader = arith.andi %l0, %low : i1"))


G = f"!nvgpu.mbarrier.group<memorySpace = {SPACE}, num_barriers = 4>"
TILE = f"memref<64x64xf16, {SPACE}>"
AT = r"thread \(\d+, 0, 0\) at .*:\d+, "
MBARRIER = r"the mbarrier at byte \d+ of shared memory"
WAIT = "nvvm.wgmma.wait.group.sync.aligned "
END = "%warp = arith.divui"
FAULTS = {
    "mbarrier without init": ([("%s = %c0 to %c2 step", "%s = %c0 to %c1 step")], AT + "nvgpu.mbarrier.*the mbarrier is used before it is initialised"),
    "mbarrier with two inits": ([("init %bars[%e], %c4", "init %bars[%s], %c4")], AT + "nvgpu.mbarrier.init: the mbarrier is initialised twice; first at .*:"),
    "mbarrier that there is not": ([("%bars[%e], %free", "%bars[%c64], %free")], "mbarrier 64 of a group of 4"),
    "mbarrier for nobody": ([("init %bars[%e], %c4", "init %bars[%e], %c0")], "an mbarrier for 0 arrivals"),
    "made, and not shown to copies": ([("nvvm.fence.mbarrier.init", "")], AT + f"nvgpu.tma.async.load of .*: bulk copies do not see {MBARRIER} yet"),
    "consumer with the wrong parity": ([("eq, %odd, %c1", "eq, %odd, %c0")], AT + "nvvm.wgmma.mma_async: it reads"),
    "producer with the wrong parity": ([("%free = arith.cmpi eq, %odd, %c0", "%free = arith.cmpi eq, %odd, %c1")], rf"thread \(0, 0, 0\) waits for phase 0 of {MBARRIER} \(1 of 1 arrivals and 0 bytes are missing\) at .*; thread \(128, 0, 0\) waits for phase 0 of {MBARRIER} \(4 of 4"),
    "shown to copies with no barrier after it": ([("  nvvm.fence.mbarrier.init\n}\ngpu.barrier", "}\ngpu.barrier\nscf.if %first {\n  nvvm.fence.mbarrier.init\n}")], AT + f"nvgpu.tma.async.load of .*: bulk copies do not see {MBARRIER} yet"),
    "sums used between the fence and a product": ([("nvvm.wgmma.fence.aligned", "nvvm.wgmma.fence.aligned\n%u = llvm.extractvalue %sum[0] : !llvm.struct<(" + ", ".join(["f32"] * 32) + ")>\nmemref.store %u, %c[%c0, %c0] : memref<64x64xf32>"), ("%v0 =", "%w0 ="), ("store %v0,", "store %w0,"), ("memref.store %u, %c[%c0, %c0]", "memref.store %u, %c[%row0u, %q0]"), ("scf.if %consumer {", "scf.if %consumer {\n%row0u = arith.divui %t, %c2 : index\n%q0 = arith.remui %t, %c2 : index")], AT + r"nvvm.wgmma.mma_async: the sums were used by the threads, and there was no wgmma.fence after that"),
    "too few bytes": ([("expect_tx %bars[%s], %c16384", "expect_tx %bars[%s], %c8192")], f"{MBARRIER} completes its phase while the bulk copy at .* is under way: expect_tx announced too few bytes"),
    "bytes without notice": ([("expect_tx %bars[%s], %c16384", "expect_tx %bars[%s], %c0")], "it reads what the bulk copy at .* has not brought yet"),
    "more bytes than come": ([("%false = arith", "%more = arith.constant 20000 : index\n%false = arith"), ("expect_tx %bars[%s], %c16384", "expect_tx %bars[%s], %more")], r"\(0 of 1 arrivals and 3616 bytes are missing\)"),
    "more bytes than can be counted": ([("expect_tx %bars[%s], %c16384", "expect_tx %bars[%s], %c10000000")], "10000000 bytes are more than an mbarrier counts"),
    "nobody frees a stage": ([("%leader = arith.cmpi eq, %lane, %c0", "%leader = arith.cmpi eq, %lane, %c64")], r"waits for phase 1 .*; thread \(128, 0, 0\) waits for phase 0 of .* \(4 of 4 arrivals"),
    "two arrivals for one": ([("nvgpu.mbarrier.arrive.expect_tx", f"nvgpu.mbarrier.arrive.expect_tx %bars[%s], %c8192 : {G}\nnvgpu.mbarrier.arrive.expect_tx")], "gets more arrivals in a phase than the 1"),
    "overwritten without asking": ([(f"nvgpu.mbarrier.try_wait.parity %bars[%e], %free, %c10000000 : {G}", "")], "more arrivals in a phase|is under way|may still read the tile"),
    "stage freed before its product is done": ([(WAIT + "0", WAIT + "1"), (END, f"{WAIT}0\n{END}")], AT + r"nvgpu.tma.async.load .*: the product at .*nvvm.wgmma.mma_async of warpgroup 0 may still read the tile"),
    "sums used before they are there": ([(WAIT + "0", ""), ("%c0 to %c3", "%c0 to %c2")], AT + "nvvm.wgmma.mma_async: the sums of a product are used before wgmma.wait_group"),
    "no fence for the sums": ([("nvvm.wgmma.fence.aligned", "")], AT + r"nvvm.wgmma.mma_async: the sums were written by the threads, and there was no wgmma.fence"),
    "tile at the wrong place": ([("%base = arith.muli %s, %c16384 : index", "%bs = arith.muli %s, %c16384 : index\n%base = arith.addi %bs, %c128 : index")], r"the tile lies at byte \d+ of shared memory, not at a multiple of 1024"),
    "address without its base": ([("%ia = arith.index_cast %sa", "%sz = arith.subi %sa, %c128 : index\n%ia = arith.index_cast %sz")], "the descriptor of factor A leads to address 0 of shared memory, which the block has from 1024"),
    "address before the tile": ([("%ia = arith.index_cast %sa", "%sz = arith.subi %sa, %c64 : index\n%ia = arith.index_cast %sz")], "race: the same bytes were written by thread 128 of the block"),
    "bits that mean nothing": ([("%da = arith.addi %ia, %fa", "%jk = arith.constant 32768 : i64\n%ja = arith.addi %ia, %jk : i64\n%da = arith.addi %ja, %fa")], "the descriptor of factor A has bits set that mean nothing"),
    "base offset": ([("%da = arith.addi %ia, %fa", "%jk = arith.constant 562949953421312 : i64\n%ja = arith.addi %ia, %jk : i64\n%da = arith.addi %ja, %fa")], "has a base offset"),
    "descriptors that differ": ([("%ia = arith.index_cast %sa", "%sz = arith.addi %sa, %lane : index\n%ia = arith.index_cast %sz")], "the threads of the warpgroup have different descriptors"),
    "half a warpgroup": ([("ult, %t, %c128", "ult, %t, %c64")], r"waits for a warpgroup's product at .*, which thread \(64, 0, 0\) never reaches: it has ended"),
    "copy that nobody waits for": ([("%c0 to %c3 step %c1 {", "%c0 to %c4 step %c1 {")], r"the block ends while the bulk copy at .* is under way: nobody waits for"),
    "tile read while it comes": ([("%ob = arith.addi %base", f"%hh = memref.load %ta0[%c0, %c0] : {TILE}\nmemref.store %hh, %ta0[%c0, %c1] : {TILE}\n%ob = arith.addi %base")], AT + "memref.load .*: the bulk copy at .* to these bytes is under way"),
    "tile written under a product": ([(WAIT + "0", f"%h = arith.constant 0.0 : f16\nmemref.store %h, %ta[%c0, %lane] : {TILE}\n{WAIT}0")], AT + "memref.store .*: the product at .* may still read these bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(driver, name):
    changes, text = FAULTS[name]
    case = Ring(driver)
    with pytest.raises(DriverError, match=text):
        case.run(*changes)


@pytest.mark.parametrize("mode", [0, 3])
def test_wrong_swizzle_gives_wrong_numbers(driver, mode):
    case = Ring(driver)
    rest = 64 << 32 | 1 << 16
    assert case.agrees(case.run())
    assert not case.agrees(case.run((f"%fb = arith.constant {1 << 62 | rest}", f"%fb = arith.constant {(mode << 62 | rest) - (mode // 2 << 64)}")))


def test_tensor_map_is_checked(driver):
    case = Ring(driver)
    case.maps[0] = (ctypes.c_char * 128)()
    with pytest.raises(DriverError, match="the argument is no tensor map that cuTensorMapEncodeTiled made"):
        case.run()
    a = driver.upload(np.zeros((64, 192), np.float16))
    case.maps[0] = driver.tensor_map(a, [192, 64], [384], [64, 32])
    with pytest.raises(DriverError, match="the tensor map's tile has 4096 bytes, the buffer that it comes to 8192"):
        case.run()
    case.maps[0] = driver.tensor_map(a, [64, 3, 64], [128, 384], [64, 1, 64])
    with pytest.raises(DriverError, match="2 coordinates for a tensor map of rank 3"):
        case.run()
    driver.free(a)
    case.maps[0] = driver.tensor_map(a, [192, 64], [384], [64, 64])
    with pytest.raises(DriverError, match="nvgpu.tma.async.load .* that was freed"):
        case.run()


def test_order_of_threads_does_not_matter():
    """What arrives when, and who goes on first, is up to the seed."""
    script = "from test_sim_wgmma import *\ncase = Ring(Driver(), 64, 7, 3)\nassert case.agrees(case.run())"
    for seed in (1, 2, 3, 4):
        env = dict(os.environ, CELLGRAD_GPU_SIM=f"checked,seed={seed}")
        done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_sums_of_one_product_are_used_while_the_next_runs(driver):
    """The same operation may be under way again when what it left before is done, and used."""
    case = Ring(driver, 64, 3, 4)
    sums = "!llvm.struct<(" + ", ".join(["f32"] * 32) + ")>"
    got = case.run(
        ("iter_args(%sum = %zero) -> " + sums, "iter_args(%sum = %zero, %total = %zero) -> (" + sums + ", " + sums + ")"),
        ("%result = scf.for", "%result, %last = scf.for"),
        ("%pa = memref", "%fresh = llvm.mlir.zero : " + sums + "\n%pa = memref"), ("%db0, %sum,", "%db0, %fresh,"),
        (WAIT + "0", WAIT + "1\n" + f"%e0 = llvm.extractvalue %sum[0] : {sums}\n%l0 = llvm.extractvalue %total[0] : {sums}\n%both = arith.addf %e0, %l0 : f32\n%next = llvm.insertvalue %both, %total[0] : {sums}"),
        (f"scf.yield %d3 : {sums}", f"scf.yield %d3, %next : {sums}, {sums}"),
        ("    scf.if %leader {\n      %token", "    %none = arith.cmpi eq, %lane, %c64 : index\n    scf.if %none {\n      %token"),
        ("%warp = arith.divui", WAIT + "0\n%warp = arith.divui"), ("%v0 = llvm.extractvalue %result[0]", "%v0a = llvm.extractvalue %result[0]"),
        ("memref.store %v0,", f"%v0b = llvm.extractvalue %last[0] : {sums}\n%v0 = arith.addf %v0a, %v0b : f32\nmemref.store %v0,"),
    )  # fmt: skip
    whole = case.a @ case.b
    where = np.zeros(case.shape, bool)
    where[[16 * w + g for w in range(4) for g in range(8)], :8:2] = True  # register 0 of each thread
    assert np.allclose(got[where], whole[where], rtol=1e-4, atol=1e-4)


def plain(scale="one", transposed=False):
    """c (64 x 8) = a b for a of 64 x 16 and b of 16 x 8 that ordinary stores bring, not swizzled: 8 rows of 16 bytes together, side by side in k, then down."""
    sums = "!llvm.struct<(f32, f32, f32, f32)>"
    stores = "\n".join(f"%v{r} = llvm.extractvalue %d[{r}] : {sums}\n%r{r} = arith.constant {r} : index\nmemref.store %v{r}, %c[%t, %r{r}] : memref<128x4xf32>" for r in range(4))
    a, b = f"memref<1024xf16, {SPACE}>", f"memref<128xf16, {SPACE}>"
    return f"""gpu.func @f(%ga: memref<1024xf16>, %gb: memref<128xf16>, %c: memref<128x4xf32>) workgroup(%a: {a}, %b: {b}) kernel {{
%t = gpu.thread_id x
%c0 = arith.constant 0 : index
%c1 = arith.constant 1 : index
%c8 = arith.constant 8 : index
%c128 = arith.constant 128 : index
scf.for %i = %c0 to %c8 step %c1 {{
  %o = arith.muli %i, %c128 : index
  %j = arith.addi %o, %t : index
  %x = memref.load %ga[%j] : memref<1024xf16>
  memref.store %x, %a[%j] : {a}
}}
%y = memref.load %gb[%t] : memref<128xf16>
memref.store %y, %b[%t] : {b}
nvvm.fence.proxy {{kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}}
gpu.barrier
%pa = memref.extract_aligned_pointer_as_index %a : {a} -> index
%pb = memref.extract_aligned_pointer_as_index %b : {b} -> index
%c4 = arith.constant 4 : index
%sa = arith.shrui %pa, %c4 : index
%sb = arith.shrui %pb, %c4 : index
%ia = arith.index_cast %sa : index to i64
%ib = arith.index_cast %sb : index to i64
%f = arith.constant {16 << 32 | 8 << 16} : i64
%da = arith.addi %ia, %f : i64
%db = arith.addi %ib, %f : i64
%z = llvm.mlir.zero : {sums}
nvvm.wgmma.fence.aligned
%d = nvvm.wgmma.mma_async %da, %db, %z, #nvvm.shape<m = 64, n = 8, k = 16>, D[<f32>, #nvvm.wgmma_scale_out<{scale}>], A[<f16>, #nvvm.wgmma_scale_in<neg>, <{'col' if transposed else 'row'}>], B[<f16>, #nvvm.wgmma_scale_in<one>, <col>] : {sums} -> {sums}
nvvm.wgmma.commit.group.sync.aligned
nvvm.wgmma.wait.group.sync.aligned 0
{stores}
gpu.return
}}"""


@pytest.mark.parametrize("transposed", [False, True])
def test_factors_of_ordinary_stores(driver, transposed):
    rng = np.random.default_rng(1)
    a, b = rng.integers(-8, 8, (64, 16)).astype(np.float16), rng.integers(-8, 8, (16, 8)).astype(np.float16)
    cores_a = a.reshape(8, 8, 2, 8).transpose(0, 2, 1, 3)  # row block, half of k, row, k
    if transposed:  # k, row inside
        cores_a = a.reshape(8, 8, 2, 8).transpose(0, 2, 3, 1)
    cores_b = b.T.reshape(8, 2, 8).transpose(1, 0, 2)

    def run(change=lambda text: text, checked=True):
        text = change(plain("zero", transposed))
        memory = [driver.upload(np.ascontiguousarray(x)) for x in (cores_a, cores_b, np.zeros((128, 4), np.float32))]
        driver.launch(driver.function(driver.load(compile_kernels(text, checked)), "f"), (1, 1, 1), (128, 1, 1), *memory)
        registers = driver.download(memory[2], (4, 8, 4, 2, 2), np.float32)  # warp, lane / 4, lane % 4, row + 8, column
        return registers.transpose(0, 3, 1, 2, 4).reshape(64, 8)

    np.testing.assert_array_equal(run(), -(a.astype(np.float32) @ b.astype(np.float32)))
    with pytest.raises(DriverError, match="nvvm.wgmma.mma_async: thread .* wrote the bytes by an ordinary store, with no fence.proxy.async"):
        run(lambda text: "\n".join(line for line in text.splitlines() if "fence.proxy" not in line))
    with pytest.raises(DriverError, match="nvvm.wgmma.mma_async: race: the same bytes were written by thread"):
        run(lambda text: text.replace("gpu.barrier", ""))
    fence = next(line for line in plain().splitlines() if "fence.proxy" in line)
    np.testing.assert_array_equal(run(lambda text: text.replace(f"{fence}\ngpu.barrier", f"gpu.barrier\n{fence}")), run())  # by those who read
    with pytest.raises(DriverError, match="nvvm.wgmma.mma_async: thread .* wrote the bytes by an ordinary store, with no fence.proxy.async between"):
        # By those who wrote, of whom half do so when the other half goes on to read.
        low, high = (f"%{name} = arith.cmpi {name}, %t, %c64 : index\nscf.if %{name} {{\n{fence}\n}}" for name in ("ult", "uge"))
        run(lambda text: text.replace(f"{fence}\ngpu.barrier", f"%c64 = arith.constant 64 : index\n{low}\ngpu.barrier\n{high}"))
    with pytest.raises(DriverError, match="it ends with products that it did not wait for"):
        run(lambda text: text.replace("nvvm.wgmma.wait.group.sync.aligned 0", "").replace("memref.store %v", "// ").replace("%v", "// %v"))
