//===- Check.cpp - what the op verifiers of the ascend dialect share -------===//
#include "dialect/Ascend/Check.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::ascend;

unsigned ascend::elementOf(Type type) {
  if (type.isF16())
    return kF16;
  if (type.isBF16())
    return kBF16;
  if (type.isF32())
    return kF32;
  if (!type.isSignlessInteger())
    return 0;
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return kI1;
  case 8:
    return kI8;
  case 16:
    return kI16;
  case 32:
    return kI32;
  case 64:
    return kI64;
  }
  return 0;
}

static std::string elementNames(unsigned elements) {
  SmallVector<StringRef> names;
  for (auto [bit, name] : std::initializer_list<std::pair<unsigned, StringRef>>{
           {kF32, "f32"}, {kF16, "f16"}, {kBF16, "bf16"}, {kI64, "i64"}, {kI32, "i32"}, {kI16, "i16"}, {kI8, "i8"}, {kI1, "i1"}})
    if (elements & bit)
      names.push_back(name);
  return llvm::join(names, ", ");
}

bool Check::error(const Twine &text) const {
  op->emitOpError() << text;
  return false;
}

bool Check::onCore(Core core) const {
  auto function = op->getParentOfType<FunctionOpInterface>();
  if (!function)
    return true;
  std::optional<Core> actual = getCore(op);
  if (!actual)
    return error("is in a function without '" + Twine(kCoreAttr) + "'; give the kernel " + kCoreAttr + " = #ascend.core<" + stringifyCore(core) + ">");
  return *actual == core || error("runs on a core of kind " + stringifyCore(core) + ", but its kernel is for " + stringifyCore(*actual) + "; make two kernels that meet in global memory");
}

bool Check::buffer(Value value, StringRef name, Space space, unsigned elements) const {
  auto type = dyn_cast<MemRefType>(value.getType());
  if (!type)
    return error("needs a memref as " + name);
  std::optional<Space> actual = getSpace(type);
  if (actual != space) {
    std::string text;
    llvm::raw_string_ostream(text) << "needs its " << name << " in space " << stringifySpace(space) << ", got " << type;
    return error(text);
  }
  if (!(elementOf(type.getElementType()) & elements)) {
    std::string text;
    llvm::raw_string_ostream(text) << "takes " << elementNames(elements) << " as element type of its " << name << ", got " << type.getElementType()
                                   << "; cast before, or run it on the general cores (aicpu)";
    return error(text);
  }
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return error("needs a strided memref as " + name);
  if (type.getRank() == 0 || space == Space::GM) {
    if (type.getRank() && type.getShape().back() != 1 && strides.back() != 1)
      return error("needs stride 1 along the last axis of its " + name);
    return true;
  }
  // Rows start at multiples of the alignment; a column without gaps counts as one row.
  int64_t bytes = getElementBytes(type.getElementType());
  int64_t align = space == Space::UB ? target.ub_align : target.block_bytes;
  if (!ShapedType::isDynamic(offset) && offset * bytes % align)
    return error("needs its " + name + " to start at a multiple of " + Twine(align) + " bytes in " + stringifySpace(space));
  bool innermost = true;
  for (int64_t axis = type.getRank() - 1; axis >= 0; --axis) {
    int64_t size = type.getDimSize(axis), stride = strides[axis];
    if (size == 1 || size == 0)
      continue;
    bool last = axis == type.getRank() - 1;
    if (ShapedType::isDynamic(stride))
      return error("needs its " + name + " in a buffer with rows of a static size: allocate the full tile and take memref.subview of it");
    if (last && stride != 1)
      return error("needs stride 1 along the last axis of its " + name);
    if (!last && stride * bytes % align && !(innermost && stride == 1))
      return error("needs rows of its " + name + " to start at multiples of " + Twine(align) + " bytes, but axis " + Twine(axis) + " has a pitch of " + Twine(stride * bytes) +
                   "; allocate longer rows and take memref.subview of them");
    innermost = false;
  }
  return true;
}

bool Check::shape(Value value, StringRef name, Value out, bool repeats) const {
  MemRefType type = bufferType(value), expected = bufferType(out);
  bool good = type.getRank() == expected.getRank();
  for (auto [size, other] : llvm::zip(type.getShape(), expected.getShape()))
    good &= sizesAgree(size, other) || (repeats && size == 1);
  if (good)
    return true;
  std::string text;
  llvm::raw_string_ostream(text) << "needs its " << name << (repeats ? " in the shape of its output, or with size 1" : " in the shape of its output") << ", got " << type << " for " << expected;
  return error(text);
}

bool Check::sameElement(Value value, StringRef name, Value out) const {
  Type type = getElementTypeOrSelf(value.getType()), expected = bufferType(out).getElementType();
  if (type == expected)
    return true;
  std::string text;
  llvm::raw_string_ostream(text) << "needs its " << name << " in the element type of its output, " << expected << ", got " << type << "; cast with ascend.vcast";
  return error(text);
}

bool Check::fractal(Value value, StringRef name, Space space, unsigned elements) const {
  if (!buffer(value, name, space, elements))
    return false;
  MemRefType type = bufferType(value);
  int64_t columns = space == Space::L0C ? target.fractal_rows : target.getFractalColumns(type.getElementType());
  if (type.getRank() == 4 && type.getDimSize(2) == target.fractal_rows && type.getDimSize(3) == columns)
    return true;
  std::string text;
  llvm::raw_string_ostream(text) << "needs fractals as its " << name << ": memref<?x?x" << target.fractal_rows << "x" << columns << "x" << type.getElementType() << ">, got " << type;
  return error(text);
}
