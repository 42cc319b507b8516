"""What the benchmark's model reads from the machine code of kernels: bounds that a change for the worse breaks."""
from __future__ import annotations

import pathlib
import sys

import numpy as np
import pytest
from needs import needs

import cellgrad as ms
from cellgrad import ops
from cellgrad._compiler import cuda_tools

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "benchmarks"))
import gpu_model
import sass

pytestmark = [needs(cuda_tools.find("ptxas"), "ptxas is not installed: pip install 'cellgrad[cuda]'"), needs(cuda_tools.find("nvdisasm"), "nvdisasm is not installed")]


def program(fn, *shapes, dtype=ms.float32, chip="sm_90"):
    return ms.jit(fn).lower(*(ms.Tensor(np.ones(shape, np.float32)).astype(dtype) for shape in shapes), target="gpu", chip=chip)


def launches(fn, *shapes, dtype=ms.float32, chip="sm_90"):
    return gpu_model.launches_of(program(fn, *shapes, dtype=dtype, chip=chip))


def weighted(norm):
    return ms.value_and_grad(lambda x, y: (norm(x) * y).sum())


@pytest.mark.parametrize("norm", [lambda x: ops.softmax(x, -1), lambda x: ops.layer_norm(x, (4096,), ops.ones(4096), ops.zeros(4096))], ids=["softmax", "layer_norm"])
def test_rows_with_loss_and_gradient_move_each_operand_once(norm):
    found, least = launches(weighted(norm), (1024, 4096), (1024, 4096))
    assert sum(k.moved * k.launches for k in found) <= 1.02 * least
    rows = max(found, key=lambda k: k.moved)
    large = [i for i in rows.code.of("global load", "global store") if i.bytes == 16]
    assert len(large) == 12 and rows.code.wide_share() > 0.9  # four of x, y and the gradient each
    assert len(rows.loop.of("global load")) == 8  # of x and y, and nothing a second time
    bounds = rows.bounds(gpu_model.target("sm_90"))
    assert bounds["memory"] == max(bounds.values()) and rows.local == 0


def test_elementwise_chain_moves_16_bytes_at_a_time():
    found, least = launches(lambda x, y: ops.sigmoid(x * y) * ops.exp(-0.5 * x * x) + ops.tanh(y) * x, (1 << 20,), (1 << 20,))
    (kernel,) = found
    assert kernel.moved == least == 12 << 20
    assert kernel.loop.wide_share() == 1 and kernel.local == 0
    assert len(kernel.loop.of("global load")) == 2


def test_most_instructions_of_a_large_f32_product_are_multiply_adds():
    ((kernel,), least) = launches(lambda a, b: ops.matmul(a, b), (4096, 512), (512, 4096))
    assert kernel.moved == least and kernel.multiply_adds == 4096 * 4096 * 512
    assert kernel.share() > 0.87 and kernel.loop.wide_share() == 1 and kernel.local == 0
    assert len(kernel.loop.of("global load")) == 2  # 128 x 8 of each factor by 256 threads
    # Two reads of 16 bytes of each factor for 64 multiply-adds.
    assert len(kernel.loop.of("LDS")) * 16 <= len(kernel.loop.of("FFMA")) and all(i.bytes == 16 for i in kernel.loop.of("LDS"))


def test_tensor_cores_wait_for_themselves_only():
    ((kernel,), _) = launches(lambda a, b: ops.matmul(a, b), (4096, 512), (512, 4096), dtype=ms.bfloat16)
    assert kernel.multiply_adds == 4096 * 4096 * 512 and kernel.local == 0
    bounds = kernel.bounds(gpu_model.target("sm_90"))
    assert bounds["tensor"] > 1.2 * max(time for unit, time in bounds.items() if unit != "tensor")
    assert len(kernel.loop) <= 3.5 * len(kernel.loop.of("HMMA"))
    # 128 x 32 of each factor by 128 threads, in copies of 16 bytes.
    assert not kernel.loop.of("global load") and len(kernel.loop.of("LDGSTS")) == 8 and kernel.loop.global_bytes() == 128


def test_products_of_warpgroups_are_counted_with_their_bulk_copies():
    ((kernel,), least) = launches(lambda a, b: ops.matmul(a, b), (4096, 512), (512, 4096), dtype=ms.bfloat16, chip="sm_90a")
    assert kernel.multiply_adds == 4096 * 4096 * 512 and kernel.moved == least  # the warp that copies multiplies nothing
    assert kernel.copied == kernel.blocks * (128 + 256) * 512 * 2  # of a tile of 128 x 256 all that it reads
    assert kernel.shared >= 4 * (128 + 256) * 64 * 2  # four stages, dynamic
    chip = gpu_model.target("sm_90a")
    bounds = kernel.bounds(chip)
    assert bounds["tensor"] == 4 * 128 * 256 * 512 / 2048  # 512 tiles on 132 multiprocessors: four rounds
    assert kernel.product_floor(chip) == kernel.multiply_adds / 2048 / 132
    assert bounds["L2"] == kernel.copied / 5120 and bounds["issue"] < bounds["tensor"] / 4
    assert kernel.local == 0 and len(kernel.loop) <= 12 * len(kernel.loop.of("HGMMA"))


def test_products_of_warpgroups_by_shape():
    wide, narrow, in_registers, ordinary = (
        sass.Instruction(0, text.split()[0], text)
        for text in ("HGMMA.64x256x16.F32.BF16 R24, gdesc[UR16].tnspB, R24", "HGMMA.64x64x16.F32 R24, gdesc[UR16], R24, gsb0", "HGMMA.64x64x8.F32.TF32 R24, R4, gdesc[UR8], R24", "HMMA.16816.F32.BF16 R4, R4, R8, R4")
    )
    assert [sass.multiply_adds(i) for i in (wide, narrow, in_registers, ordinary)] == [64 * 256 * 4, 64 * 64 * 4, 64 * 64 * 2, 16 * 8 * 16]
    assert [sass.factor_bytes(i) for i in (wide, narrow, in_registers, ordinary)] == [320 * 32, 128 * 32, 64 * 32, 0]
    assert sass.Code((wide,) * 4).cycles(2048) == {"issue": 1, "tensor": 128, "shared": 80}  # a warp's quarter of four


def test_convolution_of_few_channels_is_not_all_addresses():
    conv = lambda x, w: ops.conv2d(x, w, pad_mode="pad", padding=1)
    ((kernel,), _) = launches(conv, (128, 16, 32, 32), (16, 16, 3, 3))
    assert kernel.multiply_adds == 128 * 32 * 32 * 16 * 16 * 9  # nothing beside the result is computed
    assert kernel.share() > 0.45 and kernel.local == 0
    assert not [i for i in kernel.loop.instructions if i.opcode == "UPRMT"]  # no arithmetic of 8 bits
    assert len(kernel.loop.of("global load")) <= 33  # 32 elements of windows, and four weights at once


def test_loops_and_classes_of_a_disassembly():
    text = """
.text.copy:
        /*0000*/                   S2R R0, SR_TID.X ;
.L_x_0:
        /*0010*/                   LDG.E.128.CONSTANT R4, desc[UR4][R2.64] ;
        /*0020*/              @!P1 FFMA R4, R4, R5, R6 ;
        /*0030*/                   STG.E desc[UR4][R2.64], R4 ;
        /*0040*/               @P0 BRA `(.L_x_0) ;
        /*0050*/                   EXIT ;
.L_x_1:
        /*0060*/                   BRA `(.L_x_1);
"""
    code = sass.kernels(text)["copy"]
    loop = sass.main_loop(code)
    assert [i.name for i in loop.instructions] == ["LDG.E.128.CONSTANT", "FFMA", "STG.E", "BRA"]
    assert (loop.global_bytes(), loop.wide_share(), loop.kinds()["fma"]) == (20, 0.5, 1)
    assert loop.cycles()["issue"] == 1 and sass.multiply_adds(loop.instructions[1]) == 32
