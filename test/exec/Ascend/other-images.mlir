// RUN: not cell-run %s --target=ascend --pipeline="cell-to-nvvm{chip=sim}" --input=2xf32=1,2 2>&1 | FileCheck %s --check-prefix=ASCEND
// RUN: not cell-run %s --target=gpu-sim --pipeline="cell-to-ascend{chip=Ascend910B3},ascend-program-to-llvm" --input=2xf32=1,2 2>&1 | FileCheck %s --check-prefix=GPU
// Programs for a GPU and for the accelerator are not taken for each other.

// ASCEND: the program was compiled for a GPU, this is an Ascend device
// GPU: the program was compiled for an Ascend device, this is a GPU
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = cell.exp %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
