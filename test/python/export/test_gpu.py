"""Programs for GPUs: on the simulator, from Python and from a process without cellgrad; for real chips as far as files go."""
from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from needs import needs

import cellgrad as ms
import cellgrad_program
from cellgrad import Parameter, Tensor, nn, ops, value_and_grad

LIBRARIES = Path(ms.__file__).parent / "lib"
SIM = LIBRARIES / "libcellgrad_gpu_sim.so"
needs_sim = needs(SIM.exists(), "the simulator is not built")


@needs_sim
def test_a_training_step_keeps_its_parameters_on_the_gpu(tmp_path, with_sim):
    ms.set_seed(5)
    net, loss_fn = nn.SequentialCell(nn.Dense(3, 8), nn.Tanh(), nn.Dense(8, 1)), nn.MSELoss()
    optimizer = nn.Momentum(net.trainable_params(), learning_rate=0.1, momentum=0.9)
    grad_fn = value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)

    def step(x, y):
        loss, grads = grad_fn(x, y)
        optimizer(grads)
        return loss

    x = np.random.default_rng(0).standard_normal((16, 3)).astype(np.float32)
    y = x @ np.array([[1.0], [-2.0], [3.0]], np.float32)
    ms.export_programs(tmp_path / "m.cgp", {"step": (step, Tensor(x), Tensor(y)), "predict": (net, Tensor(x))}, target="gpu", chip="sim")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    with_sim("folder = sys.argv[1]\n"
             "data = np.load(folder + '/data.npz'); x, y = data['x'], data['y']\n"
             "file = cellgrad_program.load(folder + '/m.cgp')\n"
             "assert file.on_gpu and file.header['target']['device'] == {'kind': 'cuda', 'image': 'x86_64-elf', 'chip': 'sim'}\n"
             "before = file.parameters()['0.weight']\n"
             "step = file['step']\n"
             "losses = [float(step(x, y)) for _ in range(10)]\n"
             "after = file.parameters()['0.weight']\n"
             "assert not np.array_equal(before, after)\n"
             "np.savez(folder + '/out.npz', losses=losses, weight=after, y=file['predict'](x))\n"
             "file.load_parameters({'2.weight': np.zeros((1, 8), np.float32), '2.bias': np.full(1, 7, np.float32)})\n"
             "assert (file['predict'](x) == 7).all()\n", tmp_path)
    out = np.load(tmp_path / "out.npz")
    compiled = ms.jit(step)
    np.testing.assert_allclose(out["losses"], [compiled(Tensor(x), Tensor(y)).asnumpy() for _ in range(10)], rtol=1e-4)
    np.testing.assert_allclose(out["weight"], net[0].weight.asnumpy(), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(out["y"], net(Tensor(x)).asnumpy(), rtol=1e-3, atol=1e-4)


@needs_sim
def test_written_arguments_assertions_and_loops(tmp_path, with_sim):
    def f(p, x, n):
        assert (n >= 0).all(), "n is not negative"
        y = x
        i = Tensor(0)
        while i < n:
            y = y * x
            i = i + 1
        ops.assign_add(p, y)
        return {"power": y, "empty": ops.zeros((0, 2), ms.float32)}

    ms.jit(f).export(tmp_path / "f.cgp", Parameter(Tensor(np.zeros(3, np.float32)), name="p"), Tensor(np.ones(3, np.float32)), Tensor(2), target="gpu", chip="sim")
    with_sim("f = cellgrad_program.load(sys.argv[1])['f']\n"
             "p, x = np.zeros(3, np.float32), np.float32([1, 2, 3])\n"
             "for n in (2, 0, 3, 2):\n"
             "    got = f(p, x, n)\n"
             "    assert np.array_equal(got['power'], x ** (n + 1)) and got['empty'].shape == (0, 2)\n"
             "assert np.array_equal(p, 2 * x ** 3 + x + x ** 4), p\n"
             "try: f(p, x, -1)\n"
             "except AssertionError as error: assert 'n is not negative' in str(error)\n"
             "else: raise SystemExit('no error')\n"
             "assert np.array_equal(f(p, x, 1)['power'], x ** 2)\n", tmp_path / "f.cgp")


@needs_sim
def test_a_process_without_cellgrad(tmp_path, bare, loader):
    """The folder that travels has the GPU runtime; the simulator is put beside it here, in place of a driver."""
    shutil.copy(SIM, loader / "cellgrad_program")
    x = np.random.default_rng(0).standard_normal((64, 100)).astype(np.float32)
    ms.jit(lambda x: (ops.softmax(x), x.sum(0))).export(tmp_path / "s.cgp", Tensor(x), target="gpu", chip="sim")
    np.save(tmp_path / "x.npy", x)
    bare("import os; os.environ['CELLGRAD_CUDA_DRIVER'] = 'sim'\n"
         "x = np.load(sys.argv[1] + '/x.npy')\n"
         "soft, total = cellgrad_program.load(sys.argv[1] + '/s.cgp')(x)\n"
         "e = np.exp(x - x.max(-1, keepdims=True))\n"
         "np.testing.assert_allclose(soft, e / e.sum(-1, keepdims=True), rtol=1e-5)\n"
         "np.testing.assert_allclose(total, x.sum(0), rtol=1e-4, atol=1e-4)\n", tmp_path)


@needs_sim
def test_what_is_missing_is_said(tmp_path, with_sim):
    x = Tensor(np.ones(4, np.float32))
    double = ms.jit(lambda x: x * 2)
    double.export(tmp_path / "f.cgp", x, target="gpu", chip="sm_90")
    out = with_sim("try: cellgrad_program.load(sys.argv[1])\n"
                   "except cellgrad_program.MachineError as error: print(error)\n"
                   "try: cellgrad_program.load(sys.argv[1], gpu=3)\n"
                   "except cellgrad_program.MachineError as error: print(error)\n", tmp_path / "f.cgp")
    assert "for a GPU (sm_90): GPU 0 is" in out and "does not run its ptx" in out and "there is no GPU 3; this machine has " in out
    if shutil.which("nvidia-smi") is None and "CELLGRAD_CUDA_DRIVER" not in os.environ:
        with pytest.raises(cellgrad_program.MachineError, match="no CUDA driver|does not run its ptx"):  # the simulator, if an earlier test took it
            cellgrad_program.load(tmp_path / "f.cgp")
    for options, text in [({"target": "gpu"}, "wants a chip"), ({"target": "gpu", "chip": "sm_1"}, "no chip 'sm_1'"), ({"chip": "sm_90"}, "goes with the target"),
                          ({"target": "gpu", "chip": "Ascend910B3"}, "is not a GPU"), ({"target": "gpu", "chip": "sm_90", "image": "jpeg"}, "'image' is")]:
        with pytest.raises(ValueError, match=text):
            double.export(tmp_path / "no.cgp", x, **options)


@pytest.mark.parametrize("image", ["ptx", "cubin"])
def test_files_for_real_chips_hold_their_kernels(tmp_path, image):
    from cellgrad._compiler import cuda_tools

    x = Tensor(np.ones(1000, np.float32))
    export = ms.jit(lambda x: ops.tanh(x) + 1).export
    if image == "cubin" and cuda_tools.find("ptxas") is None:
        with pytest.raises(FileNotFoundError, match="needs ptxas"):
            export(tmp_path / "f.cgp", x, target="gpu", chip="sm_80", image=image)
        return
    export(tmp_path / "f.cgp", x, target="gpu", chip="sm_80", image=image)
    content = (tmp_path / "f.cgp").read_bytes()
    assert (b".target sm_80" in content) == (image == "ptx")
    assert f'"image":"{image}","chip":"sm_80"'.encode() in content
    assert content.count(b"\x7fELF") == (2 if image == "cubin" else 1)
