"""The C interface on a GPU, the simulator's: arrays that are there already, what is copied, what is refused."""
from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from needs import needs

import cellgrad as ms
from cellgrad import Parameter, Tensor, ops

SIM = Path(ms.__file__).parent / "lib" / "libcellgrad_gpu_sim.so"
COMPILER = shutil.which("cc")
pytestmark = [needs(COMPILER, "no C compiler"), needs(SIM.exists(), "the simulator is not built")]
ROOT = Path(__file__).resolve().parents[3]


def compile_and_run(source, loader, driver, folder, *args):
    package = loader / "cellgrad_program"
    shutil.copy(SIM, package)
    subprocess.run([COMPILER, "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", source, f"-I{package}", f"-L{package}", "-lcellgrad_program", "-ldl", "-lm",
                    f"-Wl,-rpath,{package}", "-o", folder / "main"], check=True, capture_output=True, timeout=120)
    done = subprocess.run([folder / "main", *map(str, args)], capture_output=True, text=True, timeout=120,
                          env={"CELLGRAD_CUDA_DRIVER": str(driver), "CELLGRAD_SIM_DEVICES": "2"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SOURCE = r"""
#include <cellgrad_program.h>
#include <assert.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
static cgp_error error;
static int *counter(const char *name) { int *found = dlsym(dlopen("%s", RTLD_NOW | RTLD_NOLOAD), name); assert(found); return found; }
#define OK(call) if ((call) != CGP_OK) { fprintf(stderr, "line %%d: %%s\n", __LINE__, error.text); return 1; } else (void)0
#define REFUSED(call, kind, what) if ((call) != kind || !strstr(error.text, what)) { fprintf(stderr, "line %%d: %%s\n", __LINE__, error.text); return 1; } else (void)0
static cgp_array host(void *data, int64_t bytes) { return (cgp_array){data, bytes, CGP_HOST}; }
static cgp_array device(void *data, int64_t bytes) { return (cgp_array){data, bytes, CGP_DEVICE}; }

int main(int argc, char **argv) {
  cgp_file *file, *other;
  void *far;
  assert(argc == 2);
  OK(cgp_open(argv[1], NULL, &file, &error));
  int *uploads = counter("uploads"), *downloads = counter("downloads"), *waits = counter("waits"), *replays = counter("replays");
  int *edges = counter("edges"), *records = counter("records");
  void **waiting = (void **)counter("waiting"), **recorded = (void **)counter("recorded");
  assert(*counter("modules") == 1 && cgp_device(file) == 0 && cgp_stream(file)); /* the driver has the code before the first call */
  const cgp_program *f = cgp_program_named(file, "f");
  enum { N = 1024, B = 4 * N };
  static float x[N], w[N], y[N], total;
  for (int i = 0; i < N; ++i) x[i] = i, w[i] = 2;

  /* All of the host: a copy for each array, one wait. */
  cgp_buffer in[] = {{x, B}, {w, B}}, out[] = {{y, B}, {&total, 4}};
  *uploads = *downloads = *waits = 0;
  OK(cgp_call(f, in, 2, out, 2, &error));
  assert(y[3] == 7 && total == 2.0f * N && *uploads == 2 && *downloads == 2 && *waits == 1);

  /* All on the GPU: no copy, and replayed at the same addresses. */
  void *dx, *dw, *dy, *dt;
  OK(cgp_allocate(file, B + 64, &dx, &error)); OK(cgp_allocate(file, B, &dw, &error)); OK(cgp_allocate(file, B, &dy, &error)); OK(cgp_allocate(file, 4, &dt, &error));
  OK(cgp_upload(file, dx, x, B, &error)); OK(cgp_upload(file, dw, w, B, &error));
  cgp_array given[] = {device(dx, B), device(dw, B)}, results[] = {device(dy, B), device(dt, 4)};
  *uploads = *downloads = *waits = *edges = 0;
  for (int i = 0; i < 5; ++i) OK(cgp_call_on(f, given, 2, results, 2, cgp_stream(file), &error));
  assert(*uploads == 0 && *downloads == 0 && *waits == 0 && *edges == 0 && *replays >= 2);
  OK(cgp_call_on(f, given, 2, results, 2, NULL, &error));
  assert(*waits == 1 && *edges == 0);
  memset(y, 0, B);
  OK(cgp_download(file, y, dy, B, &error)); OK(cgp_download(file, &total, dt, 4, &error));
  assert(y[3] == 7 && total == 7 * 2.0f * N); /* a Parameter counts the calls */

  /* Another stream: the program after its work, its later work after the program. */
  *edges = *records = *waits = 0;
  OK(cgp_call_on(f, given, 2, results, 2, (void *)1, &error));
  assert(*waits == 0 && *edges == 2 && *records == 2 && recorded[0] == (void *)1 && waiting[0] == cgp_stream(file) && recorded[1] == cgp_stream(file) && waiting[1] == (void *)1);

  /* Mixed: what is on the host is copied, and what comes back there is waited for. */
  given[0] = host(x, B), results[1] = host(&total, 4);
  *uploads = *downloads = *waits = 0;
  x[3] = 10;
  OK(cgp_call_on(f, given, 2, results, 2, cgp_stream(file), &error));
  assert(*uploads == 1 && *downloads == 1 && *waits == 1 && total == 9 * 2.0f * N);
  OK(cgp_download(file, y, dy, B, &error));
  assert(y[3] == 21);

  /* What is refused, before anything runs. */
  given[0] = device(x, B);
  REFUSED(cgp_call_on(f, given, 2, results, 2, NULL, &error), CGP_ARGUMENT, "input 0 ('x'): ");
  assert(strstr(error.text, "is not memory of GPU 0"));
  given[0] = device((char *)dx + 4, B);
  REFUSED(cgp_call_on(f, given, 2, results, 2, NULL, &error), CGP_ARGUMENT, "multiple of 16 bytes");
  given[0] = device((char *)dx + 16, B);
  OK(cgp_call_on(f, given, 2, results, 2, NULL, &error));
  given[0] = device((char *)dw + 512, B); /* the end of its block */
  REFUSED(cgp_call_on(f, given, 2, results, 2, NULL, &error), CGP_ARGUMENT, "its last byte");
  given[0] = device(dy, B);
  REFUSED(cgp_call_on(f, given, 2, results, 2, NULL, &error), CGP_ARGUMENT, "overlaps");
  given[0] = device(NULL, B);
  REFUSED(cgp_call_on(f, given, 2, results, 2, NULL, &error), CGP_ARGUMENT, "null pointer");
  given[0] = device(dx, 8);
  REFUSED(cgp_call_on(f, given, 2, results, 2, NULL, &error), CGP_ARGUMENT, "has 4096 bytes");
  given[0] = (cgp_array){dx, B, 7};
  REFUSED(cgp_call_on(f, given, 2, results, 2, NULL, &error), CGP_ARGUMENT, "not 7");
  REFUSED(cgp_upload(file, x, w, B, &error), CGP_ARGUMENT, "is not memory of GPU 0");
  REFUSED(cgp_download(file, w, x, B, &error), CGP_ARGUMENT, "is not memory of GPU 0");
  REFUSED(cgp_upload(file, dx, w, -1, &error), CGP_ARGUMENT, "-1 bytes");
  REFUSED(cgp_download(file, w, dx, INT64_MIN, &error), CGP_ARGUMENT, "bytes");
  REFUSED(cgp_upload(file, dx, NULL, B, &error), CGP_ARGUMENT, "null pointer");
  REFUSED(cgp_allocate(file, -1, &far, &error), CGP_ARGUMENT, "-1 bytes");
  OK(cgp_upload(file, NULL, NULL, 0, &error));
  cgp_choose_gpu(1);
  OK(cgp_open(argv[1], NULL, &other, &error));
  assert(cgp_device(other) == 1);
  OK(cgp_allocate(other, B, &far, &error));
  given[0] = device(far, B);
  REFUSED(cgp_call_on(f, given, 2, results, 2, NULL, &error), CGP_ARGUMENT, "belongs to device 1");
  given[0] = device(dx, B);
  OK(cgp_call_on(f, given, 2, results, 2, NULL, &error));
  OK(cgp_synchronize(file, &error));
  cgp_free(other, far); cgp_free(file, dx); cgp_free(file, dw); cgp_free(file, dy); cgp_free(file, dt);
  cgp_close(file); cgp_close(other);
  puts("done");
  return 0;
}
"""


def test_arrays_on_the_gpu(tmp_path, loader, driver):
    count = Parameter(Tensor(np.zeros((), np.float32)), name="count")

    def f(x, w):
        ops.assign_add(count, w.sum())
        return x * w + 1, count * 1

    ms.jit(f).export(tmp_path / "f.cgp", Tensor(np.ones(1024, np.float32)), Tensor(np.ones(1024, np.float32)), target="gpu", chip="sim")
    (tmp_path / "f.c").write_text(SOURCE.replace('"%s"', f'"{driver}"', 1).replace("%%", "%"))
    assert compile_and_run(tmp_path / "f.c", loader, driver, tmp_path, tmp_path / "f.cgp") == "done\n"


def test_the_example_trains_on_a_gpu(tmp_path, loader, driver):
    done = subprocess.run([sys.executable, ROOT / "examples/export/export_model.py", tmp_path, "sim"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    out = compile_and_run(ROOT / "examples/export/train_gpu.c", loader, driver, tmp_path, tmp_path / "model.cgp")
    assert out.startswith("round    0: loss 0.") and "round 4000: loss 0.0" in out, out


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_a_file_for_the_cpu_has_no_arrays_on_a_gpu(tmp_path, loader, driver, target):
    options = {"target": "gpu", "chip": "sim"} if target == "gpu" else {}
    ms.jit(lambda x: x * 2).export(tmp_path / "f.cgp", Tensor(np.ones(4, np.float32)), **options)
    (tmp_path / "f.c").write_text(r"""
#include <cellgrad_program.h>
#include <stdio.h>
int main(int argc, char **argv) {
  cgp_file *file;
  cgp_error error = {0};
  float x[4] = {1, 2, 3, 4}, y[4] = {0};
  cgp_array in[] = {{x, 16, CGP_HOST}}, out[] = {{y, 16, CGP_HOST}};
  void *memory;
  if (argc < 2 || cgp_open(argv[1], NULL, &file, &error) || cgp_call_on(cgp_program_at(file, 0), in, 1, out, 1, NULL, &error)) return 1;
  printf("%g %d\n", y[3], cgp_device(file));
  if (cgp_device(file) < 0) {
    in[0].place = CGP_DEVICE;
    if (cgp_call_on(cgp_program_at(file, 0), in, 1, out, 1, NULL, &error) != CGP_ARGUMENT) return 2;
    puts(error.text);
    if (cgp_allocate(file, 16, &memory, &error) != CGP_ARGUMENT || memory || cgp_stream(file)) return 3;
    puts(error.text);
  }
  cgp_close(file);
  return 0;
}
""")
    expected = {"cpu": "8 -1\ninput 0 ('x') is said to be on a GPU, but the program runs on the CPU\nthe programs of this file run on the CPU\n", "gpu": "8 0\n"}
    assert compile_and_run(tmp_path / "f.c", loader, driver, tmp_path, tmp_path / "f.cgp") == expected[target]
