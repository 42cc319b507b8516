// RUN: cell-opt %s --finalize-cpu --verify-diagnostics

func.func @main(%x: memref<4xf32>) {
  // expected-error @+1 {{stage finalize-cpu: 'memref.alloca' cannot be lowered for the CPU; results of type 'memref<4xf32>'}}
  %a = memref.alloca() : memref<4xf32>
  memref.copy %x, %a : memref<4xf32> to memref<4xf32>
  return
}
