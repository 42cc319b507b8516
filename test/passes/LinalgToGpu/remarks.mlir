// What one thread does in order says so where it is long.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels --verify-diagnostics -o /dev/null

func.func @line(%y: memref<4096xf32>) {
  %c1 = arith.constant 1 : index
  %c4096 = arith.constant 4096 : index
  // expected-remark@+1 {{each turn of this loop may need what another one wrote, so one thread of the GPU runs it in order, which is slow}}
  scf.for %j = %c1 to %c4096 step %c1 {
    %before = arith.subi %j, %c1 : index
    %v = memref.load %y[%before] : memref<4096xf32>
    memref.store %v, %y[%j] : memref<4096xf32>
  }
  return
}

// -----

#in = affine_map<(d0, d1) -> (d0)>
#window = affine_map<(d0, d1) -> (d1)>
#out = affine_map<(d0, d1) -> (d0 + d1)>
func.func @windows(%x: memref<4096xf32>, %w: memref<3xf32>, %y: memref<4098xf32>) {
  // expected-remark@+1 {{several steps write one element here, so one thread takes all}}
  linalg.generic {indexing_maps = [#in, #window, #out], iterator_types = ["parallel", "parallel"]} ins(%x, %w : memref<4096xf32>, memref<3xf32>) outs(%y : memref<4098xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}
