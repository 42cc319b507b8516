// REQUIRES: cell-translate
// RUN: cell-translate --ascend-to-hivm %s | FileCheck %s
// RUN: cell-translate --ascend-to-hivm --form=planned %s | FileCheck %s --check-prefix=PLANNED

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>

gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3">} {
  // CHECK: func.func @scale(%[[A:.*]]: memref<8x2048xf32, #hivm.address_space<gm>>, %[[S:.*]]: f32)
  // CHECK-NEXT: attributes {hacc.entry, hacc.function_kind = #hacc.function_kind<DEVICE>, hivm.func_core_type = #hivm.func_core_type<AIV>}
  func.func @scale(%a: memref<8x2048xf32, #gm>, %s: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>, ascend.block_dim = 8 : i64} {
    // CHECK: %[[N:.*]] = hivm.hir.get_block_idx -> i64
    // CHECK: %[[B:.*]] = arith.index_cast %[[N]] : i64 to index
    %b = ascend.block_idx
    // CHECK: %[[U:.*]] = memref.alloc() : memref<2048xf32, #hivm.address_space<ub>>
    // CHECK: annotation.mark %[[U]] {hivm.multi_buffer = 2 : i32}
    // PLANNED: %[[E0:.*]] = hivm.hir.pointer_cast(%{{.*}}) : memref<2048xf32, #hivm.address_space<ub>>
    // PLANNED: %[[C1:.*]] = arith.constant 8192 : i64
    // PLANNED: %[[E1:.*]] = hivm.hir.pointer_cast(%[[C1]])
    // PLANNED: %[[R:.*]] = arith.remui %[[BB:.*]], %{{.*}} : index
    // PLANNED: %[[FIRST:.*]] = arith.cmpi eq, %[[R]]
    // PLANNED: %[[U:.*]] = arith.select %[[FIRST]], %[[E0]], %[[E1]] : memref<2048xf32, #hivm.address_space<ub>>
    %u = ascend.address [0, 8192] slot %b : memref<2048xf32, #ub>
    // CHECK: %[[V:.*]] = memref.subview %[[A]][%[[B]], 0] [1, 2048] [1, 1] : memref<8x2048xf32, #hivm.address_space<gm>> to memref<2048xf32, strided<[1], offset: ?>, #hivm.address_space<gm>>
    %v = memref.subview %a[%b, 0] [1, 2048] [1, 1] : memref<8x2048xf32, #gm> to memref<2048xf32, strided<[1], offset: ?>, #gm>
    // PLANNED: hivm.hir.wait_flag[<PIPE_MTE3>, <PIPE_MTE2>, <EVENT_ID3>]
    // CHECK-NOT: wait_flag
    ascend.wait_flag <mte3, mte2> [3]
    // CHECK: hivm.hir.load ins(%[[V]] : memref<2048xf32, strided<[1], offset: ?>, #hivm.address_space<gm>>) outs(%[[U]] : memref<2048xf32, #hivm.address_space<ub>>)
    ascend.load ins(%v : memref<2048xf32, strided<[1], offset: ?>, #gm>) outs(%u : memref<2048xf32, #ub>)
    // PLANNED: %[[EVENT:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : i64
    // PLANNED: hivm.hir.set_flag[<PIPE_MTE2>, <PIPE_V>, %[[EVENT]]]
    ascend.set_flag <mte2, v> [0, 1] slot %b
    // CHECK: hivm.hir.vmul ins(%[[U]], %[[S]] : memref<2048xf32, #hivm.address_space<ub>>, f32) outs(%[[U]] : memref<2048xf32, #hivm.address_space<ub>>)
    // PLANNED: hivm.hir.pipe_barrier[<PIPE_V>]
    // PLANNED-NEXT: hivm.hir.vmul
    ascend.vbin_scalar <mul> ins(%u, %s : memref<2048xf32, #ub>, f32) outs(%u : memref<2048xf32, #ub>)
    // What is known at compile time about scratch memory is the planner's; without a place it lies behind the planned buffers.
    // CHECK: hivm.hir.vsub ins(%[[S]], %[[U]] : f32, memref<2048xf32, #hivm.address_space<ub>>) outs(%[[U]] : memref<2048xf32, #hivm.address_space<ub>>){{$}}
    // PLANNED: arith.constant 16384 : i64
    // PLANNED: hivm.hir.vsub {{.*}} temp_buffer(%{{.*}} : memref<8xf32, #hivm.address_space<ub>>)
    ascend.vbin_scalar <sub> ins(%u, %s : memref<2048xf32, #ub>, f32) outs(%u : memref<2048xf32, #ub>) reverse
    // PLANNED: arith.constant 32768 : i64
    // PLANNED: hivm.hir.vsub {{.*}} temp_buffer(
    ascend.vbin_scalar <sub> ins(%u, %s : memref<2048xf32, #ub>, f32) outs(%u : memref<2048xf32, #ub>) {ascend.scratch = 32768 : i64}
    // CHECK: %[[MINUS:.*]] = arith.constant -1.0 : f32
    // CHECK: hivm.hir.vmul ins(%[[U]], %[[MINUS]] :
    ascend.vun <neg> ins(%u : memref<2048xf32, #ub>) outs(%u : memref<2048xf32, #ub>)
    // CHECK: hivm.hir.store ins(%[[U]] : memref<2048xf32, #hivm.address_space<ub>>) outs(%[[V]] : {{.*}}) atomic = <add>
    ascend.store ins(%u : memref<2048xf32, #ub>) outs(%v : memref<2048xf32, strided<[1], offset: ?>, #gm>) atomic = add
    // CHECK-NEXT: return
    // PLANNED: hivm.hir.pipe_barrier[<PIPE_ALL>]
    // PLANNED-NEXT: return
    return
  }
  // CHECK: // gather runs on the general cores (aicpu), for which HIVM has no form.
  func.func @gather(%a: memref<8xf64, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aicpu>, ascend.block_dim = 1 : i64} {
    return
  }
}
