//===- CubeProduct.cpp - which products the cube computes, and how ----------===//
#include "passes/LinalgToAscend/Cube.h"
#include "passes/LinalgToAscend/Mapping.h"

#include "dialect/Ascend/Ascend.h"
#include "passes/LinalgToLLVM/LoopPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

#include <numeric>

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Shorter runs leave most of a fractal empty: the factor is copied first.
constexpr int64_t kShortRun = 16;
/// A piece of a long sum that is cut for more cores has at least this many elements.
constexpr int64_t kShortSum = 512;

/// True if `access` has rows of neighbours along `inner`.
bool isMatrix(const Access &access, Access::Group inner, Access::Group outer) {
  return (lastSize(access, inner) == 1 || lastStride(access, inner) == 1) && (lastSize(access, outer) == 1 || lastStride(access, outer) >= 1);
}

/// All axes in the order of `groups`.
SmallVector<Axis> axesOf(const Access &access, ArrayRef<Access::Group> groups) {
  SmallVector<Axis> axes;
  for (Access::Group group : groups)
    llvm::append_range(axes, access.groups[group]);
  return axes;
}

/// The elements of an access without windows as a buffer with one dimension per axis.
Value viewOf(OpBuilder &builder, Location loc, const Access &access, ArrayRef<Axis> axes) {
  SmallVector<int64_t> sizes, strides;
  for (const Axis &axis : axes)
    sizes.push_back(axis.size), strides.push_back(axis.stride);
  auto type = cast<MemRefType>(access.buffer.getType());
  MemRefLayoutAttrInterface layout;
  if (access.offset != 0 || strides != computeStrides(sizes))
    layout = StridedLayoutAttr::get(builder.getContext(), access.offset, strides);
  auto result = MemRefType::get(sizes, type.getElementType(), layout, type.getMemorySpace());
  return memref::ReinterpretCastOp::create(builder, loc, result, access.buffer, access.offset, sizes, strides);
}

/// New memory for what `access` names: its groups in this order, one axis each, without gaps. A group that is all one element stays so.
Access denseLike(OpBuilder &builder, Location loc, const Access &access, Type element, ArrayRef<Access::Group> order, SmallVectorImpl<Axis> &axes) {
  Access dense;
  int64_t stride = 1;
  for (Access::Group group : llvm::reverse(order)) {
    if (group == Access::Batch && access.isUniform(group)) {
      dense.groups[group] = {{access.size(group), 0}};
      continue;
    }
    dense.groups[group] = {{access.size(group), stride}};
    stride *= access.size(group);
  }
  for (Access::Group group : order)
    if (group != Access::Batch || !access.isUniform(group))
      llvm::append_range(axes, access.groups[group]);
  if (axes.empty())
    axes.push_back({1, 0});
  dense.buffer = memref::AllocOp::create(builder, loc, MemRefType::get({stride}, element));
  dense.simplify();
  return dense;
}

/// The dense memory with the dimensions of `axes`.
Value shaped(OpBuilder &builder, Location loc, Value dense, ArrayRef<Axis> axes) {
  Access access;
  access.buffer = dense;
  SmallVector<Axis> own(axes);
  int64_t stride = 1;
  for (Axis &axis : llvm::reverse(own)) {
    axis.stride = stride;
    stride *= axis.size;
  }
  return viewOf(builder, loc, access, own);
}

/// The element of an access with windows at the position of the surrounding op, zero where there is none.
Value gather(OpBuilder &b, Location loc, const Access &access, Value row, ArrayRef<Axis> axes) {
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  Value offset = index(access.offset);
  SmallVector<Value> windows;
  for (const Window &window : access.windows)
    windows.push_back(index(window.start));
  for (auto [d, axis] : llvm::enumerate(axes)) {
    Value at = linalg::IndexOp::create(b, loc, d);
    auto step = [&](Value sum, int64_t by) -> Value { return by ? arith::AddIOp::create(b, loc, sum, arith::MulIOp::create(b, loc, at, index(by))).getResult() : sum; };
    offset = step(offset, axis.stride);
    for (auto [w, window] : llvm::enumerate(windows))
      window = step(window, axis.steps[w]);
  }
  Value exists;
  for (auto [window, t] : llvm::zip_equal(access.windows, windows)) {
    Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, t, index(window.limit * window.divisor));
    if (window.divisor != 1) {
      Value rest = arith::RemUIOp::create(b, loc, t, index(window.divisor));
      inside = arith::AndIOp::create(b, loc, inside, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest, index(0)));
    }
    exists = exists ? arith::AndIOp::create(b, loc, exists, inside).getResult() : inside;
    Value at = window.divisor == 1 ? t : arith::DivUIOp::create(b, loc, t, index(window.divisor)).getResult();
    offset = arith::AddIOp::create(b, loc, offset, arith::MulIOp::create(b, loc, at, index(window.stride)));
  }
  Value value = memref::LoadOp::create(b, loc, row, ValueRange{arith::SelectOp::create(b, loc, exists, offset, index(0)).getResult()});
  return arith::SelectOp::create(b, loc, exists, value, arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(access.element()))));
}

/// Copies a factor to memory of its own, without gaps and in `element` type: the matrix of windows of a convolution (img2col), and what no transfer can read.
Access pack(AscendKernels &kernels, const Product &product, const Access &from, Type element) {
  OpBuilder builder(product.op);
  Location loc = product.op->getLoc();
  bool rowsInside = from.run(Access::Row) > from.run(Access::Column);
  Access::Group order[] = {Access::Batch, rowsInside ? Access::Column : Access::Row, rowsInside ? Access::Row : Access::Column};
  SmallVector<Axis> axes;
  Access dense = denseLike(builder, loc, from, element, order, axes);
  if (from.element() == element && emitImg2Col(kernels, product.op, from, dense.buffer, axes))
    return dense;
  SmallVector<utils::IteratorType> loops(axes.size(), utils::IteratorType::parallel);
  AffineMap identity = builder.getMultiDimIdentityMap(axes.size());
  SmallVector<Value> inputs;
  Value row;
  if (from.windows.empty()) {
    inputs.push_back(viewOf(builder, loc, from, axes));
  } else {
    Access whole;
    whole.buffer = from.buffer;
    row = viewOf(builder, loc, whole, {{spanOf(cast<MemRefType>(from.buffer.getType())), 1}});
  }
  SmallVector<AffineMap> maps(inputs.size() + 1, identity);
  auto copy = linalg::GenericOp::create(builder, loc, inputs, shaped(builder, loc, dense.buffer, axes), maps, loops, [&](OpBuilder &b, Location loc, ValueRange args) {
    Value value = row ? gather(b, loc, from, row, axes) : args[0];
    if (value.getType() != element)
      value = arith::ExtFOp::create(b, loc, element, value);
    linalg::YieldOp::create(b, loc, value);
  });
  if (row)
    kernels.explain(copy, "windows of a convolution are gathered for the cube element by element");
  return dense;
}

/// Adds the pieces of the sums that are in `sums` up, and puts them where `result` says; the old result is added too if the product says so.
void emitSum(const Product &product, const Access &result, Value sums, int64_t pieces) {
  OpBuilder builder(product.anchor);
  Location loc = product.anchor->getLoc();
  SmallVector<Axis> axes = axesOf(result, {Access::Batch, Access::Row, Access::Column});
  if (axes.empty())
    axes.push_back({1, 0});
  Value out = viewOf(builder, loc, result, axes);
  Type element = result.element(), partial = cast<MemRefType>(sums.getType()).getElementType();
  bool adds = product.accumulate || pieces > 1;
  if (!product.accumulate && pieces > 1)
    linalg::FillOp::create(builder, loc, ValueRange{arith::ConstantOp::create(builder, loc, cast<TypedAttr>(builder.getZeroAttr(element)))}, ValueRange{out});
  SmallVector<utils::IteratorType> loops(axes.size(), utils::IteratorType::parallel);
  AffineMap identity = builder.getMultiDimIdentityMap(axes.size()), outMap = identity, inMap = identity;
  if (pieces > 1) {
    axes.insert(axes.begin(), {pieces, 0});
    loops.insert(loops.begin(), utils::IteratorType::reduction);
    inMap = builder.getMultiDimIdentityMap(axes.size());
    outMap = inMap.dropResult(0);
  }
  linalg::GenericOp::create(builder, loc, ValueRange{shaped(builder, loc, sums, axes)}, ValueRange{out}, ArrayRef<AffineMap>{inMap, outMap}, loops,
                            [&](OpBuilder &b, Location loc, ValueRange args) {
                              Value value = args[0];
                              if (value.getType() != element)
                                value = arith::TruncFOp::create(b, loc, element, value);
                              if (adds)
                                value = isa<FloatType>(element) ? arith::AddFOp::create(b, loc, args[1], value).getResult()
                                                                : arith::AddIOp::create(b, loc, args[1], value).getResult();
                              linalg::YieldOp::create(b, loc, value);
                            });
}

/// The product with rows and columns exchanged: its factors change places.
void exchange(Product &p) {
  std::swap(p.left, p.right);
  std::swap(p.m, p.n);
  auto turn = [](Access &access) { std::swap(access.groups[Access::Row], access.groups[Access::Column]); };
  turn(p.left), turn(p.right), turn(p.result);
  for (Access &access : p.epilogue.accesses)
    turn(access);
}

class CubeMapper {
public:
  CubeMapper(AscendKernels &kernels, Product &product, SmallVectorImpl<Operation *> &replaced) : kernels(kernels), p(product), replaced(replaced) {}

  /// Puts kernels in front of the product's anchor; false, with nothing changed, if the cube cannot compute it.
  bool run() {
    std::optional<Type> factor = factorType();
    if (!factor || p.batch * p.m * p.n * p.k == 0)
      return false;
    simplify();
    if ((p.n == 1 && p.m > 1) || (!isMatrix(p.result, Access::Column, Access::Row) && isMatrix(p.result, Access::Row, Access::Column)))
      exchange(p);
    CubeProduct c;
    prepare(p.left, *factor, Access::Row, Access::Column);
    prepare(p.right, *factor, Access::Column, Access::Row);
    joinRuns(*factor);
    c.product = p;
    c.transposeA = !longRows(p.left, Access::Column, Access::Row);
    c.transposeB = !longRows(p.right, Access::Column, Access::Row);
    c.out = p.result;
    foldEpilogue(c);
    int64_t pieces = cutSum(c);
    bool direct = pieces == 1 && !p.accumulate && isStorable(c.out);
    Access result = p.result;
    if (!direct) {
      dropEpilogue(c);
      OpBuilder builder(p.anchor);
      SmallVector<Axis> unused;
      c.product.result = c.out = denseLike(builder, p.anchor->getLoc(), c.product.result, c.sumType(), {Access::Batch, Access::Row, Access::Column}, unused);
    }
    setRuns(c);
    c.product.anchor = p.anchor;
    emitCubeKernel(kernels, c, chooseTile(c, kernels.chip));
    if (!direct)
      emitSum(p, result, c.out.buffer, pieces);
    return true;
  }

private:
  AscendKernels &kernels;
  Product &p;
  SmallVectorImpl<Operation *> &replaced;

  /// The element type in which the factors are multiplied.
  std::optional<Type> factorType() {
    Type left = p.left.element(), right = p.right.element(), sum = p.sumType();
    auto isNarrow = [](Type type) { return type.isF16() || type.isBF16(); };
    auto isFactor = [&](Type type) { return isNarrow(type) || type.isF32(); };
    if (sum.isF32() && isFactor(left) && isFactor(right))
      return left == right ? left : Type(Float32Type::get(sum.getContext()));
    if (isNarrow(sum) && left == sum && right == sum)
      return left;
    if (sum.isInteger(32) && left.isInteger(8) && right.isInteger(8))
      return left;
    std::string types;
    llvm::raw_string_ostream(types) << left << " times " << right << " in " << sum;
    kernels.explain(p.op, "the cube multiplies f16, bf16 and f32 (in f32) and i8 (in i32), not " + types + "; cast the factors to float32");
    return std::nullopt;
  }

  void simplify() {
    p.left.simplify(), p.right.simplify(), p.result.simplify();
    for (Access &access : p.epilogue.accesses)
      access.simplify();
  }

  /// Copies a factor that no transfer can read, or only in short pieces.
  void prepare(Access &access, Type factor, Access::Group outer, Access::Group depth) {
    bool isShort = llvm::any_of(ArrayRef{outer, depth}, [&](Access::Group group) { return lastSize(access, group) < std::min(kShortRun, access.size(group)); });
    bool readable = isMatrix(access, Access::Column, Access::Row) || isMatrix(access, Access::Row, Access::Column);
    if (!access.windows.empty() || access.element() != factor || isShort || !readable)
      access = pack(kernels, p, access, factor);
  }

  /// Where the factors disagree on runs along the sum, the left one is copied.
  void joinRuns(Type factor) {
    int64_t left = lastSize(p.left, Access::Column), right = lastSize(p.right, Access::Row);
    if (std::gcd(left, right) < std::min(kShortRun, p.k)) {
      Access &cut = left == p.k ? p.right : p.left;
      cut = pack(kernels, p, cut, factor);
    }
    for (auto [access, group] : {std::pair(&p.left, Access::Row), std::pair(&p.right, Access::Column)})
      if (std::gcd(lastSize(*access, group), lastSize(p.result, group)) < std::min(kShortRun, access->size(group)))
        *access = pack(kernels, p, *access, factor);
  }

  /// True for rows in memory along `inner`; where both ways do, the longer rows.
  bool longRows(const Access &access, Access::Group inner, Access::Group outer) {
    if (isMatrix(access, inner, outer) && isMatrix(access, outer, inner))
      return lastSize(access, inner) >= lastSize(access, outer);
    return isMatrix(access, inner, outer);
  }

  bool isStorable(const Access &out) {
    auto isLong = [&](Access::Group group, int64_t size) { return lastSize(out, group) >= std::min(kShortRun, size); };
    return isMatrix(out, Access::Column, Access::Row) && isLong(Access::Row, p.m) && isLong(Access::Column, p.n);
  }

  void dropEpilogue(CubeProduct &c) {
    if (!p.epilogue)
      return;
    replaced.pop_back();
    p.name.resize(p.name.size() - nameOf(p.epilogue.op).size() - 1);
    p.epilogue = {};
    p.anchor = p.op;
    c.product = p;
    c.out = p.result;
    c.bias.reset();
    c.relu = false;
  }

  void foldEpilogue(CubeProduct &c) {
    if (p.epilogue && (p.accumulate || !matchFixpipe(c) || !isStorable(c.out)))
      dropEpilogue(c);
  }

  /// Cuts a long sum into pieces if the tiles are too few for the cores. A piece is a further batch; a second op adds the pieces in order.
  int64_t cutSum(CubeProduct &c) {
    const ascend::Target &chip = kernels.chip;
    int64_t most = std::max<int64_t>(1, chip.l0c_bytes / 4 / ascend::getElementBytes(c.sumType())), side = 1;
    while (4 * side * side <= most)
      side *= 2;
    int64_t tiles = p.batch * llvm::divideCeilSigned(p.m, side) * llvm::divideCeilSigned(p.n, side);
    int64_t wanted = std::min(chip.aic_cores / std::max<int64_t>(1, tiles), p.k / kShortSum);
    if (wanted < 2 || p.sumType() != c.sumType())
      return 1;
    Axis left = c.product.left.groups[Access::Column][0], right = c.product.right.groups[Access::Row][0];
    if (left.size != right.size)
      return 1;
    int64_t pieces = wanted;
    while (left.size % pieces)
      --pieces;
    if (pieces == 1)
      return 1;
    dropEpilogue(c);
    auto cut = [&](Access &access, Access::Group group) {
      Axis &axis = access.groups[group][0];
      axis.size /= pieces;
      if (access.groups[Access::Batch].empty() && p.batch > 1)
        access.groups[Access::Batch] = {{p.batch, 0}};
      access.groups[Access::Batch].insert(access.groups[Access::Batch].begin(), {pieces, axis.size * axis.stride});
    };
    cut(c.product.left, Access::Column), cut(c.product.right, Access::Row);
    if (p.batch > 1 && c.product.result.groups[Access::Batch].empty())
      c.product.result.groups[Access::Batch] = {{p.batch, 0}};
    c.product.result.groups[Access::Batch].insert(c.product.result.groups[Access::Batch].begin(), {pieces, 1});
    c.product.batch *= pieces, c.product.k /= pieces;
    return pieces;
  }

  void setRuns(CubeProduct &c) {
    const Product &q = c.product;
    c.runM = std::gcd(lastSize(q.left, Access::Row), lastSize(c.out, Access::Row));
    c.runN = std::gcd(lastSize(q.right, Access::Column), lastSize(c.out, Access::Column));
    c.runK = std::gcd(lastSize(q.left, Access::Column), lastSize(q.right, Access::Row));
  }
};
} // namespace

void cell::lowerCubeOps(ModuleOp module, AscendKernels &kernels) {
  (void)lowerProducts(module, [&](Operation *, Product *product, SmallVectorImpl<Operation *> &replaced) -> FailureOr<bool> {
    return product && CubeMapper(kernels, *product, replaced).run();
  });
}
