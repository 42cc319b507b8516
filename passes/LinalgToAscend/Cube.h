//===- Cube.h - matrix products on the cube cores --------------------------===//
#ifndef CELL_PASSES_LINALGTOASCEND_CUBE_H
#define CELL_PASSES_LINALGTOASCEND_CUBE_H

#include "passes/Device/Product.h"
#include "passes/LinalgToAscend/AscendKernels.h"

namespace mlir::cell {

/// A product as a cube core computes it. All accesses are simplified and have no windows. A *run* is how many neighbours along a dimension lie in one
/// axis of every operand, counted from a multiple of it: no tile crosses its end, so a tile of each operand is a matrix with one row pitch.
struct CubeProduct {
  Product product;
  int64_t runM = 1, runN = 1, runK = 1;
  bool transposeA = false, transposeB = false; // the factor lies with the other dimension contiguous
  Access out;                                  // what is stored, grouped like the result
  std::optional<Access> bias;                  // one number per column, which the sums start from
  bool relu = false;

  Type factorType() const { return product.left.element(); }
  Type sumType() const; // in L0C
};

/// The tile of the result that is in L0C at a time, and the piece of the sum that is in L1 at a time; elements.
struct CubeTile {
  int64_t m = 0, n = 0, k = 0;
};

/// The innermost axis of a group.
inline int64_t lastSize(const Access &access, Access::Group group) { return access.groups[group].empty() ? 1 : access.groups[group].back().size; }
inline int64_t lastStride(const Access &access, Access::Group group) { return access.groups[group].empty() ? 1 : access.groups[group].back().stride; }

/// A kernel of the vector cores, in front of `anchor`, that makes the matrix of windows of a convolution: each point of `axes`, in the memory `dense` without gaps, gets
/// what `from` names there, or zero. False if transfers cannot do it: steps between columns, windows that gather, too many parts.
bool emitImg2Col(AscendKernels &kernels, Operation *anchor, const Access &from, Value dense, ArrayRef<Axis> axes);

/// Takes the pointwise op after the product in, if it is what happens on the way out of L0C: a bias, relu, a conversion; in this order, each of them or not.
bool matchFixpipe(CubeProduct &product);

/// The tile with the least modelled time. Sizes are multiples of the rows and columns of a fractal.
CubeTile chooseTile(const CubeProduct &product, const ascend::Target &target);

/// The kernel, launched in front of the product's anchor. Blocks take tiles in turn; a tile is summed up along k in L0C, two pieces of its factors in L1.
void emitCubeKernel(AscendKernels &kernels, const CubeProduct &product, const CubeTile &tile);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOASCEND_CUBE_H
