// RUN: cell-opt %s --ascend-multi-buffer --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// Tiles of one argument that are apart in all steps do not order loads behind the stores of the step before: only the copies of the buffer do.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // CHECK-LABEL: func.func @apart
  // CHECK: scf.for
  // CHECK: ascend.wait_flag <mte3, mte2> [0, 1] slot
  // CHECK-NEXT: ascend.load
  // CHECK-NEXT: set_flag <mte2, v> [0, 1] slot
  // CHECK-NEXT: wait_flag <mte2, v> [0, 1] slot
  // CHECK-NEXT: vun
  // CHECK-NEXT: set_flag <v, mte3> [0, 1] slot
  // CHECK-NEXT: wait_flag <v, mte3> [0, 1] slot
  // CHECK-NEXT: ascend.store
  // CHECK-NEXT: ascend.set_flag <mte3, mte2> [0, 1] slot
  // CHECK-NEXT: }
  func.func @apart(%a: memref<65536xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %i = ascend.block_idx
    %n = ascend.block_num
    %c16 = arith.constant 16 : index
    %c4096 = arith.constant 4096 : index
    scf.for %t = %i to %c16 step %n {
      %o = arith.muli %t, %c4096 : index
      %x = memref.reinterpret_cast %a to offset: [%o], sizes: [4096], strides: [1] : memref<65536xf32, #gm> to memref<4096xf32, strided<[1], offset: ?>, #gm>
      %u = memref.alloc() : memref<4096xf32, #ub>
      ascend.load ins(%x : memref<4096xf32, strided<[1], offset: ?>, #gm>) outs(%u : memref<4096xf32, #ub>)
      ascend.vun <exp> ins(%u : memref<4096xf32, #ub>) outs(%u : memref<4096xf32, #ub>)
      ascend.store ins(%u : memref<4096xf32, #ub>) outs(%x : memref<4096xf32, strided<[1], offset: ?>, #gm>)
    }
    return
  }

  // Tiles of columns: rows of different steps lie between each other and have no element in common.
  // CHECK-LABEL: func.func @columns
  // CHECK: scf.for
  // CHECK-NOT: ascend.wait_flag <mte3, mte2> [{{[0-9]+}}]{{$}}
  // CHECK: ascend.wait_flag <mte3, mte2> [0, 1] slot
  // CHECK-NOT: ascend.wait_flag <mte3, mte2>
  // CHECK: ascend.store
  func.func @columns(%a: memref<16x1024xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %c1024 = arith.constant 1024 : index
    scf.for %t = %c0 to %c1024 step %c128 {
      %x = memref.subview %a[0, %t] [16, 128] [1, 1] : memref<16x1024xf32, #gm> to memref<16x128xf32, strided<[1024, 1], offset: ?>, #gm>
      %u = memref.alloc() : memref<16x128xf32, #ub>
      ascend.load ins(%x : memref<16x128xf32, strided<[1024, 1], offset: ?>, #gm>) outs(%u : memref<16x128xf32, #ub>)
      ascend.vun <exp> ins(%u : memref<16x128xf32, #ub>) outs(%u : memref<16x128xf32, #ub>)
      ascend.store ins(%u : memref<16x128xf32, #ub>) outs(%x : memref<16x128xf32, strided<[1024, 1], offset: ?>, #gm>)
    }
    return
  }

  // Steps of the number of cores and one more are multiples of no known number: two steps of one core may be 3 apart.
  // CHECK-LABEL: func.func @mixed_steps
  // CHECK: scf.for
  // CHECK: wait_flag <mte3, mte2> [0]{{$}}
  // CHECK: ascend.store
  func.func @mixed_steps(%a: memref<65536xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c100 = arith.constant 100 : index
    %n = ascend.block_num
    %step = arith.addi %n, %c1 : index
    scf.for %t = %c0 to %c100 step %step {
      %x = memref.subview %a[%t] [1] [1] : memref<65536xf32, #gm> to memref<1xf32, strided<[1], offset: ?>, #gm>
      %o = arith.addi %t, %c3 : index
      %y = memref.subview %a[%o] [1] [1] : memref<65536xf32, #gm> to memref<1xf32, strided<[1], offset: ?>, #gm>
      %u = memref.alloc() : memref<1xf32, #ub>
      ascend.load ins(%x : memref<1xf32, strided<[1], offset: ?>, #gm>) outs(%u : memref<1xf32, #ub>)
      ascend.vun <exp> ins(%u : memref<1xf32, #ub>) outs(%u : memref<1xf32, #ub>)
      ascend.store ins(%u : memref<1xf32, #ub>) outs(%y : memref<1xf32, strided<[1], offset: ?>, #gm>)
    }
    return
  }

  // The row and the column of a tile come from its number; the last tile of a row is cut. 200 columns make 4 tiles of 64.
  // CHECK-LABEL: func.func @rows_and_columns
  // CHECK: scf.for
  // CHECK: ascend.wait_flag <mte3, mte2> [0, 1] slot
  // CHECK-NOT: ascend.wait_flag <mte3, mte2>
  // CHECK: ascend.store
  func.func @rows_and_columns(%a: memref<32000xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c4 = arith.constant 4 : i32
    %c40 = arith.constant 40 : index
    %c64 = arith.constant 64 : index
    %c200 = arith.constant 200 : index
    %c3200 = arith.constant 3200 : index
    %b = ascend.block_idx
    %n = ascend.block_num
    scf.for %t = %b to %c40 step %n {
      %i = arith.index_castui %t : index to i32
      %ci = arith.remui %i, %c4 : i32
      %ri = arith.divui %i, %c4 : i32
      %c = arith.index_castui %ci : i32 to index
      %r = arith.index_castui %ri : i32 to index
      %column = arith.muli %c, %c64 : index
      %rest = arith.subi %c200, %column : index
      %size = arith.minsi %rest, %c64 : index
      %row = arith.muli %r, %c3200 : index
      %o = arith.addi %row, %column : index
      %x = memref.reinterpret_cast %a to offset: [%o], sizes: [16, %size], strides: [200, 1] : memref<32000xf32, #gm> to memref<16x?xf32, strided<[200, 1], offset: ?>, #gm>
      %w = memref.alloc() : memref<16x64xf32, #ub>
      %u = memref.subview %w[0, 0] [16, %size] [1, 1] : memref<16x64xf32, #ub> to memref<16x?xf32, strided<[64, 1]>, #ub>
      ascend.load ins(%x : memref<16x?xf32, strided<[200, 1], offset: ?>, #gm>) outs(%u : memref<16x?xf32, strided<[64, 1]>, #ub>)
      ascend.vun <exp> ins(%u : memref<16x?xf32, strided<[64, 1]>, #ub>) outs(%u : memref<16x?xf32, strided<[64, 1]>, #ub>)
      ascend.store ins(%u : memref<16x?xf32, strided<[64, 1]>, #ub>) outs(%x : memref<16x?xf32, strided<[200, 1], offset: ?>, #gm>)
    }
    return
  }

  // The same where tiles are not cut: those at the end of a row reach into the next one.
  // CHECK-LABEL: func.func @tiles_that_are_not_cut
  // CHECK: scf.for
  // CHECK: ascend.wait_flag <mte3, mte2> [0]{{$}}
  // CHECK: ascend.store
  func.func @tiles_that_are_not_cut(%a: memref<32064xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c4 = arith.constant 4 : index
    %c40 = arith.constant 40 : index
    %c64 = arith.constant 64 : index
    %c3200 = arith.constant 3200 : index
    %b = ascend.block_idx
    %n = ascend.block_num
    scf.for %t = %b to %c40 step %n {
      %c = arith.remui %t, %c4 : index
      %r = arith.divui %t, %c4 : index
      %column = arith.muli %c, %c64 : index
      %row = arith.muli %r, %c3200 : index
      %o = arith.addi %row, %column : index
      %x = memref.reinterpret_cast %a to offset: [%o], sizes: [16, 64], strides: [200, 1] : memref<32064xf32, #gm> to memref<16x64xf32, strided<[200, 1], offset: ?>, #gm>
      %u = memref.alloc() : memref<16x64xf32, #ub>
      ascend.load ins(%x : memref<16x64xf32, strided<[200, 1], offset: ?>, #gm>) outs(%u : memref<16x64xf32, #ub>)
      ascend.vun <exp> ins(%u : memref<16x64xf32, #ub>) outs(%u : memref<16x64xf32, #ub>)
      ascend.store ins(%u : memref<16x64xf32, #ub>) outs(%x : memref<16x64xf32, strided<[200, 1], offset: ?>, #gm>)
    }
    return
  }

  // A tile is used by four steps: only the row comes from its number.
  // CHECK-LABEL: func.func @rows_alone
  // CHECK: scf.for
  // CHECK: ascend.wait_flag <mte3, mte2> [0]{{$}}
  // CHECK: ascend.store
  func.func @rows_alone(%a: memref<32000xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c4 = arith.constant 4 : index
    %c40 = arith.constant 40 : index
    %c3200 = arith.constant 3200 : index
    %b = ascend.block_idx
    %n = ascend.block_num
    scf.for %t = %b to %c40 step %n {
      %r = arith.divui %t, %c4 : index
      %o = arith.muli %r, %c3200 : index
      %x = memref.reinterpret_cast %a to offset: [%o], sizes: [3200], strides: [1] : memref<32000xf32, #gm> to memref<3200xf32, strided<[1], offset: ?>, #gm>
      %u = memref.alloc() : memref<3200xf32, #ub>
      ascend.load ins(%x : memref<3200xf32, strided<[1], offset: ?>, #gm>) outs(%u : memref<3200xf32, #ub>)
      ascend.vun <exp> ins(%u : memref<3200xf32, #ub>) outs(%u : memref<3200xf32, #ub>)
      ascend.store ins(%u : memref<3200xf32, #ub>) outs(%x : memref<3200xf32, strided<[1], offset: ?>, #gm>)
    }
    return
  }

  // Tiles that overlap by an element: each load waits for the store of the step before.
  // CHECK-LABEL: func.func @overlapping
  // CHECK: set_flag <mte3, mte2> [0]
  // CHECK-NEXT: scf.for
  // CHECK: wait_flag <mte3, mte2> [0]{{$}}
  // CHECK-NOT: slot
  // CHECK: set_flag <mte3, mte2> [0]{{$}}
  func.func @overlapping(%a: memref<65536xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c15 = arith.constant 15 : index
    %c4095 = arith.constant 4095 : index
    scf.for %t = %c0 to %c15 step %c1 {
      %o = arith.muli %t, %c4095 : index
      %x = memref.subview %a[%o] [4096] [1] : memref<65536xf32, #gm> to memref<4096xf32, strided<[1], offset: ?>, #gm>
      %u = memref.alloc() {ascend.multi_buffer = 1 : i64} : memref<4096xf32, #ub>
      ascend.load ins(%x : memref<4096xf32, strided<[1], offset: ?>, #gm>) outs(%u : memref<4096xf32, #ub>)
      ascend.vun <exp> ins(%u : memref<4096xf32, #ub>) outs(%u : memref<4096xf32, #ub>)
      ascend.store ins(%u : memref<4096xf32, #ub>) outs(%x : memref<4096xf32, strided<[1], offset: ?>, #gm>)
    }
    return
  }
}
