// RUN: not cell-run %s --target=gpu-sim --sim=chekced --input=1 2>&1 | FileCheck %s
// A word that the simulator does not know is said, not ignored.

// CHECK: the GPU simulator does not start: CELLGRAD_GPU_SIM: 'chekced' is none of 'checked', 'seed=<number>' and 'waits=<number>'
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
