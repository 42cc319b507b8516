//===- Scope.cpp - what the batching rule of an op works with --------------===//
#include "passes/Vmap/Scope.h"

#include "dialect/Cell/Expr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace mlir::cell;

Type mlir::cell::batchedType(Type type, int64_t size) {
  if (auto tape = dyn_cast<TapeType>(type))
    return TapeType::get(type.getContext(), cast<RankedTensorType>(batchedType(tape.getElementType(), size)));
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    SmallVector<int64_t> shape{size};
    llvm::append_range(shape, tensor.getShape());
    return tensor.clone(shape);
  }
  return RankedTensorType::get(size, type.isIndex() ? IntegerType::get(type.getContext(), 64) : type);
}

Value BatchScope::spread(const Lane &lane) const {
  if (lane.batched)
    return lane.value;
  Value value = lane.value;
  if (!isa<RankedTensorType>(value.getType())) {
    if (value.getType().isIndex())
      value = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), value);
    value = tensor::FromElementsOp::create(builder, loc, RankedTensorType::get({}, value.getType()), value);
  }
  return createBroadcast(builder, loc, value, cast<RankedTensorType>(batchedType(value.getType(), size)).getShape());
}

SmallVector<Value> BatchScope::spread(ArrayRef<Lane> lanes) const {
  return llvm::map_to_vector(lanes, [&](const Lane &lane) { return spread(lane); });
}

Value BatchScope::choose(Value condition, Value a, Value b) const {
  ArrayRef<int64_t> shape = shapeOf(a);
  SmallVector<int64_t> line(shape.size(), 1);
  line[0] = size;
  Value flags = createBroadcast(builder, loc, createReshape(builder, loc, condition, line), shape);
  return SelectOp::create(builder, loc, flags, a, b);
}

Operation *BatchScope::again(Operation *op, ValueRange operands, ArrayRef<NamedAttribute> changed) const {
  Operation *copy = op->cloneWithoutRegions();
  copy->setOperands(operands);
  copy->setLoc(loc);
  for (const NamedAttribute &attribute : changed)
    copy->setAttr(attribute.getName(), attribute.getValue());
  SmallVector<Type> types;
  if (failed(cast<InferTypeOpInterface>(copy).inferReturnTypes(copy->getContext(), loc, operands, copy->getDiscardableAttrDictionary(),
                                                               copy->getPropertiesStorage(), copy->getRegions(), types))) {
    copy->destroy();
    return nullptr;
  }
  for (auto [result, type] : llvm::zip(copy->getResults(), types))
    result.setType(type);
  return builder.insert(copy);
}

FailureOr<SmallVector<Lane>> mlir::cell::batchedResults(Operation *op) {
  if (!op)
    return failure();
  return llvm::map_to_vector(op->getResults(), [](Value value) { return Lane{value, true}; });
}

Value BatchScope::permute(Value value, ArrayRef<int64_t> permutation) const {
  ArrayRef<int64_t> shape = shapeOf(value);
  SmallVector<int64_t> moved, target;
  for (int64_t from : permutation) {
    target.push_back(shape[from]);
    if (shape[from] != 1)
      moved.push_back(from);
  }
  if (llvm::is_sorted(moved))
    return createReshape(builder, loc, value, target);
  return createTranspose(builder, loc, value, permutation);
}

Value BatchScope::fold(Value value, int64_t place, int64_t groups) const {
  ArrayRef<int64_t> example = shapeOf(value).drop_front();
  int64_t rank = example.size();
  // [N, .., groups, part, ..] -> [.., groups, N, part, ..]
  SmallVector<int64_t> split{size}, order, merged(example);
  for (int64_t i = 0; i < rank; ++i) {
    if (i == place) {
      order.append({i + 1, 0, i + 2});
      split.append({groups, example[i] / groups});
    } else {
      order.push_back(i + (i < place ? 1 : 2));
      split.push_back(example[i]);
    }
  }
  merged[place] *= size;
  return createReshape(builder, loc, permute(createReshape(builder, loc, value, split), order), merged);
}

Value BatchScope::unfold(Value value, int64_t place, int64_t groups) const {
  ArrayRef<int64_t> merged = shapeOf(value);
  int64_t rank = merged.size();
  // [.., groups, N, part, ..] -> [N, .., groups, part, ..]
  SmallVector<int64_t> split, order{place + 1}, result{size};
  for (int64_t i = 0; i < rank; ++i) {
    if (i == place) {
      int64_t part = merged[i] / (groups * size);
      split.append({groups, size, part});
      order.append({i, i + 2});
      result.push_back(groups * part);
    } else {
      split.push_back(merged[i]);
      order.push_back(i + (i < place ? 0 : 2));
      result.push_back(merged[i]);
    }
  }
  return createReshape(builder, loc, permute(createReshape(builder, loc, value, split), order), result);
}

Value BatchScope::number(ArrayRef<int64_t> shape, int64_t value) const {
  return createFull(builder, loc, RankedTensorType::get(shape, builder.getI64Type()), static_cast<double>(value));
}

Value BatchScope::positions(ArrayRef<int64_t> shape, int64_t axis) const {
  return IotaOp::create(builder, loc, shape, axis, builder.getI64Type());
}
