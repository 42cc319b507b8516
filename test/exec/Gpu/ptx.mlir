// RUN: cell-run --ptx=sm_90 %s | FileCheck %s
// RUN: not cell-run --ptx=sm_35 %s 2>&1 | FileCheck %s --check-prefix=OLD

// The kernels of a file as PTX, without a GPU.

// CHECK: .target sm_90
// CHECK: .visible .entry add_tanh_0(
// CHECK: ld.global.nc.v4.b32
// CHECK: st.global.v4.b32
// OLD: chip 'sm_35' is not supported on this target; those that are: sm_80,
func.func @main(%x: tensor<64x128xf32>, %y: tensor<64x128xf32>) -> tensor<64x128xf32> {
  %a = cell.add %x, %y : tensor<64x128xf32>
  %b = cell.tanh %a : tensor<64x128xf32>
  return %b : tensor<64x128xf32>
}
