// RUN: cell-opt --gpu-host-to-llvm %s | FileCheck %s

// Tapes are made of device memory, and what is printed is read back by the runtime.

// CHECK-LABEL: llvm.func internal @cg_body(
func.func @main(%x: memref<4xf32>, %y: memref<4xf32>) {
  // CHECK: llvm.call @cg_gpu_tape_create(
  %t = cellrt.tape_create stride 16 : i64
  // CHECK: llvm.call @cg_tape_push(
  %item = cellrt.tape_reserve %t : memref<4xf32>
  // CHECK: llvm.call @cg_gpu_copy(
  memref.copy %x, %item : memref<4xf32> to memref<4xf32>
  // CHECK: llvm.call @cg_gpu_print(
  cellrt.print "x = {}\n"(%item) dtypes [f32] : memref<4xf32>
  // CHECK: llvm.call @cg_tape_free(
  cellrt.tape_free %t
  return
}
// CHECK: llvm.func @cg_print_to(
