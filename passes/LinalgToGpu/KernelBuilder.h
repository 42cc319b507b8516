//===- KernelBuilder.h - one GPU kernel under construction ----------------===//
#ifndef CELL_PASSES_LINALGTOGPU_KERNELBUILDER_H
#define CELL_PASSES_LINALGTOGPU_KERNELBUILDER_H

#include "passes/LinalgToGpu/GpuTarget.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringMap.h"

#include <functional>

namespace mlir::cell {

/// How kernels look on a device whose kernels are no `gpu.func` of many threads: `func.func`s of one thread per block.
struct KernelForm {
  Attribute space;                        // memory space of buffers in arguments
  SmallVector<NamedAttribute> attributes; // of the function
  StringRef blocks;                       // name of the attribute that says the number of blocks
  Value (*block)(OpBuilder &, Location);  // the number of this block
  bool boolsAreBytes = false;             // an argument of bools has the type of bytes
};

/// The `gpu.module @kernels` of a program, made with its first kernel.
class KernelModule {
public:
  KernelModule(ModuleOp module, const GpuTarget &target, const KernelForm *form = nullptr, const ProductPolicy &policy = {})
      : target(target), policy(policy), form(form), module(module) {}
  const GpuTarget target;
  const ProductPolicy policy;
  /// The form of kernels that do not ask for another one; null for kernels of a GPU.
  const KernelForm *const form;
  /// True if kernels have one thread: mappings then write plain loops.
  bool isPlain() const { return form; }
  StringRef stage = "linalg-to-gpu-kernels"; // for messages
  /// Told of each kernel of that form, if set.
  std::function<void(Operation *anchor, StringRef name)> notePlain;

  gpu::GPUModuleOp getOrCreate();
  std::string uniqueName(StringRef stem);
  /// Gives the number of the last name of `stem` back.
  void forgetName(StringRef stem) { --names[stem]; }

  /// The scalar that output `number` of `op` starts from, if a fill gives it and nothing else sees that; the fill is gone then. Null otherwise. For mappings
  /// that read each old value once at most.
  Value takeStart(linalg::LinalgOp op, unsigned number);
  /// Whoever lowers ops of a list calls this when the list is made: what was taken before is not in it, but an op that is may have the address of a fill that is gone.
  void forgetTaken() { taken.clear(); }
  /// True for a fill of that list that a mapping has taken, and so erased.
  bool isTaken(Operation *fill) const { return taken.contains(fill); }

  /// Reports that a kernel is more than a device can take; the pass fails in the end.
  InFlightDiagnostic refuse(Location loc);
  bool hasRefused() const { return refused; }

private:
  ModuleOp module;
  gpu::GPUModuleOp kernels;
  llvm::StringMap<unsigned> names;
  llvm::SmallPtrSet<Operation *, 16> taken;
  bool refused = false;
};

/// A kernel, and an op builder that stands inside it. A mapping works like this:
///
///   KernelBuilder k(module, op, "scale", {256});          // 256 threads a block; launched in front of `op`
///   Value x = k.flat(op->getOperand(0));                  // the buffer inside the kernel, as one row of elements
///   k.forEach(count, [&](Value i) { ... });               // i runs over [0, count), divided among all threads of the grid
///   k.launch({k.gridFor(count)});
///
/// Arguments come into being at first use (`use`, `flat`): buffers and scalars of the host are passed, constants repeated inside. A kernel argument
/// has the type of the host's value. As everywhere behind bufferisation, a memref is the address of its first element: the offset of its type is
/// already in it. All buffers have static shapes and strides. Everything is created where the builder stands; `entry` values (thread ids, views of
/// arguments, constants) at the top of the kernel, where they dominate all.
class KernelBuilder : public ImplicitLocOpBuilder {
public:
  using Values = SmallVector<Value>;
  /// From the elements `a` and `b` of two partial results the combined one, created where the builder stands.
  using Combine = llvm::function_ref<Values(ValueRange a, ValueRange b)>;

  KernelBuilder(KernelModule &module, Operation *anchor, StringRef stem, ArrayRef<int64_t> block, const KernelForm *form = nullptr);

  const GpuTarget &target;
  const KernelForm *const form;
  int64_t threads() const { return size[0] * size[1] * size[2]; }

  /// The value of the kernel for `outside`, a value of the host.
  Value use(Value outside);
  /// What `outside` is inside, from here on: for what the kernel computes itself.
  void bind(Value outside, Value inside) { captured.map(outside, inside); }
  /// The buffer as `memref<span x T>`: elements numbered from its first one in memory order, gaps included.
  Value flat(Value buffer);
  /// Static shared memory of the block.
  Value shared(ArrayRef<int64_t> shape, Type element);
  /// Shared memory of the block beyond what is static, aligned to 1024 bytes: all of it. A kernel has no static one then.
  Value dynamicShared(int64_t bytes);
  /// An argument that is the tensor map of `buffer`, from which boxes of `box` elements (its type is that of a tile in shared memory) are copied; all
  /// outermost first.
  Value tensorMap(Value buffer, ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides, MemRefType box);
  /// A copy of `op`, whose operands from outside the kernel become arguments.
  Operation *cloneInto(Operation &op, IRMapping &map);

  Value thread(gpu::Dimension dim = gpu::Dimension::x);
  Value block(gpu::Dimension dim = gpu::Dimension::x);
  Value index(int64_t value);
  /// Sums and products of indices, folded where they are known.
  Value add(Value a, Value b);
  Value mul(Value a, int64_t b);
  Value less(Value a, Value b);
  Value smaller(Value a, Value b);
  /// `linear` as a position in a box of `sizes`, last dimension fastest.
  Values delinearize(Value linear, ArrayRef<int64_t> sizes);

  void loop(Value from, Value to, Value step, llvm::function_ref<void(Value)> body);
  Values loop(Value from, Value to, Value step, ValueRange carried, llvm::function_ref<Values(Value, ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> body);

  /// Blocks for `count` points, one per thread, no more than keep the device busy.
  int64_t gridFor(int64_t count) const;
  /// Visits [0, count) with all threads of a grid of `gridFor(count)` blocks along x.
  void forEach(int64_t count, llvm::function_ref<void(Value)> body);

  /// The value of the lane `lane ^ mask`, of any element type (only i32 and f32 are shuffled).
  Value shuffleXor(Value value, int64_t mask);
  /// Combines over groups of `width` neighbouring lanes (a power of two up to a warp); every lane gets the result.
  Values reduceWarp(ValueRange values, int64_t width, Combine combine);
  /// Combines over all threads of a one-dimensional block, in the same order at each run; every thread gets the result. All threads must come here.
  Values reduceBlock(ValueRange values, Combine combine);
  void barrier();

  /// Ends the kernel and launches it with this many blocks. Refused by the module if the grid or the shared memory is beyond what every device has.
  void launch(ArrayRef<int64_t> grid);

  FunctionOpInterface function() { return func; }

private:
  template <typename Make>
  Value atEntry(Make make);
  bool fits(ArrayRef<int64_t> blocks);
  /// Says which buffers are only read, and which no other one overlaps.
  void markArguments();

  KernelModule &module;
  Operation *anchor;
  SmallVector<int64_t> size;
  FunctionOpInterface func;
  Operation *entryEnd = nullptr; // the last op of the entry
  int64_t dynamicBytes = 0;
  IRMapping captured, rows;
  SmallVector<Value> arguments;
  llvm::SmallDenseMap<int64_t, Value> constants;
  llvm::SmallDenseMap<std::pair<int, int>, Value> ids;
  llvm::SmallDenseMap<Type, SmallVector<Value>> exchange; // shared memory of block reductions
};

/// a and b, either of which may be null for "true".
Value both(KernelBuilder &k, Value a, Value b);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_KERNELBUILDER_H
