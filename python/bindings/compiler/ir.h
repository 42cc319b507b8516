//===- ir.h - modules under construction, without MLIR or Python types ----===//
//
// Code that includes MLIR has no exceptions, code that includes nanobind needs them: this interface lies between. A function that can
// fail returns false (or null) and has filled `Errors`. All of it is called with the context's lock held.
//
//===----------------------------------------------------------------------===//
#ifndef CELLGRAD_BINDINGS_IR_H
#define CELLGRAD_BINDINGS_IR_H

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlir {
class Block;
class Operation;
} // namespace mlir

namespace cellgrad::native {

enum class Severity { Error, Warning, Remark, Note };

struct Diagnostic {
  Severity severity = Severity::Error;
  std::string file;
  unsigned line = 0, column = 0;
  std::string message;
  std::vector<Diagnostic> notes;
};

/// What went wrong, in order. `crash` is set when code of the compiler itself gave up (a failed assertion, a fatal error).
/// A place in the source; no file and line 0 where it is unknown.
struct Place {
  std::string file;
  unsigned line = 0, column = 0;
};

struct Errors {
  std::vector<Diagnostic> list;
  bool crash = false;
  bool stacks = false; // whether a diagnostic gets a note for each caller of its place

  /// Adds an error at `location` (may be null) and returns false.
  bool add(const void *location, std::string message);
};

/// The one context of the process is not safe for several threads at once: hold this while calling anything below.
std::mutex &contextMutex();

//===--- What is known of an op before its own code is asked (optable.cpp) -===//

enum class Kind { Int, Ints, Bool, Float, Str, Type, Unit, Other };
const char *kindName(Kind kind);

struct AttributeInfo {
  std::string_view name;
  Kind kind;
  bool required;
};

struct OpInfo {
  std::string_view name;
  int minOperands, maxOperands; // -1: any number
  bool buildable;               // infers its result types and has no regions
  std::vector<AttributeInfo> attributes;
  mutable const void *operationName = nullptr; // filled at first use
};

const std::vector<OpInfo> &opTable();
const OpInfo *findOp(std::string_view name);
/// A message that names ops of similar spelling.
std::string unknownOpMessage(std::string_view name);

/// A value for one attribute, of the kind that the op wants.
struct AttributeValue {
  const AttributeInfo *info;
  int64_t integer = 0;
  double number = 0;
  std::string_view text; // Str, or the dtype of a Type
  std::vector<int64_t> integers;
};

//===--- Types and locations (context.cpp) ---------------------------------===//

/// Names of the element types, in the order of `elementIndex`.
constexpr const char *kDtypes[] = {"f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "ui8", "i1"};
constexpr int kElementBytes[] = {2, 2, 4, 8, 1, 2, 4, 8, 1, 1};
/// Position in kDtypes, -1 if there is no such dtype.
int dtypeIndex(std::string_view dtype);
int elementIndex(const void *tensorType);
std::pair<const int64_t *, size_t> shapeOf(const void *tensorType);
/// Null with an error when the tensor would be larger than any memory.
const void *tensorType(int dtype, const std::vector<int64_t> &shape, const void *location, Errors &errors);

const void *unknownLocation();
const void *fileLocation(std::string_view file, unsigned line, unsigned column, const void *caller);
std::string locationText(const void *location);

//===--- Functions (builder.cpp) -------------------------------------------===//

class Function;
class Builder;

struct Value {
  std::shared_ptr<Function> function;
  void *value;
  const void *type;
};

class Module;

/// What an attribute of a function can be: Unit, Int, Str, Ints, or another function.
struct FunctionAttribute {
  Kind kind = Kind::Unit;
  int64_t integer = 0;
  std::string text;
  std::vector<int64_t> integers;
  Function *function = nullptr;
};

class Function : public std::enable_shared_from_this<Function> {
public:
  enum class State { Open, Finished, Gone };

  std::string name;
  State state() const;
  bool argument(int dtype, const std::vector<int64_t> &shape, const void *location, const std::string *param, bool donated, Value &out,
                Errors &errors);
  bool op(const OpInfo &info, const std::vector<const Value *> &operands, const std::vector<AttributeValue> &attributes,
          const void *location, std::vector<Value> &out, Errors &errors);
  /// `bytes` are the elements in row-major order; bool is one byte per element.
  bool constant(int dtype, const std::vector<int64_t> &shape, std::string_view bytes, const void *location, Value &out, Errors &errors);
  bool call(Function &callee, const std::vector<const Value *> &operands, const void *location, std::vector<Value> &out, Errors &errors);
  /// cell.value_and_grad, or cell.vjp when `cotangents` is given.
  bool derivative(Function &callee, const std::vector<const Value *> &operands, const std::vector<const Value *> *cotangents,
                  const std::vector<int64_t> &wrt, const std::vector<int64_t> &outputs, const void *location, std::vector<Value> &out,
                  Errors &errors);
  bool jvp(Function &callee, const std::vector<const Value *> &operands, const std::vector<const Value *> &tangents,
           const std::vector<int64_t> &wrt, const std::vector<int64_t> &outputs, const void *location, std::vector<Value> &out, Errors &errors);
  bool vmap(Function &callee, const std::vector<const Value *> &operands, const std::vector<int64_t> &inAxes,
            const std::vector<int64_t> &outAxes, int64_t size, bool ownRandom, const std::vector<std::string> &written, const void *location, std::vector<Value> &out, Errors &errors);

  // Control flow (control.cpp): regions that call finished functions.
  bool branch(const Value &condition, Function &then, const std::vector<const Value *> &thenOperands, Function &otherwise,
              const std::vector<const Value *> &elseOperands, const void *location, std::vector<Value> &out, Errors &errors);
  /// body(i: tensor<i64>, carried..., invariants...) -> carried
  bool forLoop(const Value &lower, const Value &upper, const Value &step, Function &body, const std::vector<const Value *> &carried,
               const std::vector<const Value *> &invariants, const void *location, std::vector<Value> &out, Errors &errors);
  /// condition(carried..., its invariants...) -> tensor<i1>; body(carried..., its invariants...) -> carried
  bool whileLoop(Function &condition, const std::vector<const Value *> &conditionInvariants, Function &body,
                 const std::vector<const Value *> &bodyInvariants, const std::vector<const Value *> &carried, const void *location,
                 std::vector<Value> &out, Errors &errors);
  bool print(std::string_view format, const std::vector<const Value *> &operands, const void *location, Errors &errors);
  bool assertion(const Value &condition, std::string_view message, const void *location, Errors &errors);
  bool setAttribute(std::string_view attribute, const FunctionAttribute &value, Errors &errors);

  bool finish(const std::vector<const Value *> &results, const std::vector<std::pair<int64_t, int64_t>> &aliases, const void *location,
              Errors &errors);
  /// Removes the function, which nothing may refer to.
  bool discard(Errors &errors);
  size_t argumentCount() const;

private:
  friend class Builder;
  struct ArgumentInfo {
    std::string param;
    bool hasParam, donated;
  };
  bool requireOpen(const char *action, const void *location, Errors &errors) const;
  bool operandsOf(const std::vector<const Value *> &operands, const char *what, const void *location, std::vector<void *> &out,
                  Errors &errors) const;
  bool calleeOf(Function &callee, const char *what, const void *location, Errors &errors) const;
  bool insert(mlir::Operation *op, std::vector<Value> &out, Errors &errors);

  struct Session;
  std::shared_ptr<Session> session;
  mlir::Operation *op_ = nullptr;
  mlir::Block *block = nullptr;
  const void *location = nullptr;
  bool finished = false, discarded = false;
  unsigned uses = 0; // calls from other functions
  std::vector<ArgumentInfo> arguments;
};

/// to - from where it is the same number at each run, as far as their ops tell (control.cpp).
std::optional<int64_t> difference(const Value &from, const Value &to);

class Builder {
public:
  Builder();
  ~Builder();
  std::shared_ptr<Function> function(std::string_view name, const void *location, Errors &errors);
  std::unique_ptr<Module> finish(Function &entry, Errors &errors);

private:
  std::shared_ptr<Function::Session> session;
};

//===--- Finished modules (module.cpp) -------------------------------------===//

/// How to generate code; empty cpu and features mean those of this machine.
struct EmitOptions {
  unsigned level = 3;
  std::string cpu, features;
  enum Form { Object, Assembly, LLVMIR, Ptx } form = Object;
  std::string cubin = {}; // what the object of a GPU program carries in place of its PTX
};

/// A kernel of a module at stage "gpu" or "ascend"; sizes are -1 where its launches differ or the host computes them.
struct KernelEntry {
  std::string name;
  Place place;
  std::string core; // of an accelerator: "aic", "aiv", "aicpu"
  int64_t grid[3], block[3], sharedBytes, launches;
};

/// A value that derivatives save: the op that made it and the op whose derivative needs it, with their places in the source.
struct SavedEntry {
  std::string producer;
  Place producedAt;
  const void *type; // of the value as it is saved, a tensor
  int64_t bytes, times;
  bool perIteration;
  std::string reader;
  Place readAt;
};

class Module {
public:
  explicit Module(mlir::Operation *owned);
  ~Module();
  static std::unique_ptr<Module> parse(std::string_view text, std::string_view filename, Errors &errors);
  std::string text(bool locations) const;
  std::string fingerprint() const;
  std::unique_ptr<Module> clone() const;
  /// What cell-differentiate saved, the largest first.
  std::vector<SavedEntry> saved() const;
  /// The kernels in the order of their numbers.
  std::vector<KernelEntry> kernels() const;
  /// The kernels of stage "ascend" as HIVM text; `form` is auto or planned.
  bool hivm(const std::string &form, std::string &out, Errors &errors) const;
  /// `pipeline` is the name of a registered pipeline or a textual pass pipeline for builtin.module.
  bool run(const std::string &pipeline, bool verifyEach, Errors &errors);
  /// Splits the program by what depends on some of its arguments (passes/Transforms/Split.h); this module becomes the first half. `types` are tensor types.
  std::unique_ptr<Module> split(const std::vector<int64_t> &lateArguments, std::vector<int64_t> &lateResults, std::vector<const void *> &types,
                                Errors &errors);
  /// Machine code, assembly, LLVM IR or PTX of a module in the LLVM dialect (codegen.cpp). `steps` gets names and seconds.
  bool emit(const EmitOptions &options, std::string &out, std::vector<std::pair<std::string, double>> &steps, Errors &errors) const;
  /// False after a pass has failed: the module is between two forms and only its text can be had.
  bool intact() const { return intact_; }
  mlir::Operation *operation() const { return op_; }

private:
  mlir::Operation *op_;
  bool intact_ = true;
};

/// Runs `work(data)`. A failed assertion or a fatal error of the compiler inside becomes an entry of `errors` instead of the end of the process.
bool runGuarded(void (*work)(void *), void *data, const char *what, Errors &errors);

/// Name and features of this machine's processor, as the code generator sees it.
std::string hostProcessor();

/// Identifies this build of the compiler: a content hash that the linker made.
std::string buildId();

} // namespace cellgrad::native

#endif // CELLGRAD_BINDINGS_IR_H
