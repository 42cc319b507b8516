// RUN: not cell-opt --gpu-to-nvvm="chip=sm_70" %s 2>&1 | FileCheck %s
// RUN: cell-opt --gpu-to-nvvm="chip=sm_90a" %s | FileCheck %s --check-prefix=NEW

// CHECK: chip 'sm_70' is not supported on this target; those that are: sm_80,
// NEW: #nvvm.target<O = 3, chip = "sm_90a", features = "+ptx80">
gpu.module @kernels {
  gpu.func @f() kernel { gpu.return }
}
