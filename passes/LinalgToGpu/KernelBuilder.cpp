//===- KernelBuilder.cpp - one GPU kernel under construction --------------===//
#include "passes/LinalgToGpu/KernelBuilder.h"

#include "passes/GpuToLLVM/Passes.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/LoopPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace mlir::cell;

gpu::GPUModuleOp KernelModule::getOrCreate() {
  if (!kernels) {
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    kernels = gpu::GPUModuleOp::create(builder, module.getLoc(), "kernels");
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), builder.getUnitAttr());
  }
  return kernels;
}

std::string KernelModule::uniqueName(StringRef stem) {
  return (stem + "_" + Twine(names[stem]++)).str();
}

Value KernelModule::takeStart(linalg::LinalgOp op, unsigned number) {
  linalg::FillOp fill = findFill(op, op.getDpsInits()[number]);
  if (!fill)
    return nullptr;
  Value start = fill.getInputs()[0];
  taken.insert(fill);
  fill.erase();
  return start;
}

InFlightDiagnostic KernelModule::refuse(Location loc) {
  refused = true;
  return emitError(loc) << "stage " << stage << ": ";
}

Value cell::both(KernelBuilder &k, Value a, Value b) {
  return !a ? b : !b ? a : arith::AndIOp::create(k, a, b).getResult();
}

KernelBuilder::KernelBuilder(KernelModule &module, Operation *anchor, StringRef stem, ArrayRef<int64_t> block, const KernelForm *wanted)
    : ImplicitLocOpBuilder(anchor->getLoc(), anchor->getContext()), target(module.target), form(wanted ? wanted : module.form), module(module), anchor(anchor), size(block) {
  size.resize(3, 1);
  setInsertionPointToEnd(module.getOrCreate().getBody());
  if (form) {
    size.assign(3, 1);
    auto plain = func::FuncOp::create(*this, module.uniqueName(stem), getFunctionType({}, {}));
    plain->setAttrs(llvm::to_vector(llvm::concat<const NamedAttribute>(plain->getAttrs(), form->attributes)));
    setInsertionPointToStart(plain.addEntryBlock());
    setInsertionPoint(func::ReturnOp::create(*this));
    func = plain;
    if (!wanted && module.notePlain)
      module.notePlain(anchor, plain.getName());
  } else {
    auto kernel = gpu::GPUFuncOp::create(*this, module.uniqueName(stem), getFunctionType({}, {}));
    kernel.setKnownBlockSize(SmallVector<int32_t>(size.begin(), size.end()));
    setInsertionPointToStart(&kernel.getBody().front());
    setInsertionPoint(gpu::ReturnOp::create(*this));
    func = kernel;
  }
  func->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), getUnitAttr());
}

/// Creates a value in front of everything that is not of the entry.
template <typename Make>
Value KernelBuilder::atEntry(Make make) {
  OpBuilder::InsertionGuard guard(*this);
  if (entryEnd)
    setInsertionPointAfter(entryEnd);
  else
    setInsertionPointToStart(&func.getFunctionBody().front());
  Value value = make();
  if (Operation *def = value.getDefiningOp())
    entryEnd = def;
  return value;
}

Value KernelBuilder::use(Value outside) {
  if (Value known = captured.lookupOrNull(outside))
    return known;
  Value inside;
  Operation *def = outside.getDefiningOp();
  if (def && def->hasTrait<OpTrait::ConstantLike>()) {
    inside = atEntry([&] { return clone(*def)->getResult(0); });
  } else {
    unsigned number = arguments.size();
    Type type = outside.getType();
    if (auto buffer = dyn_cast<MemRefType>(type); buffer && form) {
      Type element = form->boolsAreBytes && buffer.getElementType().isInteger(1) ? getI8Type() : buffer.getElementType();
      type = MemRefType::get(buffer.getShape(), element, buffer.getLayout(), form->space);
    }
    LogicalResult added = func.insertArgument(number, type, {}, outside.getLoc());
    assert(succeeded(added));
    (void)added;
    arguments.push_back(outside);
    inside = func.getArgument(number);
  }
  captured.map(outside, inside);
  return inside;
}

Value KernelBuilder::flat(Value buffer) {
  if (Value known = rows.lookupOrNull(buffer))
    return known;
  Value inside = use(buffer);
  auto type = cast<MemRefType>(inside.getType());
  auto row = MemRefType::get({spanOf(type)}, type.getElementType(), MemRefLayoutAttrInterface(), type.getMemorySpace());
  Value value = inside;
  if (type != row)
    value = atEntry([&]() -> Value {
      if (type.getRank() == 0 && type.getLayout().isIdentity())
        return memref::ExpandShapeOp::create(*this, row, inside, ArrayRef<ReassociationIndices>());
      if (type.getLayout().isIdentity()) {
        ReassociationIndices all(type.getRank());
        std::iota(all.begin(), all.end(), 0);
        return memref::CollapseShapeOp::create(*this, row, inside, ArrayRef<ReassociationIndices>(all));
      }
      return memref::ReinterpretCastOp::create(*this, row, inside, 0, row.getShape(), ArrayRef<int64_t>{1});
    });
  rows.map(buffer, value);
  return value;
}

Value KernelBuilder::shared(ArrayRef<int64_t> shape, Type element) {
  auto space = gpu::AddressSpaceAttr::get(getContext(), gpu::AddressSpace::Workgroup);
  return cast<gpu::GPUFuncOp>(func.getOperation()).addWorkgroupAttribution(MemRefType::get(shape, element, MemRefLayoutAttrInterface(), space), getLoc());
}

Value KernelBuilder::dynamicShared(int64_t bytes) {
  auto space = gpu::AddressSpaceAttr::get(getContext(), gpu::AddressSpace::Workgroup);
  dynamicBytes = bytes;
  return atEntry([&]() -> Value { return gpu::DynamicSharedMemoryOp::create(*this, MemRefType::get({ShapedType::kDynamic}, getI8Type(), MemRefLayoutAttrInterface(), space)); });
}

Value KernelBuilder::tensorMap(Value buffer, ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides, MemRefType box) {
  auto numbers = [&](StringRef name, ArrayRef<int64_t> values) { return getNamedAttr(name, getDenseI64ArrayAttr(values)); };
  auto map = getDictionaryAttr({numbers("sizes", sizes), numbers("strides", strides), numbers("box", box.getShape())});
  // The same buffer may be an ordinary argument besides, or another map.
  unsigned number = arguments.size();
  LogicalResult added = func.insertArgument(number, buffer.getType(), getDictionaryAttr(getNamedAttr(kTensorMap, map)), buffer.getLoc());
  assert(succeeded(added));
  (void)added;
  arguments.push_back(buffer);
  auto type = nvgpu::TensorMapDescriptorType::get(getContext(), box, nvgpu::TensorMapSwizzleKind::SWIZZLE_128B, nvgpu::TensorMapL2PromoKind::L2PROMO_128B,
                                                  nvgpu::TensorMapOOBKind::OOB_ZERO, nvgpu::TensorMapInterleaveKind::INTERLEAVE_NONE);
  return atEntry([&]() -> Value { return UnrealizedConversionCastOp::create(*this, type, func.getArgument(number)).getResult(0); });
}

Operation *KernelBuilder::cloneInto(Operation &op, IRMapping &map) {
  Region *here = &func.getFunctionBody();
  op.walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!map.contains(operand) && !op.isAncestor(operand.getParentRegion()->getParentOp()) && !here->isAncestor(operand.getParentRegion()))
        map.map(operand, use(operand));
  });
  return clone(op, map);
}

Value KernelBuilder::thread(gpu::Dimension dim) {
  Value &id = ids[{0, static_cast<int>(dim)}];
  if (!id)
    id = size[static_cast<int>(dim)] == 1 ? index(0) : atEntry([&]() -> Value { return gpu::ThreadIdOp::create(*this, dim); });
  return id;
}

Value KernelBuilder::block(gpu::Dimension dim) {
  Value &id = ids[{1, static_cast<int>(dim)}];
  if (!id)
    id = form && dim != gpu::Dimension::x ? index(0) : atEntry([&]() -> Value { return form ? form->block(*this, getLoc()) : gpu::BlockIdOp::create(*this, dim).getResult(); });
  return id;
}

Value KernelBuilder::index(int64_t value) {
  Value &constant = constants[value];
  if (!constant)
    constant = atEntry([&]() -> Value { return arith::ConstantIndexOp::create(*this, value); });
  return constant;
}

static std::optional<int64_t> known(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

Value KernelBuilder::add(Value a, Value b) {
  std::optional<int64_t> x = known(a), y = known(b);
  if (x && y)
    return index(*x + *y);
  if (x == 0)
    return b;
  if (y == 0)
    return a;
  return arith::AddIOp::create(*this, a, b);
}

Value KernelBuilder::mul(Value a, int64_t b) {
  if (std::optional<int64_t> x = known(a))
    return index(*x * b);
  if (b == 0 || b == 1)
    return b ? a : index(0);
  return arith::MulIOp::create(*this, a, index(b));
}

Value KernelBuilder::less(Value a, Value b) { return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, a, b); }

Value KernelBuilder::smaller(Value a, Value b) { return arith::MinSIOp::create(*this, a, b); }

/// Numbers below `bound` divided by `divisor` are (number * factor) >> shift in 32 bits; nothing if there is no such factor.
static std::optional<std::pair<uint32_t, unsigned>> reciprocal(uint64_t divisor, uint64_t bound) {
  for (unsigned shift = 0; shift < 32; ++shift) {
    uint64_t power = uint64_t(1) << shift, factor = (power + divisor - 1) / divisor, excess = factor * divisor - power;
    if ((bound - 1) * factor > INT32_MAX)
      return std::nullopt;
    if (excess * (bound - 1) < power)
      return std::make_pair(uint32_t(factor), shift);
  }
  return std::nullopt;
}

KernelBuilder::Values KernelBuilder::delinearize(Value linear, ArrayRef<int64_t> sizes) {
  Values position(sizes.size(), index(0));
  int64_t total = 1;
  for (int64_t extent : sizes)
    total *= extent;
  // Division is slow in 64 bits.
  bool narrow = total <= INT32_MAX;
  auto toIndex = [&](Value value) -> Value { return narrow ? arith::IndexCastUIOp::create(*this, getIndexType(), value).getResult() : value; };
  Value rest = linear;
  bool converted = false;
  for (unsigned d = sizes.size(); d-- > 0;) {
    bool isLast = llvm::all_of(sizes.take_front(d), [](int64_t extent) { return extent == 1; });
    if (sizes[d] == 1)
      continue;
    if (isLast) {
      position[d] = converted ? toIndex(rest) : rest;
      break;
    }
    if (narrow && !converted)
      rest = arith::IndexCastUIOp::create(*this, getI32Type(), rest);
    converted = narrow;
    Value extent = narrow ? arith::ConstantIntOp::create(*this, sizes[d], 32).getResult() : index(sizes[d]);
    // LLVM would narrow a division of small numbers to 8 or 16 bits, which a GPU does not have: three times the instructions. Positions behind the box are
    // divided as well (the last tile of a product), up to twice its size and a tile.
    if (auto by = narrow && !form && !llvm::isPowerOf2_64(sizes[d]) ? reciprocal(sizes[d], 2 * total + 256) : std::nullopt) {
      Value product = arith::MulIOp::create(*this, rest, arith::ConstantIntOp::create(*this, by->first, 32));
      Value quotient = arith::ShRUIOp::create(*this, product, arith::ConstantIntOp::create(*this, by->second, 32));
      position[d] = toIndex(arith::SubIOp::create(*this, rest, arith::MulIOp::create(*this, quotient, extent)));
      rest = quotient;
      continue;
    }
    position[d] = toIndex(arith::RemUIOp::create(*this, rest, extent));
    rest = arith::DivUIOp::create(*this, rest, extent);
  }
  return position;
}

void KernelBuilder::loop(Value from, Value to, Value step, llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*this, from, to, step);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

KernelBuilder::Values KernelBuilder::loop(Value from, Value to, Value step, ValueRange carried, llvm::function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, from, to, step, carried);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(*this, next);
  return loop.getResults();
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
}

int64_t KernelBuilder::gridFor(int64_t count) const {
  // Threads of a full device take several points each before more blocks would help.
  return std::clamp<int64_t>(llvm::divideCeil(count, threads()), 1, 2 * target.wave(threads()));
}

void KernelBuilder::forEach(int64_t count, llvm::function_ref<void(Value)> body) {
  int64_t grid = gridFor(count), all = grid * threads();
  Value first = grid == 1 ? thread() : add(mul(block(), threads()), thread());
  if (all < count)
    loop(first, index(count), index(all), body);
  else if (all == count)
    body(first);
  else
    when(less(first, index(count)), [&] { body(first); });
}
