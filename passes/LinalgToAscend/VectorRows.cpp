//===- VectorRows.cpp - chains of ops over the same rows ------------------===//
#include "passes/LinalgToAscend/Mapping.h"
#include "passes/LinalgToAscend/TileLoops.h"
#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/RowChain.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace mlir::cell;

namespace {
/// How an operand that is not row by row of the chain's own shape moves: linearly along columns, and along the innermost loop over rows.
struct Broadcast {
  int64_t rowStride = 0, columnStride = 0;
};

class VectorRows {
public:
  VectorRows(AscendKernels &kernels, RowChain &chain) : kernels(kernels), chain(chain) {}

  bool run() {
    for (RowMember &member : chain.members)
      if (!prepare(member))
        return false;
    std::string stem = name(); // by the user's functions
    ExpandedMath math;
    for (RowMember &member : chain.members) {
      math.expand(*member.op.getBlock());
      if (member.combiner) // what is reduced may be a function's result
        member.combiner = Combiner::of(member.op, member.plan.reduced);
    }
    int64_t cores = kernels.chip.aiv_cores;
    TileShape most{static_cast<int64_t>(std::gcd(chain.rows, rowUnit)), chain.columns};
    auto balance = [&](TileShape shape) {
      shape.rows = evenPart(chain.rows, shape.rows, cores, 1);
      while (rowUnit && rowUnit % shape.rows)
        --shape.rows;
      return shape;
    };
    Operation *last = chain.members.back().op;
    std::unique_ptr<VectorKernel> k = emitFitting(kernels, last, stem, most, balance, [&](VectorKernel &kernel) { return emit(kernel); }, /*wholeRows=*/true);
    if (!k)
      return false;
    math.keep();
    for (auto [member, own] : llvm::zip_equal(chain.members, reductions))
      for (const Reduced &reduced : own)
        if (reduced.start)
          (void)kernels.takeStart(member.op, reduced.output);
    k->launch(std::min<int64_t>(llvm::divideCeil(chain.rows, k->shape.rows), cores));
    Operation *place = last;
    for (Operation *op : chain.deferred)
      if (op->isBeforeInBlock(last)) {
        op->moveAfter(place);
        place = op;
      }
    for (RowMember &member : chain.members)
      member.op->erase();
    return true;
  }

private:
  AscendKernels &kernels;
  RowChain &chain;
  SmallVector<SmallVector<Reduced>> reductions;    // per member
  SmallVector<SmallVector<Broadcast>> broadcasts;  // per member and operand
  int64_t rowUnit = 0; // rows of a tile must divide this

  // Of the tile under construction.
  Value row;
  llvm::DenseMap<Value, Tile> full, perRow; // by root
  llvm::DenseSet<Value> loaded;             // roots that are read from memory

  std::string name() {
    SmallVector<std::string> words;
    for (RowMember &member : chain.members) {
      std::string word = StringRef(nameOf(member.op)).split('_').first.str();
      if (!llvm::is_contained(words, word) && words.size() < 4)
        words.push_back(word);
    }
    return "rows_" + llvm::join(words, "_");
  }

  bool prepare(RowMember &member) {
    SmallVector<Reduced> &own = reductions.emplace_back();
    if (member.combiner)
      for (auto [i, o] : llvm::enumerate(member.combiner->outputs())) {
        std::optional<Reduced> reduced = Reduced::by(o, member.combiner->operation(i), cast<MemRefType>(member.op.getDpsInits()[o].getType()).getElementType());
        if (!reduced)
          return false;
        if (linalg::FillOp fill = findFill(member.op, member.op.getDpsInits()[o])) {
          reduced->start = fill.getInputs()[0];
          reduced->startsNeutral = reduced->isNeutral(reduced->start);
        }
        own.push_back(*reduced);
      }
    SmallVector<Broadcast> &moves = broadcasts.emplace_back(member.op->getNumOperands());
    for (unsigned i = 0; i < member.op->getNumOperands(); ++i) {
      auto type = dyn_cast<MemRefType>(member.op->getOperand(i).getType());
      if (type ? !isVectorType(type.getElementType()) : member.op->getOperand(i).getType().isF64())
        return false;
      if (type && member.access[i] == RowAccess::Other && !broadcastOf(member, i, moves[i]))
        return false;
    }
    return true;
  }

  /// Strides of an operand along rows and columns; false if it does not move linearly.
  bool broadcastOf(RowMember &member, unsigned operand, Broadcast &result) {
    RowChain::Split parts = *chain.split(member);
    if (parts.shared)
      return false;
    unsigned rowLoops = parts.rows.size();
    ArrayRef<PlannedLoop> loops = member.plan.loops;
    std::optional<int64_t> expected;
    for (const PlannedLoop &loop : llvm::reverse(loops.drop_front(rowLoops))) {
      if (loop.size == 1)
        continue;
      if (!expected)
        result.columnStride = loop.strides[operand];
      else if (loop.strides[operand] != *expected)
        return false;
      expected = loop.strides[operand] * loop.size;
    }
    if (result.columnStride != 0 && result.columnStride != 1)
      return false;
    ArrayRef<PlannedLoop> rows = loops.take_front(rowLoops);
    if (rows.empty())
      return true;
    result.rowStride = rows.back().strides[operand];
    if (result.rowStride < 0)
      return false;
    bool linear = true;
    expected = std::nullopt;
    for (const PlannedLoop &loop : llvm::reverse(rows)) {
      linear &= !expected || loop.strides[operand] == *expected;
      expected = loop.strides[operand] * loop.size;
    }
    if (!linear) // a tile stays within the innermost loop
      rowUnit = std::gcd(rowUnit, rows.back().size);
    return true;
  }

  /// Somebody else sees the buffer, or it is looked at before it is written.
  bool isWanted(Value root) {
    auto alloc = root.getDefiningOp<memref::AllocOp>();
    if (!alloc || alloc->getBlock() != chain.members.back().op->getBlock() || loaded.contains(root))
      return true;
    SmallVector<Value> work{root};
    while (!work.empty())
      for (Operation *user : work.pop_back_val().getUsers()) {
        if (isa<ViewLikeOpInterface>(user))
          work.push_back(user->getResult(0));
        else if (llvm::none_of(chain.members, [&](RowMember &member) { return member.op == user; }) && !isTakenStart(user))
          return true;
      }
    return false;
  }

  /// A fill that only gives a reduction of the chain its start.
  bool isTakenStart(Operation *user) {
    for (auto [member, own] : llvm::zip_equal(chain.members, reductions))
      for (const Reduced &reduced : own)
        if (reduced.start && findFill(member.op, member.op.getDpsInits()[reduced.output]) == user)
          return true;
    return false;
  }

  TileAccess access(VectorKernel &k, unsigned number, unsigned operand) {
    RowMember &member = chain.members[number];
    Value buffer = member.op->getOperand(operand), root = member.roots[operand];
    if (member.access[operand] != RowAccess::Other) {
      // Views of one buffer are one argument of the kernel.
      if (root && cast<MemRefType>(root.getType()).getLayout().isIdentity() && getElementTypeOrSelf(root.getType()) == getElementTypeOrSelf(buffer.getType()))
        buffer = root;
      bool isFull = member.access[operand] == RowAccess::Full;
      return {buffer, isFull ? k.mul(row, chain.columns) : row, isFull ? chain.columns : 1, isFull ? 1 : 0};
    }
    const Broadcast &move = broadcasts[number][operand];
    RowChain::Split parts = *chain.split(member);
    Value offset = k.index(member.plan.offsets[operand]);
    for (auto [loop, position] : llvm::zip(member.plan.loops, k.delinearize(row, RowChain::Split::sizesOf(parts.rows))))
      if (loop.strides[operand])
        offset = k.add(offset, k.mul(position, loop.strides[operand]));
    return {buffer, offset, move.rowStride, move.columnStride};
  }

  Tile fetch(VectorKernel &k, const TileAccess &where) {
    bool rows = where.rowStride && k.shape.rows > 1, columns = where.columnStride && k.shape.columns > 1;
    return rows || columns ? k.load(where) : Tile{k.loadScalar(where.buffer, where.offset)};
  }

  /// What a member reads: from an earlier one, or from memory, once.
  Tile valueOf(VectorKernel &k, unsigned number, unsigned operand) {
    RowMember &member = chain.members[number];
    if (!isa<MemRefType>(member.op->getOperand(operand).getType()))
      return {k.use(member.op->getOperand(operand))};
    Value root = member.roots[operand];
    if (member.access[operand] == RowAccess::Other || !root)
      return fetch(k, access(k, number, operand));
    Tile &known = (member.access[operand] == RowAccess::Full ? full : perRow)[root];
    if (!known) {
      loaded.insert(root);
      known = fetch(k, access(k, number, operand));
    }
    return known;
  }

  bool emitMember(VectorKernel &k, unsigned number) {
    RowMember &member = chain.members[number];
    linalg::LinalgOp op = member.op;
    unsigned inputs = op.getNumDpsInputs();
    VectorBody body(k, *op.getBlock());
    SmallVector<bool> isReduced(op.getNumDpsInits(), false);
    for (const Reduced &reduced : reductions[number]) {
      isReduced[reduced.output] = true;
      body.omit(op.getMatchingBlockArgument(op.getDpsInitOperand(reduced.output)));
    }
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      BlockArgument argument = op.getMatchingBlockArgument(&op->getOpOperand(i));
      if (argument.use_empty() || (i >= inputs && isReduced[i - inputs]))
        continue;
      body.set(argument, valueOf(k, number, i), /*isKept=*/true);
      // As it is computed with, for the next one.
      if (member.access[i] != RowAccess::Other && member.roots[i])
        (member.access[i] == RowAccess::Full ? full : perRow)[member.roots[i]] = body.get(argument);
    }
    RowChain::Split parts = *chain.split(member);
    body.position = [&](unsigned dim) -> Tile {
      for (auto [l, loop] : llvm::enumerate(member.plan.loops)) {
        if (!llvm::is_contained(loop.dims, dim))
          continue;
        if (loop.size == 1)
          break;
        bool isRow = l < parts.rows.size();
        if (parts.shared || (isRow ? parts.rows : parts.inner).size() != 1)
          return {};
        if (isRow && k.shape.rows == 1)
          return {arith::IndexCastOp::create(k, k.getI32Type(), row)};
        return k.range(isRow ? row : k.index(0), isRow, !isRow);
      }
      return {k.number(k.getI32Type(), 0)};
    };
    if (!body.run()) {
      kernels.explain(op, body.why);
      return false;
    }
    for (auto [i, reduced] : llvm::enumerate(reductions[number])) {
      Tile value = k.expand(toRunning(k, body.get(member.combiner->element(i)), reduced.type), k.shape.rows > 1, true);
      Tile result = k.reduce(reduced.kind, value, /*alongRows=*/true);
      if (value.value != body.get(member.combiner->element(i)).value)
        k.release(value);
      Value root = member.roots[inputs + reduced.output];
      if (!reduced.startsNeutral) {
        Tile start = reduced.start ? Tile{k.use(reduced.start)} : valueOf(k, number, inputs + reduced.output);
        result = k.binary(reduced.binary(), result, toRunning(k, start, reduced.type));
      }
      Type element = cast<MemRefType>(op.getDpsInits()[reduced.output].getType()).getElementType();
      if (isWanted(root)) {
        TileAccess where = access(k, number, inputs + reduced.output);
        k.store(k.cast(result, cast<MemRefType>(k.use(where.buffer).getType()).getElementType()), where);
      }
      if (element.isInteger(1))
        result = k.compare(ascend::CompareKind::Ne, result, {k.number(k.getF16Type(), 0)});
      else
        result = k.cast(result, computedType(element));
      perRow[root] = result;
    }
    for (auto [o, value] : llvm::enumerate(op.getBlock()->getTerminator()->getOperands())) {
      if (isReduced[o])
        continue;
      Value root = member.roots[inputs + o];
      bool isFull = member.access[inputs + o] == RowAccess::Full;
      Tile result = body.get(value);
      if (isWanted(root)) {
        TileAccess where = access(k, number, inputs + o);
        Tile stored = body.stored(value, cast<MemRefType>(k.use(where.buffer).getType()).getElementType());
        if (!stored)
          return false;
        k.store(k.expand(stored, k.shape.rows > 1, isFull), where);
      }
      (isFull ? full : perRow)[root] = result;
    }
    return true;
  }

  bool emit(VectorKernel &k) {
    int64_t tiles = llvm::divideCeil(chain.rows, k.shape.rows), blocks = std::min<int64_t>(tiles, kernels.chip.aiv_cores);
    bool good = true;
    auto one = [&](Value tile) {
      k.inside([&] {
        full.clear(), perRow.clear(), loaded.clear();
        row = k.mul(tile, k.shape.rows);
        if (chain.rows % k.shape.rows)
          k.rowCount = k.smaller(k.index(k.shape.rows), arith::SubIOp::create(k, k.index(chain.rows), row));
        for (unsigned number = 0; number < chain.members.size() && good; ++number) {
          good = emitMember(k, number);
          releaseDead(k, number);
        }
      });
    };
    Value first = blocks == 1 ? k.index(0) : k.block();
    if (tiles <= blocks)
      one(first);
    else
      k.loop(first, k.index(tiles), k.index(blocks), one);
    return good;
  }

  /// Gives back what no member behind this one reads.
  void releaseDead(VectorKernel &k, unsigned number) {
    llvm::DenseMap<Value, unsigned> alive; // buffers of values that are needed
    auto needed = [&](Value root) {
      for (RowMember &member : llvm::drop_begin(chain.members, number + 1))
        if (llvm::is_contained(member.roots, root))
          return true;
      return false;
    };
    for (auto *values : {&full, &perRow})
      for (auto &[root, tile] : *values)
        if (tile && needed(root))
          ++alive[tile.value];
    for (auto *values : {&full, &perRow})
      for (auto &[root, tile] : *values)
        if (tile && !needed(root)) {
          if (!alive.contains(tile.value)) {
            k.release(tile);
            alive[tile.value] = 1; // once
          }
          tile = {};
        }
  }
};
} // namespace

void cell::lowerVectorRows(ModuleOp module, AscendKernels &kernels) {
  SmallVector<linalg::LinalgOp> starts;
  module.walk([&](linalg::LinalgOp op) { starts.push_back(op); });
  kernels.forgetTaken();
  llvm::SmallPtrSet<Operation *, 32> gone;
  for (linalg::LinalgOp op : starts) {
    if (gone.contains(op.getOperation()) || kernels.isTaken(op.getOperation()))
      continue;
    std::optional<RowChain> chain = RowChain::startingAt(op, /*inPieces=*/false);
    if (!chain || chain->members.size() < 2)
      continue;
    SmallVector<Operation *> members;
    for (RowMember &member : chain->members)
      members.push_back(member.op);
    if (VectorRows(kernels, *chain).run())
      gone.insert(members.begin(), members.end());
  }
  // What only the chains needed.
  module.walk([](memref::AllocOp alloc) {
    if (alloc->use_empty())
      alloc.erase();
  });
}
