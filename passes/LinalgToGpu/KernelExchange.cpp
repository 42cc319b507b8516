//===- KernelExchange.cpp - how the threads of a kernel exchange values ---===//
#include "passes/LinalgToGpu/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::cell;

Value KernelBuilder::shuffleXor(Value value, int64_t mask) {
  Type type = value.getType();
  auto shuffle = [&](Value word) -> Value {
    return gpu::ShuffleOp::create(*this, word, mask, target.warp, gpu::ShuffleMode::XOR).getShuffleResult();
  };
  if (type.isF32() || type.isInteger(32))
    return shuffle(value);
  if (type.isIndex()) {
    Value wide = arith::IndexCastOp::create(*this, getI64Type(), value);
    return arith::IndexCastOp::create(*this, type, shuffleXor(wide, mask));
  }
  unsigned bits = type.getIntOrFloatBitWidth();
  Type integer = getIntegerType(bits), word = getI32Type();
  Value raw = type == integer ? value : arith::BitcastOp::create(*this, integer, value).getResult();
  Value moved;
  if (bits < 32) {
    moved = arith::TruncIOp::create(*this, integer, shuffle(arith::ExtUIOp::create(*this, word, raw)));
  } else {
    Value half = arith::ConstantIntOp::create(*this, 32, 64);
    Value low = shuffle(arith::TruncIOp::create(*this, word, raw));
    Value high = shuffle(arith::TruncIOp::create(*this, word, arith::ShRUIOp::create(*this, raw, half)));
    Value top = arith::ShLIOp::create(*this, arith::ExtUIOp::create(*this, integer, high), half);
    moved = arith::OrIOp::create(*this, top, arith::ExtUIOp::create(*this, integer, low));
  }
  return type == integer ? moved : arith::BitcastOp::create(*this, type, moved).getResult();
}

KernelBuilder::Values KernelBuilder::reduceWarp(ValueRange values, int64_t width, Combine combine) {
  Values result(values);
  for (int64_t mask = width / 2; mask > 0; mask /= 2) {
    Values others;
    for (Value value : result)
      others.push_back(shuffleXor(value, mask));
    result = combine(result, others);
  }
  return result;
}

KernelBuilder::Values KernelBuilder::reduceBlock(ValueRange values, Combine combine) {
  int64_t warps = threads() / target.warp;
  if (warps <= 1)
    return reduceWarp(values, threads(), combine);
  Values result = reduceWarp(values, target.warp, combine);
  // One exchange buffer per value; those of one type serve every reduction of the kernel.
  Values memory;
  llvm::SmallDenseMap<Type, unsigned> taken;
  for (Value value : result) {
    SmallVector<Value> &pool = exchange[value.getType()];
    unsigned number = taken[value.getType()]++;
    if (number == pool.size())
      pool.push_back(shared({target.warp}, value.getType()));
    memory.push_back(pool[number]);
  }
  Value lane = arith::RemUIOp::create(*this, thread(), index(target.warp));
  Value warp = arith::DivUIOp::create(*this, thread(), index(target.warp));
  when(arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, lane, index(0)), [&] {
    for (auto [value, row] : llvm::zip_equal(result, memory))
      memref::StoreOp::create(*this, value, row, warp);
  });
  barrier();
  // Every warp combines all of them: no second exchange is needed.
  Value mine = arith::RemUIOp::create(*this, lane, index(warps));
  for (auto [value, row] : llvm::zip_equal(result, memory))
    value = memref::LoadOp::create(*this, row, mine);
  result = reduceWarp(result, warps, combine);
  barrier(); // before the next reduction writes there
  return result;
}

void KernelBuilder::barrier() { gpu::BarrierOp::create(*this); }
