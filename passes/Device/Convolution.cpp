//===- Convolution.cpp - convolutions as products over windows ------------===//
#include "passes/Device/Product.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// A convolution y = x * w of NCHW and OIHW operands: their sizes and strides, and the parameters of the routine.
struct Geometry {
  int64_t x[4], w[4], y[4];    // sizes
  int64_t sx[4], sw[4], sy[4]; // strides
  int64_t stride[2], padTop, padLeft, dilation[2], groups;

  Geometry(cellrt::CallOp op, Value vx, Value vw, Value vy) {
    ArrayRef<int64_t> p = op.getParams();
    stride[0] = p[0], stride[1] = p[1], padTop = p[2], padLeft = p[4], dilation[0] = p[6], dilation[1] = p[7], groups = p[8];
    fill(vx, x, sx), fill(vw, w, sw), fill(vy, y, sy);
  }
  static void fill(Value value, int64_t (&sizes)[4], int64_t (&strides)[4]) {
    auto type = cast<MemRefType>(value.getType());
    SmallVector<int64_t> found;
    int64_t offset;
    (void)type.getStridesAndOffset(found, offset);
    for (int i = 0; i < 4; ++i)
      sizes[i] = type.getDimSize(i), strides[i] = found[i];
  }
  int64_t outputs() const { return w[0] / groups; } // channels of a group
};

Access accessOf(Value buffer, ArrayRef<Axis> batch, ArrayRef<Axis> rows, ArrayRef<Axis> columns, ArrayRef<Window> windows = {}) {
  Access access;
  access.buffer = buffer;
  access.groups[Access::Batch].assign(batch.begin(), batch.end());
  access.groups[Access::Row].assign(rows.begin(), rows.end());
  access.groups[Access::Column].assign(columns.begin(), columns.end());
  access.windows.assign(windows.begin(), windows.end());
  return access;
}
} // namespace

std::optional<Product> cell::matchConvolution(cellrt::CallOp op, SmallVectorImpl<Operation *> &replaced) {
  StringRef name = op.getRoutine();
  bool forward = name == "conv2d", inputGradient = name == "conv2d_dx", weightGradient = name == "conv2d_dw";
  if (!forward && !inputGradient && !weightGradient)
    return std::nullopt;
  Value a = op.getIns()[0], b = op.getIns()[1], out = op.getOuts()[0];
  Product p;
  p.op = p.anchor = op;
  p.name = name.str();
  p.isConvolution = true;
  SmallVector<unsigned> axes[3];
  if (forward) {
    Geometry g(op, a, b, out);
    Window windows[] = {{-g.padTop, 1, g.x[2], g.sx[2]}, {-g.padLeft, 1, g.x[3], g.sx[3]}};
    p.m = g.outputs(), p.n = g.x[0] * g.y[2] * g.y[3], p.k = g.w[1] * g.w[2] * g.w[3], p.batch = g.groups;
    p.left = accessOf(b, {{g.groups, g.outputs() * g.sw[0]}}, {{g.outputs(), g.sw[0]}}, {{g.w[1], g.sw[1]}, {g.w[2], g.sw[2]}, {g.w[3], g.sw[3]}});
    p.right = accessOf(a, {{g.groups, g.w[1] * g.sx[1]}}, {{g.w[1], g.sx[1]}, {g.w[2], 0, {g.dilation[0], 0}}, {g.w[3], 0, {0, g.dilation[1]}}},
                       {{g.x[0], g.sx[0]}, {g.y[2], 0, {g.stride[0], 0}}, {g.y[3], 0, {0, g.stride[1]}}}, windows);
    p.result = accessOf(out, {{g.groups, g.outputs() * g.sy[1]}}, {{g.outputs(), g.sy[1]}}, {{g.y[0], g.sy[0]}, {g.y[2], g.sy[2]}, {g.y[3], g.sy[3]}});
  } else if (inputGradient) {
    // An element gathers from the windows that read it: output i reads input i * stride - pad + tap * dilation.
    Geometry g(op, out, b, a);
    Window windows[] = {{g.padTop, g.stride[0], g.y[2], g.sy[2]}, {g.padLeft, g.stride[1], g.y[3], g.sy[3]}};
    p.m = g.w[1], p.n = g.x[0] * g.x[2] * g.x[3], p.k = g.outputs() * g.w[2] * g.w[3], p.batch = g.groups;
    p.left = accessOf(b, {{g.groups, g.outputs() * g.sw[0]}}, {{g.w[1], g.sw[1]}}, {{g.outputs(), g.sw[0]}, {g.w[2], g.sw[2]}, {g.w[3], g.sw[3]}});
    p.right = accessOf(a, {{g.groups, g.outputs() * g.sy[1]}}, {{g.outputs(), g.sy[1]}, {g.w[2], 0, {-g.dilation[0], 0}}, {g.w[3], 0, {0, -g.dilation[1]}}},
                       {{g.x[0], g.sy[0]}, {g.x[2], 0, {1, 0}}, {g.x[3], 0, {0, 1}}}, windows);
    p.result = accessOf(out, {{g.groups, g.w[1] * g.sx[1]}}, {{g.w[1], g.sx[1]}}, {{g.x[0], g.sx[0]}, {g.x[2], g.sx[2]}, {g.x[3], g.sx[3]}});
  } else {
    Geometry g(op, a, out, b);
    Window windows[] = {{-g.padTop, 1, g.x[2], g.sx[2]}, {-g.padLeft, 1, g.x[3], g.sx[3]}};
    p.m = g.outputs(), p.n = g.w[1] * g.w[2] * g.w[3], p.k = g.x[0] * g.y[2] * g.y[3], p.batch = g.groups;
    p.left = accessOf(b, {{g.groups, g.outputs() * g.sy[1]}}, {{g.outputs(), g.sy[1]}}, {{g.y[0], g.sy[0]}, {g.y[2], g.sy[2]}, {g.y[3], g.sy[3]}});
    p.right = accessOf(a, {{g.groups, g.w[1] * g.sx[1]}}, {{g.x[0], g.sx[0]}, {g.y[2], 0, {g.stride[0], 0}}, {g.y[3], 0, {0, g.stride[1]}}},
                       {{g.w[1], g.sx[1]}, {g.w[2], 0, {g.dilation[0], 0}}, {g.w[3], 0, {0, g.dilation[1]}}}, windows);
    p.result = accessOf(out, {{g.groups, g.outputs() * g.sw[0]}}, {{g.outputs(), g.sw[0]}}, {{g.w[1], g.sw[1]}, {g.w[2], g.sw[2]}, {g.w[3], g.sw[3]}});
  }
  bool oneGroup = op.getParams()[8] == 1;
  if (oneGroup && weightGradient)
    axes[1] = {0}, axes[2] = {1, 2, 3};
  else if (oneGroup)
    axes[1] = {1}, axes[2] = {0, 2, 3};
  p.accumulate = op.accumulates();
  // Axes of several groups are split between batch and rows: nothing is computed with the store then.
  if (oneGroup)
    absorbNeighbours(p, axes, replaced);
  else
    replaced.push_back(op);
  return p;
}
