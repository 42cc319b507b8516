// RUN: cell-opt --gpu-host-to-llvm --split-input-file --verify-diagnostics %s

func.func @store(%x: memref<f32>, %v: f32) {
  // expected-error@+1 {{'memref.store' on the host would write device memory}}
  memref.store %v, %x[] : memref<f32>
  return
}

// -----

func.func @routine(%x: memref<1x1x4x4xf32>, %y: memref<1x1x2x2xf32>) {
  // expected-error@+1 {{'maxpool2d' has no lowering for the GPU}}
  cellrt.call "maxpool2d" params [2, 2, 2, 2, 0, 0, 0, 0, 1, 1] ins(%x : memref<1x1x4x4xf32>) outs(%y : memref<1x1x2x2xf32>)
  return
}

// -----

func.func @strided(%x: memref<4x4xf32>, %y: memref<4x2xf32>) {
  %v = memref.subview %x[0, 0] [4, 2] [1, 1] : memref<4x4xf32> to memref<4x2xf32, strided<[4, 1]>>
  // expected-error@+1 {{'memref.copy' between buffers that are not contiguous is not supported on the host}}
  memref.copy %v, %y : memref<4x2xf32, strided<[4, 1]>> to memref<4x2xf32>
  return
}

// -----

module attributes {gpu.container_module} {
  func.func @map(%x: memref<4xf32>) {
    %c1 = arith.constant 1 : index
    // expected-error@+1 {{has a tensor map that is not one of 1 to 5 sizes, strides and a box of a buffer of f16 or bf16}}
    gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<4xf32>)
    return
  }
  gpu.module @kernels {
    gpu.func @k(%x: memref<4xf32> {cell.tensor_map = {sizes = array<i64: 4>, strides = array<i64: 1>, box = array<i64: 64>}}) kernel { gpu.return }
  }
}

// -----

module attributes {gpu.container_module} {
  func.func @grid(%x: memref<4xf32>) {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %many = arith.constant 65536 : index
    // expected-error@+1 {{has a grid or a block that no GPU takes}}
    gpu.launch_func @kernels::@k blocks in (%c1, %many, %c1) threads in (%c1, %c1, %c1) args(%x : memref<4xf32>)
    return
  }
  gpu.module @kernels {
    gpu.func @k(%x: memref<4xf32>) kernel { gpu.return }
  }
}

// -----

module attributes {gpu.container_module} {
  func.func @threads(%x: memref<4xf32>) {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %many = arith.constant 65536 : index
    // expected-error@+1 {{has blocks of more than 1024 threads}}
    gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) threads in (%c64, %c64, %c1) args(%x : memref<4xf32>)
    return
  }
  gpu.module @kernels {
    gpu.func @k(%x: memref<4xf32>) kernel { gpu.return }
  }
}
