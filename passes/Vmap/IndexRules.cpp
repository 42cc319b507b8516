//===- IndexRules.cpp - batches of ops with positions ----------------------===//
#include "dialect/Cell/Expr.h"
#include "passes/Vmap/Scope.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::cell;

/// Positions in the rows of all examples one after another, from positions (N x ...) in the `count` rows of each. What was out of range
/// is out of range there too.
static Value flatPositions(const BatchScope &scope, Value positions, int64_t count) {
  OpBuilder &builder = scope.builder;
  positions = createCast(builder, scope.loc, positions, builder.getI64Type());
  ArrayRef<int64_t> shape = shapeOf(positions);
  Value zero = scope.number(shape, 0), rows = scope.number(shape, count);
  Value negative = LessOp::create(builder, scope.loc, positions, zero);
  Value wrapped = SelectOp::create(builder, scope.loc, negative, AddOp::create(builder, scope.loc, positions, rows), positions);
  Value inside = LogicalAndOp::create(builder, scope.loc, GreaterEqualOp::create(builder, scope.loc, wrapped, zero),
                                      LessOp::create(builder, scope.loc, wrapped, rows));
  Value first = MulOp::create(builder, scope.loc, scope.positions(shape, 0), rows);
  return SelectOp::create(builder, scope.loc, inside, AddOp::create(builder, scope.loc, wrapped, first), scope.number(shape, scope.size * count));
}

/// Brings dimensions `axis` .. `axis + count` of each example behind the batch, or back.
static Value axisToFront(const BatchScope &scope, Value value, int64_t axis, int64_t count, bool back = false) {
  int64_t rank = shapeOf(value).size();
  SmallVector<int64_t> order{0};
  for (int64_t i = 0; i < count; ++i)
    order.push_back(1 + axis + i);
  for (int64_t i = 1; i < rank; ++i)
    if (i < 1 + axis || i >= 1 + axis + count)
      order.push_back(i);
  return scope.permute(value, back ? invertPermutationVector(order) : order);
}

/// N x rows x rest -> N * rows x rest.
static Value joinRows(const BatchScope &scope, Value value) {
  SmallVector<int64_t> shape(shapeOf(value).drop_front());
  shape[0] *= scope.size;
  return createReshape(scope.builder, scope.loc, value, shape);
}

static FailureOr<SmallVector<Lane>> batchGather(const BatchScope &scope, GatherOp op, ArrayRef<Lane> operands) {
  int64_t axis = op.getAxis(), indexRank = shapeOf(op.getIndices()).size();
  if (!operands[1].batched)
    return batchedResults(scope.again(op, {operands[0].value, operands[1].value}, scope.attribute("axis", axis + 1)));
  if (!operands[0].batched) {
    Operation *all = scope.again(op, {operands[0].value, operands[1].value});
    if (!all)
      return failure();
    // x[:axis] N indices x[axis+1:]
    SmallVector<int64_t> order{axis};
    for (int64_t i = 0, rank = shapeOf(all->getResult(0)).size(); i < rank; ++i)
      if (i != axis)
        order.push_back(i);
    return batchedResults(scope.permute(all->getResult(0), order));
  }
  Value rows = axisToFront(scope, operands[0].value, axis, 1);
  Value places = flatPositions(scope, operands[1].value, shapeOf(rows)[1]);
  Operation *all = scope.again(op, {joinRows(scope, rows), places}, scope.attribute("axis", int64_t(0)));
  if (!all)
    return failure();
  return batchedResults(axisToFront(scope, all->getResult(0), axis, indexRank, /*back=*/true));
}

static FailureOr<SmallVector<Lane>> batchScatterAdd(const BatchScope &scope, ScatterAddOp op, ArrayRef<Lane> operands) {
  int64_t axis = op.getAxis(), indexRank = shapeOf(op.getIndices()).size();
  Value x = scope.spread(operands[0]), updates = scope.spread(operands[2]);
  if (!operands[1].batched)
    return batchedResults(scope.again(op, {x, operands[1].value, updates}, scope.attribute("axis", axis + 1)));
  Value rows = axisToFront(scope, x, axis, 1);
  Value places = flatPositions(scope, operands[1].value, shapeOf(rows)[1]);
  Operation *all = scope.again(op, {joinRows(scope, rows), places, axisToFront(scope, updates, axis, indexRank)}, scope.attribute("axis", int64_t(0)));
  if (!all)
    return failure();
  Value separate = createReshape(scope.builder, scope.loc, all->getResult(0), shapeOf(rows));
  return batchedResults(axisToFront(scope, separate, axis, 1, /*back=*/true));
}

//===----------------------------------------------------------------------===//
// Blocks at places known at run time
//===----------------------------------------------------------------------===//

namespace {
/// Blocks whose place differs between examples, along the first `dims` dimensions; the others are whole.
struct Blocks {
  SmallVector<int64_t> whole, sizes;
  int64_t dims = 0;

  Blocks(ArrayRef<int64_t> whole, ArrayRef<int64_t> sizes) : whole(whole), sizes(sizes) {
    for (auto [i, a, b] : llvm::enumerate(whole, sizes))
      if (a != b)
        dims = i + 1;
  }
  int64_t product(ArrayRef<int64_t> numbers) const {
    int64_t all = 1;
    for (int64_t n : numbers)
      all *= n;
    return all;
  }
  int64_t rows() const { return product(ArrayRef(whole).take_front(dims)); }
  SmallVector<int64_t> blockShape(int64_t first) const {
    SmallVector<int64_t> shape{first};
    shape.append(sizes.begin(), sizes.begin() + dims);
    return shape;
  }
};
} // namespace

/// The start along dimension i of each example, brought into range and repeated to a shape N x ...
static Value startOf(const BatchScope &scope, const Blocks &blocks, const Lane &start, int64_t i, ArrayRef<int64_t> shape) {
  OpBuilder &builder = scope.builder;
  Value value = createCast(builder, scope.loc, scope.spread(start), builder.getI64Type());
  value = MaximumOp::create(builder, scope.loc, value, scope.number(scope.size, 0));
  value = MinimumOp::create(builder, scope.loc, value, scope.number(scope.size, blocks.whole[i] - blocks.sizes[i]));
  SmallVector<int64_t> line(shape.size(), 1);
  line[0] = scope.size;
  return createBroadcast(builder, scope.loc, createReshape(builder, scope.loc, value, line), shape);
}

/// Row numbers of the elements of each block, in the row-major order of the first `dims` dimensions.
static Value blockRows(const BatchScope &scope, const Blocks &blocks, ArrayRef<Lane> starts, bool separate) {
  OpBuilder &builder = scope.builder;
  SmallVector<int64_t> shape = blocks.blockShape(scope.size);
  Value sum = separate ? MulOp::create(builder, scope.loc, scope.positions(shape, 0), scope.number(shape, blocks.rows())).getResult() : scope.number(shape, 0);
  for (int64_t i = 0; i < blocks.dims; ++i) {
    Value place = AddOp::create(builder, scope.loc, startOf(scope, blocks, starts[i], i, shape), scope.positions(shape, i + 1));
    int64_t stride = blocks.product(ArrayRef(blocks.whole).slice(i + 1, blocks.dims - i - 1));
    sum = AddOp::create(builder, scope.loc, sum, MulOp::create(builder, scope.loc, place, scope.number(shape, stride)));
  }
  return sum;
}

static FailureOr<SmallVector<Lane>> batchDynamicSlice(const BatchScope &scope, DynamicSliceOp op, ArrayRef<Lane> operands) {
  OpBuilder &builder = scope.builder;
  ArrayRef<Lane> starts = operands.drop_front();
  if (llvm::none_of(starts, [](const Lane &lane) { return lane.batched; })) {
    SmallVector<Value> values{operands[0].value, scope.number({}, 0)};
    for (const Lane &lane : starts)
      values.push_back(lane.value);
    SmallVector<int64_t> sizes{scope.size};
    llvm::append_range(sizes, op.getSizes());
    return batchedResults(DynamicSliceOp::create(builder, scope.loc, values.front(), ValueRange(values).drop_front(), sizes));
  }
  Blocks blocks(shapeOf(op.getX()), op.getSizes());
  if (blocks.dims == 0)
    return SmallVector<Lane>{operands[0]};
  SmallVector<int64_t> flat{blocks.rows() * (operands[0].batched ? scope.size : 1)};
  flat.append(blocks.whole.begin() + blocks.dims, blocks.whole.end());
  Value rows = createReshape(builder, scope.loc, operands[0].value, flat);
  return batchedResults(GatherOp::create(builder, scope.loc, rows, blockRows(scope, blocks, starts, operands[0].batched), 0));
}

static FailureOr<SmallVector<Lane>> batchDynamicUpdate(const BatchScope &scope, DynamicUpdateOp op, ArrayRef<Lane> operands) {
  OpBuilder &builder = scope.builder;
  ArrayRef<Lane> starts = operands.drop_front(2);
  Value x = scope.spread(operands[0]), update = scope.spread(operands[1]);
  if (llvm::none_of(starts, [](const Lane &lane) { return lane.batched; })) {
    SmallVector<Value> values{scope.number({}, 0)};
    for (const Lane &lane : starts)
      values.push_back(lane.value);
    return batchedResults(DynamicUpdateOp::create(builder, scope.loc, x, update, values));
  }
  Blocks blocks(shapeOf(op.getX()), shapeOf(op.getUpdate()));
  if (blocks.dims == 0)
    return batchedResults(update);
  // The block at its place among zeros, chosen where the place is inside of the block.
  Type element = getElementTypeOrSelf(x.getType());
  bool isBool = element.isInteger(1);
  if (isBool)
    update = createCast(builder, scope.loc, update, builder.getI8Type());
  SmallVector<int64_t> flat{blocks.rows() * scope.size};
  flat.append(blocks.whole.begin() + blocks.dims, blocks.whole.end());
  Value zeros = createFull(builder, scope.loc, RankedTensorType::get(flat, getElementTypeOrSelf(update.getType())), 0);
  Value placed = ScatterAddOp::create(builder, scope.loc, zeros, blockRows(scope, blocks, starts, true), update, 0);
  placed = createReshape(builder, scope.loc, placed, shapeOf(x));
  if (isBool)
    placed = createCast(builder, scope.loc, placed, element);
  ArrayRef<int64_t> shape = shapeOf(x);
  Value inside;
  for (int64_t i = 0; i < blocks.dims; ++i) {
    if (blocks.whole[i] == blocks.sizes[i])
      continue;
    Value place = SubOp::create(builder, scope.loc, scope.positions(shape, i + 1), startOf(scope, blocks, starts[i], i, shape));
    Value here = LogicalAndOp::create(builder, scope.loc, GreaterEqualOp::create(builder, scope.loc, place, scope.number(shape, 0)),
                                      LessOp::create(builder, scope.loc, place, scope.number(shape, blocks.sizes[i])));
    inside = inside ? LogicalAndOp::create(builder, scope.loc, inside, here).getResult() : here;
  }
  return batchedResults(SelectOp::create(builder, scope.loc, inside, placed, x).getResult());
}

RuleResult mlir::cell::batchIndexOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands) {
  return llvm::TypeSwitch<Operation *, RuleResult>(op)
      .Case<GatherOp>([&](GatherOp op) { return batchGather(scope, op, operands); })
      .Case<ScatterAddOp>([&](ScatterAddOp op) { return batchScatterAdd(scope, op, operands); })
      .Case<DynamicSliceOp>([&](DynamicSliceOp op) { return batchDynamicSlice(scope, op, operands); })
      .Case<DynamicUpdateOp>([&](DynamicUpdateOp op) { return batchDynamicUpdate(scope, op, operands); })
      .Default([](Operation *) -> RuleResult { return std::nullopt; });
}
