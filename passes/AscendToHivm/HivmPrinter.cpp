//===- HivmPrinter.cpp - functions, control flow, memory and flags ---------===//
#include "passes/AscendToHivm/HivmPrinter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::ascend;

std::optional<HivmForm> ascend::parseHivmForm(StringRef name) {
  if (name == "auto")
    return HivmForm::Auto;
  if (name == "planned")
    return HivmForm::Planned;
  return std::nullopt;
}

FailureOr<std::string> ascend::printHivm(ModuleOp module, HivmForm form) {
  std::string text;
  WalkResult result = module.walk([&](FunctionOpInterface kernel) {
    auto core = kernel->getAttrOfType<CoreAttr>(kCoreAttr);
    if (!core || kernel.isExternal())
      return WalkResult::skip();
    if (core.getValue() == Core::AICPU)
      text += "// " + kernel.getName().str() + " runs on the general cores (aicpu), for which HIVM has no form.\n";
    else if (failed(HivmPrinter(kernel, form).print(text)))
      return WalkResult::interrupt();
    return WalkResult::skip();
  });
  if (result.wasInterrupted())
    return failure();
  return text;
}

std::string ascend::withVendorSpaces(std::string text) {
  static constexpr std::pair<StringRef, StringRef> names[] = {{"gm", "gm"}, {"ub", "ub"}, {"l1", "cbuf"}, {"l0a", "ca"}, {"l0b", "cb"}, {"l0c", "cc"}};
  for (auto [ours, theirs] : names) {
    std::string from = ("#ascend.space<" + ours + ">").str(), to = ("#hivm.address_space<" + theirs + ">").str();
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Lines and names
//===----------------------------------------------------------------------===//

HivmPrinter::HivmPrinter(FunctionOpInterface kernel, HivmForm form)
    : kernel(kernel), form(form), target(Target::get(kernel)), state(kernel, OpPrintingFlags().useLocalScope()) {}

void HivmPrinter::line(const Twine &content) {
  text->append(2 * depth, ' ');
  text->append(content.str());
  text->push_back('\n');
}

std::string HivmPrinter::name(Value value) {
  std::string result;
  llvm::raw_string_ostream stream(result);
  value.printAsOperand(stream, state);
  return result;
}

std::string HivmPrinter::resultNames(Operation *op) {
  if (op->getNumResults() == 0)
    return "";
  std::string first = name(op->getResult(0));
  if (op->getNumResults() > 1)
    first = first.substr(0, first.find('#')) + ":" + std::to_string(op->getNumResults());
  return first + " = ";
}

std::string HivmPrinter::type(Type type) {
  std::string result;
  llvm::raw_string_ostream(result) << type;
  return withVendorSpaces(std::move(result));
}

std::string HivmPrinter::types(TypeRange list) {
  return llvm::join(llvm::map_range(list, [&](Type each) { return type(each); }), ", ");
}

std::string HivmPrinter::define(const Twine &content) {
  std::string result = "%hivm_" + std::to_string(fresh++);
  line(result + " = " + content);
  return result;
}

std::string HivmPrinter::constant(int64_t value, StringRef type) { return define("arith.constant " + Twine(value) + " : " + type); }

std::string HivmPrinter::choose(ArrayRef<std::string> values, Value slot, StringRef type) {
  if (values.size() == 1)
    return values[0];
  std::string index = define("arith.remui " + name(slot) + ", " + constant(values.size(), "index") + " : index");
  std::string chosen = values.back();
  for (size_t i = values.size() - 1; i-- > 0;) {
    std::string here = define("arith.cmpi eq, " + index + ", " + constant(i, "index") + " : index");
    chosen = define("arith.select " + here + ", " + values[i] + ", " + chosen + " : " + type);
  }
  return chosen;
}

//===----------------------------------------------------------------------===//
// Functions and control flow
//===----------------------------------------------------------------------===//

LogicalResult HivmPrinter::print(std::string &result) {
  text = &result;
  kernel.walk([&](AddressOp op) {
    if (getSpace(op.getResult()) == Space::UB)
      for (int64_t offset : op.getOffsets())
        plannedUb = std::max(plannedUb, offset + getBufferBytes(cast<MemRefType>(op.getType())));
  });
  Region &body = kernel.getFunctionBody();
  if (!body.hasOneBlock())
    return kernel.emitError("has branches, for which HIVM has no form; use scf.if and scf.for");
  std::string arguments = llvm::join(llvm::map_range(body.getArguments(), [&](Value argument) { return name(argument) + ": " + type(argument.getType()); }), ", ");
  StringRef core = kernel->getAttrOfType<CoreAttr>(kCoreAttr).getValue() == Core::AIV ? "AIV" : "AIC";
  result += "func.func @" + kernel.getName().str() + "(" + arguments + ")\n    attributes {hacc.entry, hacc.function_kind = #hacc.function_kind<DEVICE>, " +
            "hivm.func_core_type = #hivm.func_core_type<" + core.str() + ">} {\n";
  if (failed(printBlock(body.front(), /*isFunction=*/true)))
    return failure();
  result += "}\n";
  return success();
}

LogicalResult HivmPrinter::printBlock(Block &block, bool isFunction) {
  for (Operation &op : block.without_terminator())
    if (failed(printOp(&op)))
      return failure();
  if (isFunction) {
    // Our kernels end when all pipes have; theirs say so.
    if (form == HivmForm::Planned)
      line("hivm.hir.pipe_barrier[<PIPE_ALL>]");
    line("return");
  } else if (Operation *yield = block.getTerminator(); yield->getNumOperands())
    line("scf.yield " + llvm::join(llvm::map_range(yield->getOperands(), [&](Value value) { return name(value); }), ", ") + " : " + types(yield->getOperandTypes()));
  return success();
}

LogicalResult HivmPrinter::printFor(Operation *op) {
  auto loop = cast<scf::ForOp>(op);
  std::string head = resultNames(op) + "scf.for " + name(loop.getInductionVar()) + " = " + name(loop.getLowerBound()) + " to " + name(loop.getUpperBound()) + " step " +
                     name(loop.getStep());
  if (!loop.getInits().empty()) {
    SmallVector<std::string> carried;
    for (auto [argument, init] : llvm::zip_equal(loop.getRegionIterArgs(), loop.getInits()))
      carried.push_back(name(argument) + " = " + name(init));
    head += " iter_args(" + llvm::join(carried, ", ") + ") -> (" + types(op->getResultTypes()) + ")";
  }
  if (!loop.getInductionVar().getType().isIndex())
    head += " : " + type(loop.getInductionVar().getType());
  line(head + " {");
  ++depth;
  if (failed(printBlock(*loop.getBody())))
    return failure();
  --depth;
  line("}");
  return success();
}

LogicalResult HivmPrinter::printIf(Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  std::string head = resultNames(op) + "scf.if " + name(branch.getCondition());
  if (op->getNumResults())
    head += " -> (" + types(op->getResultTypes()) + ")";
  line(head + " {");
  ++depth;
  if (failed(printBlock(*branch.thenBlock())))
    return failure();
  --depth;
  if (branch.elseBlock()) {
    line("} else {");
    ++depth;
    if (failed(printBlock(*branch.elseBlock())))
      return failure();
    --depth;
  }
  line("}");
  return success();
}

LogicalResult HivmPrinter::printOp(Operation *op) {
  if (isa<scf::ForOp>(op))
    return printFor(op);
  if (isa<scf::IfOp>(op))
    return printIf(op);
  if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
    if (form == HivmForm::Planned)
      return op->emitError("has no address; run --ascend-plan-memory, or print the form 'auto'");
    auto copies = op->getAttrOfType<IntegerAttr>(kMultiBufferAttr);
    return printAlloc(op, copies ? copies.getInt() : 1);
  }
  if (auto address = dyn_cast<AddressOp>(op))
    return printAddress(address);
  if (isa<BlockIdxOp, BlockNumOp>(op)) {
    std::string number = define(isa<BlockIdxOp>(op) ? "hivm.hir.get_block_idx -> i64" : "hivm.hir.get_block_num -> i64");
    line(resultNames(op) + "arith.index_cast " + number + " : i64 to index");
    return success();
  }
  if (auto flag = dyn_cast<SetFlagOp>(op))
    return printFlag("set_flag", flag.getSourceAttr(), flag.getTargetAttr(), flag.getIds(), flag.getSlot());
  if (auto flag = dyn_cast<WaitFlagOp>(op))
    return printFlag("wait_flag", flag.getSourceAttr(), flag.getTargetAttr(), flag.getIds(), flag.getSlot());
  if (auto barrier = dyn_cast<BarrierOp>(op)) {
    if (form == HivmForm::Planned)
      line("hivm.hir.pipe_barrier[<PIPE_" + stringifyPipe(barrier.getPipe()).upper() + ">]");
    return success();
  }
  if (isa<AscendPipeOpInterface>(op))
    return printPipeOp(op);
  StringRef dialect = op->getName().getDialectNamespace();
  bool known = dialect == "arith" || dialect == "affine" || dialect == "memref";
  if (!known || op->getNumRegions())
    return op->emitError("'") << op->getName() << "' has no form in HIVM; a kernel is made of ascend, arith, scf.for, scf.if and memref ops";
  std::string content;
  llvm::raw_string_ostream stream(content);
  op->print(stream, state);
  line(withVendorSpaces(std::move(content)));
  return success();
}

//===----------------------------------------------------------------------===//
// Memory and flags
//===----------------------------------------------------------------------===//

LogicalResult HivmPrinter::printAlloc(Operation *op, int64_t copies) {
  Value buffer = op->getResult(0);
  line(name(buffer) + " = memref.alloc() : " + type(buffer.getType()));
  if (copies > 1)
    line("annotation.mark " + name(buffer) + " {hivm.multi_buffer = " + Twine(copies) + " : i32} : " + type(buffer.getType()));
  return success();
}

LogicalResult HivmPrinter::printAddress(AddressOp op) {
  if (form == HivmForm::Auto)
    return printAlloc(op, op.getOffsets().size());
  std::string kind = type(op.getType());
  SmallVector<std::string> places;
  for (int64_t offset : op.getOffsets()) {
    std::string start = constant(offset, "i64");
    if (op.getOffsets().size() == 1) {
      line(name(op.getResult()) + " = hivm.hir.pointer_cast(" + start + ") : " + kind);
      return success();
    }
    places.push_back(define("hivm.hir.pointer_cast(" + start + ") : " + kind));
  }
  std::string chosen = choose(places, op.getSlot(), kind);
  // The last line of `choose` is the buffer: it gets the op's own name.
  size_t at = text->rfind(chosen + " = ");
  text->replace(at, chosen.size(), name(op.getResult()));
  return success();
}

LogicalResult HivmPrinter::printFlag(StringRef kind, PipeAttr source, PipeAttr sink, ArrayRef<int64_t> ids, Value slot) {
  if (form == HivmForm::Auto)
    return success();
  std::string event = "<EVENT_ID" + std::to_string(ids.front()) + ">";
  if (ids.size() > 1) {
    SmallVector<std::string> numbers;
    for (int64_t id : ids)
      numbers.push_back(constant(id, "i64"));
    event = choose(numbers, slot, "i64");
  }
  line("hivm.hir." + kind + "[<PIPE_" + stringifyPipe(source.getValue()).upper() + ">, <PIPE_" + stringifyPipe(sink.getValue()).upper() + ">, " + event + "]");
  return success();
}
