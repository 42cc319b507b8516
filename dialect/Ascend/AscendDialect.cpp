//===- AscendDialect.cpp - registration, attributes, memory and flags ------===//
#include "dialect/Ascend/Check.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::ascend;

#include "dialect/Ascend/AscendDialect.cpp.inc"
#include "dialect/Ascend/AscendEnums.cpp.inc"
#include "dialect/Ascend/AscendInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/Ascend/AscendAttrs.cpp.inc"

void AscendDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/Ascend/AscendOps.cpp.inc"
      ,
#define GET_OP_LIST
#include "dialect/Ascend/AscendVectorOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/Ascend/AscendAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef chip, DictionaryAttr overrides) {
  Target target;
  return success(Target::parse(chip, overrides, target, [&](const std::string &reason) { emitError() << reason; }));
}

Target TargetAttr::getTarget() const {
  Target target;
  Target::parse(getChip(), getOverrides(), target, [](const std::string &) {});
  return target;
}

LogicalResult AscendDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  auto positive = [&](int64_t most) {
    auto number = dyn_cast<IntegerAttr>(value);
    return number && number.getType().isInteger(64) && number.getInt() >= 1 && number.getInt() <= most;
  };
  if (name == kTargetAttr)
    return isa<TargetAttr>(value) ? success() : op->emitError() << "'" << name << "' is a target, such as #ascend.target<\"" << Target::kDefaultChip << "\">";
  if (name == kCoreAttr) {
    if (!isa<CoreAttr>(value) || !isa<FunctionOpInterface>(op))
      return op->emitError() << "'" << name << "' is #ascend.core<aic>, <aiv> or <aicpu>, on a function";
    return success();
  }
  if (name == kBlockDimAttr) {
    if (!positive(INT32_MAX))
      return op->emitError() << "'" << name << "' is an i64 of at least 1";
    auto core = op->getAttrOfType<CoreAttr>(kCoreAttr);
    if (!core)
      return op->emitError() << "has '" << name << "', but no '" << kCoreAttr << "'";
    Target target = Target::get(op);
    int64_t cores = core.getValue() == Core::AIC ? target.aic_cores : target.aiv_cores;
    int64_t blocks = cast<IntegerAttr>(value).getInt();
    if (core.getValue() != Core::AICPU && blocks > cores)
      return op->emitError() << "asks for " << blocks << " cores, but " << target.chip << " has " << cores << " of kind "
                             << stringifyCore(core.getValue()) << "; loop over the rest inside the kernel";
    return success();
  }
  if (name == kScratchAttr) {
    auto offset = dyn_cast<IntegerAttr>(value);
    if (!offset || !offset.getType().isInteger(64) || !isa<AscendPipeOpInterface>(op))
      return op->emitError() << "'" << name << "' is an i64, on an op of the vector unit";
    Target target = Target::get(op);
    // Room for it is checked by the op, behind its shapes: those of a wrong op say nothing.
    if (offset.getInt() < 0 || offset.getInt() % target.ub_align)
      return op->emitError() << "'" << name << "' is a multiple of " << target.ub_align << ", got " << offset.getInt();
    return success();
  }
  if (name == kMultiBufferAttr)
    return positive(16) && op->getName().getStringRef() == "memref.alloc" ? success() : op->emitError() << "'" << name << "' is an i64 from 1 to 16, on memref.alloc";
  return success();
}

//===----------------------------------------------------------------------===//
// Types and functions
//===----------------------------------------------------------------------===//

std::optional<Space> ascend::getSpace(Type type) {
  if (auto memref = dyn_cast<MemRefType>(type))
    if (auto space = dyn_cast_or_null<SpaceAttr>(memref.getMemorySpace()))
      return space.getValue();
  return std::nullopt;
}

int64_t ascend::getElementBytes(Type type) {
  if (type.isIndex())
    return 8;
  return type.isIntOrFloat() ? llvm::divideCeil(type.getIntOrFloatBitWidth(), 8) : 1;
}

int64_t ascend::getBufferBytes(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset, last = 0;
  if (type.getNumElements() == 0)
    return 0;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return 0;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    last += (size - 1) * stride;
  return (last + 1) * getElementBytes(type.getElementType());
}

std::optional<Core> ascend::getCore(Operation *op) {
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    if (auto core = function->getAttrOfType<CoreAttr>(kCoreAttr))
      return core.getValue();
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

SmallVector<Value> ascend::detail::getReads(Operation *op, bool accumulates) {
  SmallVector<Value> reads;
  for (Value operand : op->getOperands().drop_back(accumulates ? 0 : 1))
    if (isa<MemRefType>(operand.getType()))
      reads.push_back(operand);
  return reads;
}

bool ascend::detail::mayBeFalse(Value flag) { return !matchPattern(flag, m_One()); }

void ascend::detail::getPipeOpEffects(AscendPipeOpInterface op, SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool output = operand.getOperandNumber() + 1 == op->getNumOperands();
    if (!output || op.accumulates())
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (output)
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

//===----------------------------------------------------------------------===//
// Addresses, flags and barriers
//===----------------------------------------------------------------------===//

static LogicalResult checkSlot(Operation *op, StringRef what, size_t count, Value slot) {
  if (count == 0)
    return op->emitOpError() << "needs at least one " << what;
  if ((count > 1) != static_cast<bool>(slot))
    return op->emitOpError() << "has " << count << " " << what << (count == 1 ? "" : "s") << (slot ? " and a slot; leave the slot out" : ", so it needs a slot that chooses");
  return success();
}

LogicalResult AddressOp::verify() {
  auto type = cast<MemRefType>(getType());
  std::optional<Space> space = getSpace(type);
  if (!space || *space == Space::GM)
    return emitOpError("gives a buffer in a space of a core (ub, l1, l0a, l0b, l0c or bt), not ") << type;
  if (!type.hasStaticShape() || !type.getLayout().isIdentity())
    return emitOpError("gives a whole buffer: static sizes and no layout, not ") << type << "; take memref.subview of it";
  if (failed(checkSlot(*this, "offset", getOffsets().size(), getSlot())))
    return failure();
  Target target = Target::get(*this);
  int64_t align = target.getAlign(*space), bytes = getBufferBytes(type), capacity = target.getBytes(*space);
  for (int64_t offset : getOffsets()) {
    if (offset < 0 || offset % align)
      return emitOpError("has offset ") << offset << ", but buffers in " << stringifySpace(*space) << " start at multiples of " << align << " bytes";
    if (offset > capacity - bytes)
      return emitOpError("ends at byte ") << uint64_t(offset) + uint64_t(bytes) << " of " << stringifySpace(*space) << ", which has " << capacity << " bytes; use smaller tiles";
  }
  return success();
}

static ParseResult parsePipePair(OpAsmParser &parser, PipeAttr &source, PipeAttr &target) {
  auto pipe = [&](PipeAttr &attribute) -> ParseResult {
    FailureOr<Pipe> pipe = FieldParser<Pipe>::parse(parser);
    if (failed(pipe))
      return failure();
    attribute = PipeAttr::get(parser.getContext(), *pipe);
    return success();
  };
  return failure(parser.parseLess() || pipe(source) || parser.parseComma() || pipe(target) || parser.parseGreater());
}

static void printPipePair(OpAsmPrinter &printer, Operation *, PipeAttr source, PipeAttr target) {
  printer << "<" << stringifyPipe(source.getValue()) << ", " << stringifyPipe(target.getValue()) << ">";
}

/// True if the kind of core has the pipe.
static bool hasPipe(Core core, Pipe pipe) {
  if (core == Core::AICPU)
    return false;
  if (pipe == Pipe::V)
    return core == Core::AIV;
  if (pipe == Pipe::M || pipe == Pipe::MTE1 || pipe == Pipe::FIX)
    return core == Core::AIC;
  return true;
}

static LogicalResult checkPipe(Operation *op, Pipe pipe) {
  std::optional<Core> core = getCore(op);
  if (core && !hasPipe(*core, pipe))
    return op->emitOpError() << "names pipe " << stringifyPipe(pipe) << ", which a core of kind " << stringifyCore(*core) << " does not have";
  return success();
}

template <typename FlagOp>
static LogicalResult checkFlag(FlagOp op) {
  if (op.getSource() == Pipe::ALL || op.getTarget() == Pipe::ALL)
    return op.emitOpError("is between two pipes; for all of them use ascend.barrier <all>");
  if (op.getSource() == op.getTarget())
    return op.emitOpError("is from pipe ") << stringifyPipe(op.getSource()) << " to itself; to order the work of one pipe use ascend.barrier <"
                                           << stringifyPipe(op.getSource()) << ">";
  if (failed(checkPipe(op, op.getSource())) || failed(checkPipe(op, op.getTarget())) || failed(checkSlot(op, "flag", op.getIds().size(), op.getSlot())))
    return failure();
  int64_t count = Target::get(op).event_ids;
  for (int64_t id : op.getIds())
    if (id < 0 || id >= count)
      return op.emitOpError("has flag ") << id << ", but a pair of pipes has the flags 0 to " << count - 1;
  return success();
}

LogicalResult SetFlagOp::verify() { return checkFlag(*this); }
LogicalResult WaitFlagOp::verify() { return checkFlag(*this); }
LogicalResult BarrierOp::verify() { return checkPipe(*this, getPipe()); }

#define GET_OP_CLASSES
#include "dialect/Ascend/AscendOps.cpp.inc"
