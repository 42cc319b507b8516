//===- Access.cpp - where the operands of a product lie in memory ---------===//
#include "passes/Device/Access.h"

#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <numeric>

using namespace mlir;
using namespace mlir::cell;

int64_t Access::size(Group group) const {
  int64_t size = 1;
  for (const Axis &axis : groups[group])
    size *= axis.size;
  return size;
}

void Access::simplify() {
  // Windows that every point lies in are strides.
  for (int w = windows.size() - 1; w >= 0; --w) {
    Window &window = windows[w];
    int64_t low = window.start, high = window.start;
    for (auto &group : groups)
      for (const Axis &axis : group)
        (axis.steps[w] < 0 ? low : high) += (axis.size - 1) * axis.steps[w];
    if (window.divisor != 1 || low < 0 || high >= window.limit)
      continue;
    offset += window.start * window.stride;
    for (auto &group : groups)
      for (Axis &axis : group) {
        axis.stride += axis.steps[w] * window.stride;
        axis.steps[w] = w == 0 ? axis.steps[1] : 0;
        axis.steps[1] = 0;
      }
    windows.erase(windows.begin() + w);
  }
  for (auto &group : groups) {
    SmallVector<Axis> merged;
    for (const Axis &axis : group) {
      if (axis.size == 1)
        continue;
      auto follows = [&](int64_t outer, int64_t inner) { return outer == inner * axis.size; };
      if (!merged.empty() && follows(merged.back().stride, axis.stride) && follows(merged.back().steps[0], axis.steps[0]) &&
          follows(merged.back().steps[1], axis.steps[1])) {
        int64_t size = merged.back().size * axis.size;
        merged.back() = axis;
        merged.back().size = size;
      } else {
        merged.push_back(axis);
      }
    }
    group = merged;
  }
}

bool Access::isVector(Group group, int64_t width) const {
  if (width == 1)
    return true;
  if (!windows.empty() || groups[group].empty())
    return false;
  if (alignmentOf(buffer) < width * elementBytes(element()) || offset % width)
    return false;
  for (auto &other : groups)
    for (const Axis &axis : other) {
      bool innermost = &axis == &groups[group].back();
      if (innermost ? axis.stride != 1 || axis.size % width : axis.stride % width != 0)
        return false;
    }
  return true;
}

int64_t Access::run(Group group) const {
  if (groups[group].empty())
    return 0;
  const Axis &inner = groups[group].back();
  int64_t stride = inner.stride;
  for (auto [w, window] : llvm::enumerate(windows))
    stride += inner.steps[w] * window.stride;
  stride = std::abs(stride);
  return stride >= 1 && stride <= 4 ? inner.size / stride : 0;
}

bool Access::isUniform(Group group) const {
  return llvm::all_of(groups[group], [](const Axis &axis) { return axis.stride == 0 && axis.steps[0] == 0 && axis.steps[1] == 0; });
}

int64_t cell::alignmentOf(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getLayout().isIdentity())
    return 16;
  int64_t bytes = elementBytes(type.getElementType());
  if (auto view = buffer.getDefiningOp<memref::SubViewOp>()) {
    int64_t align = alignmentOf(view.getSource()), ignored;
    SmallVector<int64_t> strides;
    if (failed(view.getSourceType().getStridesAndOffset(strides, ignored)))
      return bytes;
    for (auto [offset, stride] : llvm::zip_equal(view.getStaticOffsets(), strides))
      align = std::gcd(align, (ShapedType::isDynamic(offset) ? 1 : offset) * stride * bytes);
    return align;
  }
  if (Operation *def = buffer.getDefiningOp(); def && isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(def))
    return alignmentOf(def->getOperand(0));
  return bytes;
}

std::string cell::nameOf(linalg::LinalgOp op) {
  SmallVector<StringRef> words;
  for (Operation &inner : op.getBlock()->without_terminator()) {
    StringRef word = inner.getName().stripDialect();
    if (isa<arith::ConstantOp, linalg::IndexOp, arith::IndexCastOp, arith::IndexCastUIOp>(inner))
      continue;
    if (isa<arith::ArithDialect>(inner.getDialect()) && word.size() > 3 && (word.ends_with("f") || word.ends_with("i")))
      word = word.drop_back();
    if (!llvm::is_contained(words, word) && words.size() < 3 && llvm::all_of(word, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
      words.push_back(word);
  }
  if (words.empty())
    return isa<linalg::FillOp>(op.getOperation()) ? "fill" : "copy";
  return llvm::join(words, "_");
}
