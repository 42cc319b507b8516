//===- Access.cpp - loads and addresses of the operands of a product ------===//
#include "passes/LinalgToGpu/Access.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::cell;

Place cell::placeOf(KernelBuilder &k, const Access &access, Access::Group group, Value index) {
  Place place;
  place.offset = k.index(0);
  place.windows.assign(access.windows.size(), k.index(0));
  SmallVector<int64_t> sizes;
  for (const Axis &axis : access.groups[group])
    sizes.push_back(axis.size);
  if (sizes.empty() || access.isUniform(group))
    return place;
  KernelBuilder::Values parts = sizes.size() == 1 ? KernelBuilder::Values{index} : k.delinearize(index, sizes);
  for (auto [part, axis] : llvm::zip_equal(parts, access.groups[group])) {
    place.offset = k.add(place.offset, k.mul(part, axis.stride));
    for (auto [w, window] : llvm::enumerate(place.windows))
      window = k.add(window, k.mul(part, axis.steps[w]));
  }
  return place;
}

Place cell::join(KernelBuilder &k, const Place &a, const Place &b) {
  Place sum{k.add(a.offset, b.offset), {}};
  for (auto [x, y] : llvm::zip_equal(a.windows, b.windows))
    sum.windows.push_back(k.add(x, y));
  return sum;
}

Target cell::resolve(KernelBuilder &k, const Access &access, const Place &place, Value inside) {
  Target target{k.add(place.offset, k.index(access.offset)), inside};
  for (auto [window, sum] : llvm::zip_equal(access.windows, place.windows)) {
    Value t = k.add(sum, k.index(window.start));
    // One unsigned comparison: a negative position is beyond every limit.
    Value within = arith::CmpIOp::create(k, arith::CmpIPredicate::ult, t, k.index(window.limit * window.divisor));
    target.exists = both(k, target.exists, within);
    if (window.divisor != 1) {
      Value divisor = k.index(window.divisor);
      Value rest = arith::RemUIOp::create(k, t, divisor);
      target.exists = both(k, target.exists, arith::CmpIOp::create(k, arith::CmpIPredicate::eq, rest, k.index(0)));
      t = arith::DivUIOp::create(k, t, divisor);
    }
    target.index = k.add(target.index, k.mul(t, window.stride));
  }
  if (target.exists)
    target.index = arith::SelectOp::create(k, target.exists, target.index, k.index(0));
  return target;
}

Value cell::loadFrom(KernelBuilder &k, Value memory, const Target &target, int64_t width) {
  Type element = cast<MemRefType>(memory.getType()).getElementType(), type = element;
  Value value;
  if (width == 1) {
    value = memref::LoadOp::create(k, memory, target.index);
  } else if (element.isInteger(1)) {
    // A bool is a byte in memory, but not in a vector.
    KernelBuilder::Values lanes;
    for (int64_t i = 0; i < width; ++i)
      lanes.push_back(memref::LoadOp::create(k, memory, k.add(target.index, k.index(i))));
    value = vector::FromElementsOp::create(k, VectorType::get({width}, element), lanes);
    type = value.getType();
  } else {
    type = VectorType::get({width}, element);
    value = vector::LoadOp::create(k, cast<VectorType>(type), memory, target.index);
  }
  if (!target.exists)
    return value;
  return arith::SelectOp::create(k, target.exists, value, arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(type))));
}

Value cell::widen(KernelBuilder &k, Value value, Type element) {
  if (getElementTypeOrSelf(value.getType()) == element)
    return value;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(element);
  if (isa<FloatType>(element))
    return arith::ExtFOp::create(k, type, value);
  return arith::ExtSIOp::create(k, type, value);
}
