"""The C interface: the example, and what the header promises."""
from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from needs import need, needs

import cellgrad as ms
from cellgrad import Parameter, Tensor

ROOT = Path(__file__).resolve().parents[3]
COMPILER = shutil.which("cc")
pytestmark = needs(COMPILER, "no C compiler")


def build(source, loader, out, *flags):
    package = loader / "cellgrad_program"
    subprocess.run([COMPILER, "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *flags, source, f"-I{package}", f"-L{package}", "-lcellgrad_program", "-lm",
                    f"-Wl,-rpath,{package}", "-o", out], check=True, capture_output=True, timeout=120)
    return out


def run(program, *args):
    return subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=120, env={})


def test_the_example_trains(tmp_path, loader):
    done = subprocess.run([sys.executable, ROOT / "examples/export/export_model.py", tmp_path], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    digest = done.stdout.split()[1]
    train = build(ROOT / "examples/export/train.c", tmp_path, tmp_path / "train", "-std=c11")
    done = run(train, tmp_path / "model.cgp", digest)
    assert done.returncode == 0 and "step(x: 512 bytes, y: 256 bytes)" in done.stdout and "round 2000: loss 0.0" in done.stdout, done.stdout + done.stderr
    done = run(train, tmp_path / "model.cgp", "0" * 64)
    assert done.returncode == 1 and "not the expected" in done.stderr


SOURCE = r"""
#include <cellgrad_program.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
  cgp_error error;
  cgp_file *file = NULL;
  assert(argc == 2 && cgp_api() == CGP_API);
  assert(cgp_open("/nowhere", NULL, &file, &error) == CGP_UNREADABLE && !file && strstr(error.text, "/nowhere: No such file"));
  assert(cgp_open_memory("x", 1, NULL, &file, NULL) == CGP_DAMAGED && !file);
  assert(cgp_open(argv[1], NULL, &file, &error) == CGP_OK && error.status == CGP_OK && strlen(cgp_digest(file)) == 64 && cgp_header(file)[0] == '{');
  assert(cgp_program_count(file) == 1 && !cgp_program_at(file, 1) && !cgp_program_named(file, "g"));
  const cgp_program *f = cgp_program_named(file, "f");
  assert(f == cgp_program_at(file, 0) && !strcmp(cgp_program_name(f), "f") && cgp_input_count(f) == 1 && cgp_output_count(f) == 2);
  const cgp_tensor *x = cgp_input(f, 0), *y = cgp_output(f, 1);
  assert(!strcmp(x->name, "x") && x->dtype == CGP_FLOAT32 && x->rank == 2 && x->shape[0] == 2 && x->shape[1] == 3 && x->bytes == 24 && !x->written && !cgp_input(f, 1));
  assert(!strcmp(y->name, "['n']") && y->dtype == CGP_INT64 && y->rank == 0 && !cgp_output(f, 2));
  assert(cgp_parameter_count(file) == 1 && cgp_parameter_named(file, "total") == 0 && cgp_parameter_named(file, "x") == -1);
  assert(cgp_parameter(file, 0)->written && cgp_parameter(file, 0)->bytes == 4 && !cgp_parameter(file, 1) && !cgp_parameter_data(file, 1));

  float in[7] = {1, 2, 3, 4, 5, 6}, out[6], total = 10;
  int64_t n;
  cgp_buffer inputs[] = {{in, 24}}, outputs[] = {{out, 24}, {&n, 8}};
  assert(cgp_write_parameter(file, 0, &total, 4, &error) == CGP_OK);
  assert(cgp_call(f, inputs, 1, outputs, 2, &error) == CGP_OK && out[5] == 12 && n == 6);
  assert(cgp_read_parameter(file, 0, &total, 4, &error) == CGP_OK && total == 31 && *(float *)cgp_parameter_data(file, 0) == 31);
  assert(cgp_read_parameter(file, 0, &total, 8, &error) == CGP_ARGUMENT && cgp_read_parameter(file, 1, &total, 4, &error) == CGP_ARGUMENT);

  assert(cgp_call(f, inputs, 0, outputs, 2, &error) == CGP_ARGUMENT && strstr(error.text, "has 1 inputs, but was called with 0"));
  inputs[0].bytes = 20;
  assert(cgp_call(f, inputs, 1, outputs, 2, &error) == CGP_ARGUMENT && strstr(error.text, "input 0 ('x') has 24 bytes, but the buffer has 20"));
  inputs[0].bytes = 24, inputs[0].data = (char *)in + 1;
  assert(cgp_call(f, inputs, 1, outputs, 2, &error) == CGP_ARGUMENT && strstr(error.text, "not aligned"));
  inputs[0].data = NULL;
  assert(cgp_call(f, inputs, 1, outputs, 2, &error) == CGP_ARGUMENT && strstr(error.text, "null pointer"));
  inputs[0].data = out + 1;
  in[6] = 0, inputs[0].data = in, outputs[0].data = in + 1;
  assert(cgp_call(f, inputs, 1, outputs, 2, &error) == CGP_ARGUMENT && strstr(error.text, "overlaps"));
  assert(*(float *)cgp_parameter_data(file, 0) == 31);
  in[0] = -1, outputs[0].data = out;
  assert(cgp_call(f, inputs, 1, outputs, 2, &error) == CGP_ASSERTION && strstr(error.text, "x is positive") == error.text);
  in[0] = 1;
  assert(cgp_call(f, inputs, 1, outputs, 2, NULL) == CGP_OK);
  cgp_close(file);
  cgp_close(NULL);
  puts("done");
  return 0;
}
"""


@pytest.mark.parametrize("language", [("-std=c99",), ("-xc++", "-std=c++17")])
def test_the_header_as_c_and_as_cpp(tmp_path, loader, language):
    total = Parameter(Tensor(np.zeros((), np.float32)), name="total")

    def f(x):
        from cellgrad import ops

        assert (x > 0).all(), "x is positive"
        ops.assign_add(total, x.sum())
        return {"y": x * 2, "n": ops.full((), 6, dtype=ms.int64) * (x.sum() > 0).astype(ms.int64)}

    ms.jit(f).export(tmp_path / "f.cgp", Tensor(np.ones((2, 3), np.float32)))
    (tmp_path / "f.c").write_text(SOURCE)
    need(language[0] != "-xc++" or shutil.which("c++"), "no C++ compiler")
    done = run(build(tmp_path / "f.c", loader, tmp_path / "f", *language), tmp_path / "f.cgp")
    assert done.returncode == 0 and done.stdout.endswith("done\n"), done.stdout + done.stderr
