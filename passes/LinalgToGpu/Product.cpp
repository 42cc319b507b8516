//===- Product.cpp - stores of products: epilogues and partial sums -------===//
#include "passes/LinalgToGpu/Product.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::cell;
using Values = KernelBuilder::Values;

namespace {
int64_t widthOf(Value value) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? vector.getDimSize(0) : 1;
}

/// A scalar for all lanes.
Value spread(KernelBuilder &k, Value value, int64_t width) {
  if (width == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(k, VectorType::get({width}, value.getType()), value);
}

struct Point {
  Value batch, row, column;
};

Target targetOf(KernelBuilder &k, const Access &access, const Point &at) {
  Place place = join(k, placeOf(k, access, Access::Batch, at.batch), placeOf(k, access, Access::Row, at.row));
  return resolve(k, access, join(k, place, placeOf(k, access, Access::Column, at.column)));
}

Value loadAt(KernelBuilder &k, const Access &access, const Point &at, int64_t width) {
  bool uniform = access.isUniform(Access::Column);
  return spread(k, loadFrom(k, k.flat(access.buffer), targetOf(k, access, at), uniform ? 1 : width), width);
}

void storeAt(KernelBuilder &k, const Access &access, const Point &at, Value value) {
  Value memory = k.flat(access.buffer), index = targetOf(k, access, at).index;
  auto vector = dyn_cast<VectorType>(value.getType());
  if (!vector)
    memref::StoreOp::create(k, value, memory, index);
  else if (!access.element().isInteger(1))
    vector::StoreOp::create(k, value, memory, index);
  else
    for (int64_t i = 0; i < vector.getDimSize(0); ++i)
      memref::StoreOp::create(k, vector::ExtractOp::create(k, value, i).getResult(), memory, k.add(index, k.index(i)));
}
} // namespace

int64_t cell::storeWidth(const Product &product, int64_t width) {
  auto fits = [&](const Access &access, bool written) { return access.isVector(Access::Column, width) || (!written && access.isUniform(Access::Column)); };
  if (!fits(product.result, true))
    return 1;
  linalg::GenericOp op = product.epilogue.op;
  for (auto [i, access] : llvm::enumerate(product.epilogue.accesses))
    if (!fits(access, op.isDpsInit(&op->getOpOperand(i))))
      return 1;
  return width;
}

void cell::storeResult(KernelBuilder &k, const Product &product, Value batch, Value row, Value column, Value sums) {
  Point at{batch, row, column};
  int64_t width = widthOf(sums);
  if (product.accumulate) {
    Value old = loadAt(k, product.result, at, width);
    sums = isa<FloatType>(product.sumType()) ? arith::AddFOp::create(k, old, sums).getResult() : arith::AddIOp::create(k, old, sums).getResult();
  }
  const Product::Epilogue &epilogue = product.epilogue;
  if (!epilogue || epilogue.keepsResult)
    storeAt(k, product.result, at, sums);
  if (!epilogue)
    return;
  linalg::GenericOp op = epilogue.op;
  Block *body = op.getBody();
  IRMapping map;
  for (auto [i, access] : llvm::enumerate(epilogue.accesses))
    if (BlockArgument argument = body->getArgument(i); !argument.use_empty())
      map.map(argument, epilogue.isResult[i] ? sums : loadAt(k, access, at, width));
  auto value = [&](Value inner) { return spread(k, map.contains(inner) ? map.lookup(inner) : k.use(inner), width); };
  for (Operation &inner : body->without_terminator()) {
    if (inner.hasTrait<OpTrait::ConstantLike>()) {
      map.map(inner.getResult(0), spread(k, k.clone(inner)->getResult(0), width));
      continue;
    }
    for (Value operand : inner.getOperands())
      map.map(operand, value(operand));
    Operation *clone = k.clone(inner, map);
    if (width > 1)
      for (Value result : clone->getResults())
        result.setType(VectorType::get({width}, result.getType()));
  }
  for (auto [i, inner] : llvm::enumerate(body->getTerminator()->getOperands()))
    storeAt(k, epilogue.accesses[op.getNumDpsInputs() + i], at, value(inner));
}

namespace {
constexpr int64_t kLeastPiece = 256, kMostPieces = 64; // elements of a piece of a sum, pieces
}

SplitSum::SplitSum(const Product &product, int64_t depth, int64_t wanted) {
  tiles = llvm::divideCeilSigned(product.k, depth);
  pieces = std::max<int64_t>(1, std::min({wanted, product.k / kLeastPiece, kMostPieces}));
  tilesEach = llvm::divideCeilSigned(std::max<int64_t>(tiles, 1), pieces);
  pieces = std::max<int64_t>(1, llvm::divideCeilSigned(tiles, tilesEach));
}

TileChoice cell::chooseTile(const Product &p, const GpuTarget &target, ArrayRef<TileCandidate> candidates) {
  TileChoice best;
  double least = 0;
  for (auto [i, tile] : llvm::enumerate(candidates)) {
    int64_t blocks = p.batch * llvm::divideCeilSigned(p.m, tile.rows) * llvm::divideCeilSigned(p.n, tile.columns);
    int64_t resultBytes = p.batch * p.m * p.n * llvm::divideCeilSigned(p.sumType().getIntOrFloatBitWidth(), 8), before = 0;
    for (int64_t wanted = 1; wanted <= kMostPieces; wanted *= 2) {
      SplitSum split(p, tile.depth, wanted);
      if (split.pieces == before)
        break; // the sum is too short for more
      before = split.pieces;
      // What comes before the first step: of all rounds after the first one the other blocks of the multiprocessor multiply meanwhile.
      int64_t most = target.blocksAtATime(tile.work), rounds = llvm::divideCeilSigned(llvm::divideCeilSigned(blocks * split.pieces, target.multiprocessors), most);
      double setup = tile.setup * (1 + double(rounds - 1) / double(most));
      double time = setup + target.cycles(tile.work, tile.rate, blocks * split.pieces, std::max<int64_t>(1, split.tilesEach)) + target.cyclesOfSum(split.pieces, resultBytes);
      if (least == 0 || time < least) {
        least = time;
        best = {i, split.pieces};
      }
    }
  }
  return best;
}

BlockOrder::BlockOrder(const Product &p, const GpuTarget &target, const TileCandidate &tile)
    : rowTiles(llvm::divideCeilSigned(p.m, tile.rows)), columnTiles(llvm::divideCeilSigned(p.n, tile.columns)) {
  constexpr double kGain = 0.9; // less is not worth a division
  constexpr int64_t kMostRows = 32;
  int64_t wave = target.multiprocessors * target.blocksAtATime(tile.work);
  if (p.isConvolution || rowTiles * columnTiles <= wave) // neighbouring windows overlap; all run at the same time
    return;
  int64_t least = linesOf(wave, 1, tile);
  auto limit = int64_t(kGain * double(least));
  for (int64_t rows = 2; rows <= std::min(rowTiles, kMostRows); rows *= 2)
    if (int64_t lines = linesOf(wave, rows, tile); lines < least && lines <= limit)
      least = lines, band = rows;
}

int64_t BlockOrder::linesOf(int64_t count, int64_t band, const TileCandidate &tile) const {
  int64_t full = count / (band * columnTiles), rest = count % (band * columnTiles);
  int64_t rows = std::min(rowTiles, full * band + std::min(band, rest)), columns = full ? columnTiles : llvm::divideCeilSigned(rest, band);
  return rows * tile.rows + columns * tile.columns;
}

std::pair<Value, Value> BlockOrder::place(KernelBuilder &k, Value number) const {
  if (band == 1) {
    Values at = k.delinearize(number, {rowTiles, columnTiles});
    return {at[0], at[1]};
  }
  int64_t bands = llvm::divideCeilSigned(rowTiles, band), last = rowTiles % band;
  Values at = k.delinearize(number, {bands, band * columnTiles}), inside = k.delinearize(at[1], {columnTiles, band});
  Value row = inside[1], column = inside[0];
  if (last) { // of the last band's rows
    Values below = k.delinearize(at[1], {columnTiles * band, last});
    Value isLast = arith::CmpIOp::create(k, arith::CmpIPredicate::eq, at[0], k.index(bands - 1));
    row = arith::SelectOp::create(k, isLast, below[1], row);
    column = arith::SelectOp::create(k, isLast, below[0], column);
  }
  return {k.add(k.mul(at[0], band), row), column};
}

Access cell::makePartials(Product &product, int64_t pieces) {
  OpBuilder builder(product.anchor);
  int64_t matrix = product.m * product.n;
  auto type = MemRefType::get({pieces * product.batch * matrix}, product.sumType());
  Access access;
  access.buffer = memref::AllocOp::create(builder, product.anchor->getLoc(), type);
  access.groups[Access::Batch] = {{pieces * product.batch, matrix}};
  access.groups[Access::Row] = {{product.m, product.n}};
  access.groups[Access::Column] = {{product.n, 1}};
  return access;
}

void cell::storeSums(KernelBuilder &k, const Product &product, const Access *partials, Value piece, Value batch, Value row, Value column, Value sums) {
  if (!partials)
    return storeResult(k, product, batch, row, column, sums);
  storeAt(k, *partials, {k.add(k.mul(piece, product.batch), batch), row, column}, sums);
}

void cell::emitSumOfPartials(KernelModule &kernels, Product &product, const Access &partials, int64_t pieces) {
  int64_t width = std::max<int64_t>(1, std::min<int64_t>(4, 128 / product.sumType().getIntOrFloatBitWidth()));
  if (!partials.isVector(Access::Column, width) || storeWidth(product, width) != width)
    width = 1;
  int64_t points = product.batch * product.m * product.n / width;
  KernelBuilder k(kernels, product.anchor, product.name + "_sum", {kernels.target.threads});
  Value memory = k.flat(partials.buffer);
  k.forEach(points, [&](Value point) {
    Values at = k.delinearize(point, {product.batch, product.m, product.n / width});
    Value column = k.mul(at[2], width);
    Type type = width == 1 ? product.sumType() : Type(VectorType::get({width}, product.sumType()));
    Value zero = arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(type)));
    // In the order of the pieces: the same numbers at each run.
    Value sum = k.loop(k.index(0), k.index(pieces), k.index(1), zero, [&](Value piece, ValueRange carried) -> Values {
      Target target = targetOf(k, partials, {k.add(k.mul(piece, product.batch), at[0]), at[1], column});
      Value value = loadFrom(k, memory, target, width);
      return {isa<FloatType>(product.sumType()) ? arith::AddFOp::create(k, carried[0], value).getResult()
                                                : arith::AddIOp::create(k, carried[0], value).getResult()};
    })[0];
    storeResult(k, product, at[0], at[1], column, sum);
  });
  k.launch({k.gridFor(points)});
}
