// Signatures, guards and entries of the Dispatcher.
#pragma once
#include "core.h"

#include <vector>

#pragma GCC visibility push(hidden)
namespace cg {

inline uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15ull;
  return h ^ (h >> 29);
}

// Exact types whose values, not identities, count: None bool int float complex str bytes Ellipsis, and registered ones
// (NumPy scalars).
bool isValueType(PyTypeObject *type);
PyObject *registerValueType(PyObject *, PyObject *type);
// Exact type and value, floats by bits; tuples of values element by element; everything else by identity.
bool sameValue(PyObject *a, PyObject *b);
// As sameValue, but other objects of one type are compared by ==. -1: exception.
int sameKey(PyObject *a, PyObject *b);
bool isValue(PyObject *o); // a value type, or a tuple of values

// A reference that is weak where the object allows it.
struct Held {
  PyObject *ref = nullptr;
  bool weak = false;
  bool set(PyObject *o);       // false with an exception
  PyObject *get() const;       // borrowed; null: it died
  void clear() { Py_CLEAR(ref); }
};

enum TokenKind : uint8_t { kMissing, kTensor, kSequence, kDict, kValue, kIdentity, kStatic, kKeyword, kShape };
// One step of the walk through the arguments. obj: the tensor / container type / value / object / keyword name.
struct Token {
  TokenKind kind;
  uint8_t dtype, ndim;
  bool weak;         // stored identities: obj is a weak reference
  int32_t n;         // length of a container
  PyObject *obj;     // strong
  int64_t *shape;    // stored tensors: the shape that was seen; null in live tokens (read from obj)
};

// The walk of one call: strong references, inline storage for the usual sizes.
class Flat {
public:
  ~Flat();
  bool walk(PyObject *o);           // false: exception
  bool walkStatic(PyObject *o);
  bool push(TokenKind kind, PyObject *obj, int32_t n = 0);
  Token *tokens = inlineTokens;
  TensorObject **leaves = inlineLeaves;
  int count = 0, numLeaves = 0;
  int device = currentTarget;
  uint64_t hash = mix(0x51ed270b, uint64_t(device));
  bool traced = false;

private:
  Token inlineTokens[24];
  TensorObject *inlineLeaves[16];
  int capacity = 24, leafCapacity = 16;
  bool pushLeaf(TensorObject *t);
};

// A stored walk, shared by a Call and the entry made from it.
struct Signature {
  int refs = 1, device;
  uint64_t hash;
  std::vector<Token> tokens;
  int numLeaves;
  static Signature *from(const Flat &flat);
  void release();
  int equal(const Flat &flat) const; // -1: exception
  bool dead() const;
  int visit(visitproc visit, void *arg) const;
};
int sameToken(const Token &a, const Token &b); // a stored, b stored or live; -1: exception
PyObject *identityOf(const Token &t);          // of a stored kIdentity, borrowed; null: it died

enum GuardKind : uint8_t { kAttr, kNoAttr, kItem, kNoItem, kCell, kLen, kType, kSignature, kPython };
struct Guard {
  GuardKind kind;
  bool eq = false, expectedWeak = false;
  Held object;
  PyObject *key = nullptr, *expected = nullptr, *label = nullptr;
  PyObject *dict = nullptr; // the dict in which key was found (item guards; attributes found in the instance's dict)
  uint64_t dictVersion = 0; // of that dict when the guard last held
  int64_t n = 0;
  Spec spec;
  void clear();
  int visit(visitproc visit, void *arg) const;
};
enum Check { kError = -1, kFails = 0, kHolds = 1, kDead = 2 };
bool parseGuard(PyObject *tuple, Guard *out);
Check checkGuard(Guard &g, PyObject *slots);
PyObject *describeGuard(Guard &g, PyObject *slots); // a str, None where it holds, null with an exception
PyObject *describeValue(PyObject *o); // values as they are, Tensors by dtype and shape (never contents), other objects by type

// The result of a call: a flat preorder program.
struct TemplateOp {
  enum Kind : uint8_t { Out, In, Slot, Const, Tuple, List, Dict, Named } kind;
  int32_t n;
  PyObject *obj; // constant / class / tuple of dict keys
};
using Template = std::vector<TemplateOp>;
bool parseTemplate(PyObject *o, Template *out, int numOut, int numLeaves, int numSlots);
PyObject *buildTemplate(const Template &t, TensorObject *const *outs, TensorObject *const *leaves, PyObject *const *slots);
bool initTemplateTypes(PyObject *module);

struct PlanItem {
  enum Kind : uint8_t { Leaf, Captured, Weak, Call } kind;
  int32_t leaf;
  PyObject *obj;
};
struct Write {
  bool attribute;
  PyObject *object, *key;
  Template value;
};
struct Entry {
  int refs = 1;
  long number;
  Signature *signature;
  Executable *exe; // may be null
  std::vector<PlanItem> plan;
  Template result;
  std::vector<Guard> guards;
  std::vector<Write> writes;
  PyObject *tag;
  uint64_t hits = 0;
  bool needsSlots = false; // some guard is a Python predicate
  void release();
  int visit(visitproc visit, void *arg) const;
};
// Parses the arguments of add_entry; null with an exception.
Entry *makeEntry(Signature *signature, int numSlots, PyObject *exe, PyObject *plan, PyObject *tmpl, PyObject *guards, PyObject *writes,
                 PyObject *tag);
// Runs an entry. Null without an exception: a captured tensor no longer fits, the entry does not match (unless `must`).
PyObject *runEntry(Entry *e, TensorObject *const *leaves, PyObject *const *slots, bool must);

struct Dispatcher {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  PyObject *dict, *weakrefs;
  PyObject *slowPath, *tracedPath, *names;
  int numSlots, numPositional;
  bool varargs, varkw, anyStatic;
  uint8_t *isStatic;
  std::vector<Entry *> *entries;
  long nextNumber;
  uint64_t hits, misses, traced;
};
struct Call {
  PyObject_HEAD
  Dispatcher *owner;
  PyObject *args, *kwargs, *slots, *leaves, *extraNames;
  Signature *signature; // null: the arguments did not bind
};
extern PyTypeObject *DispatcherType, *CallType;
extern PyObject *missingObject; // _core.MISSING
// Every difference between a stored entry and a call (explain.cpp): a tuple of str, empty where the call fits.
PyObject *describeDifferences(Entry *e, const Signature &now, PyObject *slots, PyObject *names, int numSlots);
// Arguments brought to slots; borrowed references, inline storage for the usual sizes.
struct Bound {
  PyObject *inlineSlots[24];
  PyObject **slots = inlineSlots;
  PyObject *inlineNames[8]; // of the extra keywords, which are the last slots
  PyObject **extraNames = inlineNames;
  int count = 0, numExtraNames = 0;
  ~Bound();
  int bind(const Dispatcher *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames); // 1 bound, 0 does not bind, -1 exception
  PyObject *tuple() const;
};
// bound and flat are null for arguments that do not bind.
Call *newCall(Dispatcher *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, const Bound *bound, const Flat *flat);
Call *bindCall(Dispatcher *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames); // a call that is not made
PyObject *callDispatcher(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames); // its vectorcall
void dropEntry(Dispatcher *d, Entry *e);
bool initCallType(PyObject *module);
bool initDispatcherType(PyObject *module);

// Eager operations (eager.cpp) and the operators of Tensor (operators.cpp).
struct Kernel {
  PyObject *op, *attrs;
  PyObject *run; // an Executable, or another callable
  uint64_t hash;
  int device; // that was current when it was compiled
  std::vector<Spec> specs;
};
struct EagerTable {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  PyObject *compile, *traced;
  std::vector<Kernel *> *slots; // open addressing, a power of two, at most half full
  size_t used, limit;
  uint64_t hits, misses;
};
extern PyTypeObject *EagerTableType;
bool hashKernel(PyObject *op, PyObject *attrs, TensorObject *const *in, size_t n, uint64_t *out); // false: exception
// A new reference, or null: none yet, or an exception.
PyObject *findKernel(EagerTable *t, PyObject *op, PyObject *attrs, TensorObject *const *in, size_t n, uint64_t hash);
bool initEagerType(PyObject *module);
bool initOperatorType(PyObject *module);
extern __thread int captureDepth; // not thread_local: no initialisation to check at each access

} // namespace cg
#pragma GCC visibility pop
