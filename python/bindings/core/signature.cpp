// The walk through the arguments of a call, and its stored form.
#include "dispatch.h"

namespace cg {

static uint64_t hashOf(PyObject *o) {
  if (PyFloat_CheckExact(o)) {
    double d = PyFloat_AS_DOUBLE(o);
    uint64_t bits;
    memcpy(&bits, &d, 8);
    return bits;
  }
  Py_hash_t h = PyObject_Hash(o);
  if (h == -1 && PyErr_Occurred()) {
    PyErr_Clear(); // unhashable static arguments: compared by == only
    h = 0;
  }
  return uint64_t(h);
}

Flat::~Flat() {
  for (int i = 0; i < count; ++i)
    Py_XDECREF(tokens[i].obj);
  if (tokens != inlineTokens)
    PyMem_Free(tokens);
  if (leaves != inlineLeaves)
    PyMem_Free(leaves);
}

template <typename T> static bool grow(T *&data, T *inlineData, int &capacity) {
  auto *fresh = static_cast<T *>(PyMem_Malloc(sizeof(T) * size_t(capacity) * 2));
  if (!fresh)
    return PyErr_NoMemory() != nullptr;
  memcpy(fresh, data, sizeof(T) * size_t(capacity));
  if (data != inlineData)
    PyMem_Free(data);
  data = fresh;
  capacity *= 2;
  return true;
}

bool Flat::push(TokenKind kind, PyObject *obj, int32_t n) {
  if (count == capacity && !grow(tokens, inlineTokens, capacity))
    return false;
  Py_XINCREF(obj);
  tokens[count++] = Token{kind, 0, 0, false, n, obj, nullptr};
  hash = mix(hash, uint64_t(kind) | uint64_t(uint32_t(n)) << 8);
  return true;
}

bool Flat::pushLeaf(TensorObject *t) {
  if (count == capacity && !grow(tokens, inlineTokens, capacity))
    return false;
  if (numLeaves == leafCapacity && !grow(leaves, inlineLeaves, leafCapacity))
    return false;
  Py_INCREF(t);
  tokens[count++] = Token{kTensor, t->dtype, t->ndim, false, 0, reinterpret_cast<PyObject *>(t), nullptr};
  leaves[numLeaves++] = t;
  traced |= t->node != nullptr;
  uint64_t h = mix(hash, uint64_t(kTensor) | uint64_t(t->dtype) << 8 | uint64_t(t->ndim) << 16);
  for (int i = 0; i < t->ndim; ++i)
    h = mix(h, uint64_t(t->shape[i]));
  hash = h;
  return true;
}

bool Flat::walk(PyObject *o) {
  if (isTensor(o))
    return pushLeaf(asTensor(o));
  PyTypeObject *type = Py_TYPE(o);
  if (isValueType(type)) {
    if (!push(kValue, o))
      return false;
    hash = mix(hash, hashOf(o) + uint64_t(reinterpret_cast<uintptr_t>(type)));
    return true;
  }
  if (PyTuple_Check(o) || PyList_Check(o)) {
    Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    if (!push(kSequence, reinterpret_cast<PyObject *>(type), int32_t(n)) || Py_EnterRecursiveCall(" while reading the arguments"))
      return false;
    hash = mix(hash, reinterpret_cast<uintptr_t>(type));
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < n && i < PySequence_Fast_GET_SIZE(o); ++i)
      ok = walk(PySequence_Fast_GET_ITEM(o, i));
    Py_LeaveRecursiveCall();
    return ok;
  }
  if (PyDict_Check(o)) {
    if (!push(kDict, reinterpret_cast<PyObject *>(type), int32_t(PyDict_GET_SIZE(o))) ||
        Py_EnterRecursiveCall(" while reading the arguments"))
      return false;
    hash = mix(hash, reinterpret_cast<uintptr_t>(type));
    Py_ssize_t at = 0;
    PyObject *key, *value;
    bool ok = true;
    while (ok && PyDict_Next(o, &at, &key, &value)) {
      if (isValueType(Py_TYPE(key))) {
        ok = push(kValue, key);
        hash = mix(hash, hashOf(key));
      } else {
        ok = push(kIdentity, key);
        hash = mix(hash, reinterpret_cast<uintptr_t>(key));
      }
      ok = ok && walk(value);
    }
    Py_LeaveRecursiveCall();
    return ok;
  }
  if (!push(kIdentity, o))
    return false;
  hash = mix(hash, reinterpret_cast<uintptr_t>(o));
  return true;
}

bool Flat::walkStatic(PyObject *o) {
  if (!push(kStatic, o))
    return false;
  hash = mix(hash, hashOf(o) + uint64_t(reinterpret_cast<uintptr_t>(Py_TYPE(o))));
  return true;
}

Signature *Signature::from(const Flat &flat) {
  auto *s = new Signature();
  s->hash = flat.hash;
  s->device = flat.device;
  s->numLeaves = flat.numLeaves;
  s->tokens.assign(flat.tokens, flat.tokens + flat.count);
  for (Token &t : s->tokens) {
    if (t.kind == kTensor) { // only dtype and shape count: the tensor itself is not kept
      t.shape = new int64_t[kMaxDims];
      memcpy(t.shape, asTensor(t.obj)->shape, sizeof(int64_t) * kMaxDims);
      t.obj = nullptr;
    } else if (t.kind == kIdentity) {
      Held held;
      held.set(t.obj);
      t.obj = held.ref;
      t.weak = held.weak;
    } else {
      Py_XINCREF(t.obj);
    }
  }
  return s;
}

void Signature::release() {
  if (--refs)
    return;
  for (Token &t : tokens) {
    delete[] t.shape;
    Py_XDECREF(t.obj);
  }
  delete this;
}

PyObject *identityOf(const Token &t) {
  Held held;
  held.ref = t.obj;
  held.weak = t.weak;
  return held.get();
}

bool Signature::dead() const {
  for (const Token &t : tokens)
    if (t.kind == kIdentity && !identityOf(t))
      return true;
  return false;
}

int Signature::visit(visitproc visit, void *arg) const {
  for (const Token &t : tokens)
    Py_VISIT(t.obj);
  return 0;
}

// Stored against live or stored.
int sameToken(const Token &a, const Token &b) {
  if (a.kind != b.kind || a.n != b.n)
    return 0;
  switch (a.kind) {
  case kTensor: {
    if (a.dtype != b.dtype || a.ndim != b.ndim)
      return 0;
    const int64_t *shape = b.shape ? b.shape : asTensor(b.obj)->shape;
    return memcmp(a.shape, shape, sizeof(int64_t) * a.ndim) == 0;
  }
  case kSequence:
  case kDict: return a.obj == b.obj;
  case kValue:
  case kKeyword: return sameValue(a.obj, b.obj);
  case kIdentity: {
    PyObject *o = identityOf(a);
    return o && o == identityOf(b);
  }
  case kStatic: return sameKey(a.obj, b.obj);
  default: return 1;
  }
}

int Signature::equal(const Flat &flat) const {
  if (hash != flat.hash || device != flat.device || int(tokens.size()) != flat.count)
    return 0;
  for (int i = 0; i < flat.count; ++i) {
    int r = sameToken(tokens[size_t(i)], flat.tokens[i]);
    if (r != 1)
      return r;
  }
  return 1;
}

} // namespace cg
