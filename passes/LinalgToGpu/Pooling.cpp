//===- Pooling.cpp - pooling, its gradients and scatter_add ---------------===//
#include "passes/LinalgToGpu/Routine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringSwitch.h"

#include <limits>

using namespace mlir;
using namespace mlir::cell;
using Values = KernelBuilder::Values;

namespace {
Value compare(KernelBuilder &k, arith::CmpIPredicate predicate, Value a, Value b) { return arith::CmpIOp::create(k, predicate, a, b); }
Value select(KernelBuilder &k, Value condition, Value a, Value b) { return arith::SelectOp::create(k, condition, a, b); }
Value subtract(KernelBuilder &k, Value a, Value b) { return arith::SubIOp::create(k, a, b); }
Value number(KernelBuilder &k, Type type, double value) { return arith::ConstantOp::create(k, FloatAttr::get(cast<FloatType>(type), value)); }

/// Windows over planes of a tensor NCHW. Along axis i, tap t of window o is element o * strides[i] + t * dilations[i] - pads[i].
struct Pool {
  int64_t kernel[2], strides[2], pads[2], padsAfter[2], dilations[2] = {1, 1}, in[2], out[2];
  bool countPad = true;

  Pool(cellrt::CallOp op, Value x, Value y) {
    ArrayRef<int64_t> p = op.getParams();
    bool average = op.getRoutine().starts_with("avg");
    for (int i = 0; i < 2; ++i) {
      kernel[i] = p[i], strides[i] = p[2 + i], pads[i] = p[4 + 2 * i], padsAfter[i] = p[5 + 2 * i];
      if (!average)
        dilations[i] = p[8 + i];
      in[i] = cast<MemRefType>(x.getType()).getDimSize(2 + i);
      out[i] = cast<MemRefType>(y.getType()).getDimSize(2 + i);
    }
    if (average)
      countPad = p[8];
  }

  int64_t taps() const { return kernel[0] * kernel[1]; }

  /// The element that a tap of window `at` is, and whether it exists.
  Value tap(KernelBuilder &k, int i, Value at, Value t, Value &exists) const {
    Value position = k.add(k.add(k.mul(at, strides[i]), k.mul(t, dilations[i])), k.index(-pads[i]));
    Value inside = compare(k, arith::CmpIPredicate::ult, position, k.index(in[i]));
    exists = both(k, exists, inside);
    return position;
  }

  /// The first window that may hold element `at`, and the one after the last.
  std::pair<Value, Value> windowsOf(KernelBuilder &k, int i, Value at) const {
    int64_t reach = (kernel[i] - 1) * dilations[i];
    // Windows o with o * stride <= at + pad <= o * stride + reach.
    Value padded = k.add(at, k.index(pads[i]));
    Value start = arith::MaxSIOp::create(k, subtract(k, padded, k.index(reach)), k.index(0));
    Value first = arith::DivUIOp::create(k, k.add(start, k.index(strides[i] - 1)), k.index(strides[i]));
    Value end = k.add(arith::DivUIOp::create(k, padded, k.index(strides[i])), k.index(1));
    return {first, arith::MinSIOp::create(k, end, k.index(out[i]))};
  }

  /// Elements of window `at` along axis i that count for a mean without padding.
  Value count(KernelBuilder &k, int i, Value at) const {
    Value start = k.add(k.mul(at, strides[i]), k.index(-pads[i]));
    Value end = arith::MinSIOp::create(k, k.add(start, k.index(kernel[i])), k.index(in[i]));
    return subtract(k, end, arith::MaxSIOp::create(k, start, k.index(0)));
  }

  /// One divided by the number of elements that count in a window.
  Value divide(KernelBuilder &k, Value sum, Value row, Value column) const {
    Value size;
    if (countPad || (pads[0] == 0 && pads[1] == 0 && padsAfter[0] == 0 && padsAfter[1] == 0)) {
      size = number(k, sum.getType(), taps());
    } else {
      Value all = arith::MulIOp::create(k, count(k, 0, row), count(k, 1, column));
      size = arith::SIToFPOp::create(k, sum.getType(), arith::IndexCastOp::create(k, k.getI32Type(), all));
    }
    return arith::DivFOp::create(k, sum, size);
  }
};

/// The routine's memory is contiguous planes.
struct Planes {
  Value memory;
  int64_t rows, columns;
  Planes(KernelBuilder &k, Value buffer)
      : memory(k.flat(buffer)), rows(cast<MemRefType>(buffer.getType()).getDimSize(2)), columns(cast<MemRefType>(buffer.getType()).getDimSize(3)) {}
  Value place(KernelBuilder &k, Value plane, Value row, Value column) const { return k.add(k.mul(k.add(k.mul(plane, rows), row), columns), column); }
  Value load(KernelBuilder &k, Value plane, Value row, Value column) const {
    return memref::LoadOp::create(k, memory, place(k, plane, row, column));
  }
  void store(KernelBuilder &k, Value value, Value plane, Value row, Value column) const {
    memref::StoreOp::create(k, value, memory, place(k, plane, row, column));
  }
};

/// Whether `value` takes the place of `best`: the first NaN wins over all, then the first maximum.
Value beats(KernelBuilder &k, Value value, Value best) {
  Value notBelow = arith::CmpFOp::create(k, arith::CmpFPredicate::UGT, value, best);
  return arith::AndIOp::create(k, notBelow, arith::CmpFOp::create(k, arith::CmpFPredicate::ORD, best, best));
}

/// The largest element of a window and the number of its tap, -1 if the window has no element.
std::pair<Value, Value> maximumOf(KernelBuilder &k, const Pool &pool, const Planes &x, Value plane, Value row, Value column) {
  Type type = cast<MemRefType>(x.memory.getType()).getElementType();
  Value lowest = number(k, type, -std::numeric_limits<double>::infinity());
  Values best = k.loop(k.index(0), k.index(pool.kernel[0]), k.index(1), {lowest, k.index(-1)}, [&](Value p, ValueRange outer) {
    return k.loop(k.index(0), k.index(pool.kernel[1]), k.index(1), outer, [&](Value q, ValueRange carried) -> Values {
      Value exists;
      Value r = pool.tap(k, 0, row, p, exists), c = pool.tap(k, 1, column, q, exists);
      Value value = x.load(k, plane, select(k, exists, r, k.index(0)), select(k, exists, c, k.index(0)));
      Value isFirst = compare(k, arith::CmpIPredicate::slt, carried[1], k.index(0));
      Value better = arith::AndIOp::create(k, exists, arith::OrIOp::create(k, isFirst, beats(k, value, carried[0])));
      Value tap = k.add(k.mul(p, pool.kernel[1]), q);
      return {select(k, better, value, carried[0]), select(k, better, tap, carried[1])};
    });
  });
  return {best[0], best[1]};
}

/// One thread per element of `shape` (planes, rows, columns).
void forElements(KernelModule &kernels, cellrt::CallOp op, Value buffer, llvm::function_ref<void(KernelBuilder &, ArrayRef<Value>)> body) {
  auto type = cast<MemRefType>(buffer.getType());
  KernelBuilder k(kernels, op, op.getRoutine(), {kernels.target.threads});
  k.forEach(type.getNumElements(), [&](Value i) {
    body(k, k.delinearize(i, {type.getDimSize(0) * type.getDimSize(1), type.getDimSize(2), type.getDimSize(3)}));
  });
  k.launch({k.gridFor(type.getNumElements())});
}

void emitMaxPool(KernelModule &kernels, cellrt::CallOp op) {
  Value x = op.getIns()[0], y = op.getOuts()[0];
  Pool pool(op, x, y);
  forElements(kernels, op, y, [&](KernelBuilder &k, ArrayRef<Value> at) {
    Planes in(k, x);
    Planes(k, y).store(k, maximumOf(k, pool, in, at[0], at[1], at[2]).first, at[0], at[1], at[2]);
  });
}

/// Sums over the windows that hold an element, in their order.
Value sumOverWindows(KernelBuilder &k, const Pool &pool, Type type, ArrayRef<Value> at, llvm::function_ref<Value(Value row, Value column)> term) {
  auto [firstRow, endRow] = pool.windowsOf(k, 0, at[1]);
  auto [firstColumn, endColumn] = pool.windowsOf(k, 1, at[2]);
  return k.loop(firstRow, endRow, k.index(1), number(k, type, 0), [&](Value row, ValueRange outer) {
    return k.loop(firstColumn, endColumn, k.index(1), outer, [&](Value column, ValueRange carried) -> Values {
      return {arith::AddFOp::create(k, carried[0], term(row, column)).getResult()};
    });
  })[0];
}

/// An element takes the gradient of the windows whose first maximum it is; each looks through the window again: no memory for positions, no atomics.
void emitMaxPoolGradient(KernelModule &kernels, cellrt::CallOp op) {
  Value x = op.getIns()[0], dy = op.getIns()[1], dx = op.getOuts()[0];
  Pool pool(op, x, dy);
  Type type = cast<MemRefType>(dx.getType()).getElementType();
  forElements(kernels, op, dx, [&](KernelBuilder &k, ArrayRef<Value> at) {
    Planes in(k, x), gradient(k, dy);
    Value sum = sumOverWindows(k, pool, type, at, [&](Value row, Value column) -> Value {
      Value tap = maximumOf(k, pool, in, at[0], row, column).second;
      Value width = k.index(pool.kernel[1]);
      // The place of that maximum; -1 is a row in front of the first one.
      Value p = arith::DivSIOp::create(k, tap, width), q = arith::RemSIOp::create(k, tap, width);
      Value exists = compare(k, arith::CmpIPredicate::sge, tap, k.index(0)), ignored;
      Value isRow = compare(k, arith::CmpIPredicate::eq, pool.tap(k, 0, row, p, ignored), at[1]);
      Value isColumn = compare(k, arith::CmpIPredicate::eq, pool.tap(k, 1, column, q, ignored), at[2]);
      Value taken = arith::AndIOp::create(k, exists, arith::AndIOp::create(k, isRow, isColumn));
      return select(k, taken, gradient.load(k, at[0], row, column), number(k, type, 0));
    });
    Planes(k, dx).store(k, sum, at[0], at[1], at[2]);
  });
}

void emitAveragePool(KernelModule &kernels, cellrt::CallOp op) {
  Value x = op.getIns()[0], y = op.getOuts()[0];
  Pool pool(op, x, y);
  Type type = cast<MemRefType>(y.getType()).getElementType();
  forElements(kernels, op, y, [&](KernelBuilder &k, ArrayRef<Value> at) {
    Planes in(k, x);
    Value zero = number(k, type, 0);
    Value sum = k.loop(k.index(0), k.index(pool.kernel[0]), k.index(1), zero, [&](Value p, ValueRange outer) {
      return k.loop(k.index(0), k.index(pool.kernel[1]), k.index(1), outer, [&](Value q, ValueRange carried) -> Values {
        Value exists;
        Value r = pool.tap(k, 0, at[1], p, exists), c = pool.tap(k, 1, at[2], q, exists);
        Value value = in.load(k, at[0], select(k, exists, r, k.index(0)), select(k, exists, c, k.index(0)));
        return {arith::AddFOp::create(k, carried[0], select(k, exists, value, zero)).getResult()};
      });
    })[0];
    Planes(k, y).store(k, pool.divide(k, sum, at[1], at[2]), at[0], at[1], at[2]);
  });
}

void emitAveragePoolGradient(KernelModule &kernels, cellrt::CallOp op) {
  Value dy = op.getIns()[0], dx = op.getOuts()[0];
  Pool pool(op, dx, dy);
  Type type = cast<MemRefType>(dx.getType()).getElementType();
  forElements(kernels, op, dx, [&](KernelBuilder &k, ArrayRef<Value> at) {
    Planes gradient(k, dy);
    Value sum = sumOverWindows(k, pool, type, at, [&](Value row, Value column) {
      return pool.divide(k, gradient.load(k, at[0], row, column), row, column);
    });
    Planes(k, dx).store(k, sum, at[0], at[1], at[2]);
  });
}

/// acc[indices[i], :] += updates[i, :]. A row of the accumulator belongs to the threads of one block column, which go through the indices in order: no
/// atomics, and the sums of the CPU. That reads all indices for each row, so with many rows and indices atomic additions in any order are faster.
void emitScatterAdd(KernelModule &kernels, cellrt::CallOp op) {
  Value indices = op.getIns()[0], updates = op.getIns()[1], acc = op.getOuts()[0];
  auto accType = cast<MemRefType>(acc.getType());
  int64_t count = cast<MemRefType>(indices.getType()).getNumElements(), rows = accType.getDimSize(0);
  int64_t width = accType.getNumElements() / std::max<int64_t>(1, rows);
  bool isFloat = isa<FloatType>(accType.getElementType());
  auto rowOf = [&](KernelBuilder &k, Value i) -> Value {
    return arith::IndexCastOp::create(k, k.getIndexType(), memref::LoadOp::create(k, k.flat(indices), i).getResult());
  };
  auto plus = [&](KernelBuilder &k, Value a, Value b) -> Value {
    return isFloat ? arith::AddFOp::create(k, a, b).getResult() : arith::AddIOp::create(k, a, b).getResult();
  };
  if (kernels.isPlain()) { // a block owns columns
    KernelBuilder k(kernels, op, "scatter_add", 1);
    k.forEach(width, [&](Value column) {
      k.loop(k.index(0), k.index(count), k.index(1), [&](Value i) {
        Value row = rowOf(k, i);
        k.when(compare(k, arith::CmpIPredicate::ult, row, k.index(rows)), [&] {
          Value target = k.flat(acc), place = k.add(k.mul(row, width), column);
          Value update = memref::LoadOp::create(k, k.flat(updates), k.add(k.mul(i, width), column));
          memref::StoreOp::create(k, plus(k, memref::LoadOp::create(k, target, place), update), target, place);
        });
      });
    });
    k.launch(k.gridFor(width));
    return;
  }
  constexpr int64_t kOrderedWork = 1 << 25; // indices read in all by the ordered form
  KernelBuilder k(kernels, op, "scatter_add", {kernels.target.threads});
  if (double(rows) * count * width <= kOrderedWork) {
    int64_t points = rows * width;
    k.forEach(points, [&](Value point) {
      Values at = k.delinearize(point, {rows, width});
      Value target = k.flat(acc);
      Value sum = memref::LoadOp::create(k, target, point);
      sum = k.loop(k.index(0), k.index(count), k.index(1), sum, [&](Value i, ValueRange carried) -> Values {
        Value hit = compare(k, arith::CmpIPredicate::eq, rowOf(k, i), at[0]);
        Value place = k.add(k.mul(select(k, hit, i, k.index(0)), width), at[1]);
        return {select(k, hit, plus(k, carried[0], memref::LoadOp::create(k, k.flat(updates), place)), carried[0])};
      })[0];
      memref::StoreOp::create(k, sum, target, point);
    });
    k.launch({k.gridFor(points)});
    return;
  }
  if (isFloat)
    op.emitRemark("the updates of this scatter are added by atomic operations on the GPU, in an order that differs from run to run, and so do the last bits of the sums; fewer than ")
        << kOrderedWork << " rows times updates are added in order";
  int64_t points = count * width;
  k.forEach(points, [&](Value point) {
    Values at = k.delinearize(point, {count, width});
    Value row = rowOf(k, at[0]);
    k.when(compare(k, arith::CmpIPredicate::ult, row, k.index(rows)), [&] {
      Value update = memref::LoadOp::create(k, k.flat(updates), point);
      auto kind = isFloat ? arith::AtomicRMWKind::addf : arith::AtomicRMWKind::addi;
      memref::AtomicRMWOp::create(k, kind, update, k.flat(acc), k.add(k.mul(row, width), at[1]));
    });
  });
  k.launch({k.gridFor(points)});
}
} // namespace

bool cell::emitRoutine(KernelModule &kernels, cellrt::CallOp op) {
  using Emit = void (*)(KernelModule &, cellrt::CallOp);
  Emit emit = llvm::StringSwitch<Emit>(op.getRoutine())
                  .Case("maxpool2d", emitMaxPool).Case("maxpool2d_dx", emitMaxPoolGradient)
                  .Case("avgpool2d", emitAveragePool).Case("avgpool2d_dx", emitAveragePoolGradient)
                  .Case("scatter_add", emitScatterAdd).Default(nullptr);
  if (!emit)
    return false;
  auto isEmpty = [](Value value) { return cast<MemRefType>(value.getType()).getNumElements() == 0; };
  // Nothing to write, or nothing to add.
  if (isEmpty(op.getOuts()[0]) || (op.getRoutine() == "scatter_add" && isEmpty(op.getIns()[0])))
    return true;
  if (llvm::any_of(op.getIns(), isEmpty))
    return false; // windows of nothing but padding
  emit(kernels, op);
  return true;
}
