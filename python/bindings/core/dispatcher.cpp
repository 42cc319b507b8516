// The cached call of a compiled Python function: binds the arguments, finds the entry that fits, runs it; the slow path makes a new one.
#include "dispatch.h"

namespace cg {

__thread int captureDepth;

static PyObject *traceInstead(Dispatcher *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
  ++d->traced;
  return PyObject_Vectorcall(d->tracedPath, args, size_t(nargs), kwnames);
}

void dropEntry(Dispatcher *d, Entry *e) {
  for (size_t i = 0; i < d->entries->size(); ++i)
    if ((*d->entries)[i] == e) {
      d->entries->erase(d->entries->begin() + long(i));
      e->release();
      return;
    }
}

// 1: e matches, its result is in *result (null: it raised). 0: it does not match. -1: an exception in a guard.
static int tryEntry(Dispatcher *d, Entry *e, const Bound &bound, const Flat &flat, PyObject **slotTuple, PyObject **result) {
  int same = e->signature->equal(flat);
  if (same != 1)
    return same;
  if (e->needsSlots && !*slotTuple && !(*slotTuple = bound.tuple()))
    return -1;
  for (Guard &g : e->guards) {
    Check c = checkGuard(g, *slotTuple);
    if (c == kHolds)
      continue;
    if (c == kDead)
      dropEntry(d, e);
    return c == kError ? -1 : 0;
  }
  *result = runEntry(e, flat.leaves, bound.slots, false);
  return *result || PyErr_Occurred() ? 1 : 0;
}

static PyObject *slow(Dispatcher *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, const Bound *bound, const Flat *flat) {
  ++d->misses;
  PyObject *call = reinterpret_cast<PyObject *>(newCall(d, args, nargs, kwnames, bound, flat));
  if (!call)
    return nullptr;
  PyObject *stack[] = {reinterpret_cast<PyObject *>(d), call};
  PyObject *result = PyObject_Vectorcall(d->slowPath, stack, 2, nullptr);
  Py_DECREF(call);
  return result;
}

static bool walkSlots(Dispatcher *d, const Bound &bound, Flat &flat) {
  int firstName = bound.count - bound.numExtraNames;
  for (int i = 0; i < bound.count; ++i) {
    PyObject *o = bound.slots[i];
    bool ok = i < firstName || flat.push(kKeyword, bound.extraNames[i - firstName]);
    if (o == missingObject)
      ok = ok && flat.push(kMissing, nullptr);
    else if (d->anyStatic && i < d->numSlots && d->isStatic[i])
      ok = ok && flat.walkStatic(o);
    else
      ok = ok && flat.walk(o);
    if (!ok)
      return false;
  }
  return true;
}

Call *bindCall(Dispatcher *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
  Bound bound;
  int bindable = bound.bind(d, args, nargs, kwnames);
  if (bindable < 0)
    return nullptr;
  Flat flat;
  if (bindable && !walkSlots(d, bound, flat))
    return nullptr;
  return newCall(d, args, nargs, kwnames, bindable ? &bound : nullptr, bindable ? &flat : nullptr);
}

PyObject *callDispatcher(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  if (captureDepth > 0 && d->tracedPath != Py_None)
    return traceInstead(d, args, nargs, kwnames);
  Bound bound;
  int bindable = bound.bind(d, args, nargs, kwnames);
  if (bindable != 1)
    return bindable < 0 ? nullptr : slow(d, args, nargs, kwnames, nullptr, nullptr);
  Flat flat;
  if (!walkSlots(d, bound, flat))
    return nullptr;
  if (flat.traced && d->tracedPath != Py_None)
    return traceInstead(d, args, nargs, kwnames);
  PyObject *result = nullptr, *slotTuple = nullptr;
  int matched = 0;
  // A guard may run Python code that changes the table: entries are held while in use and found again by index.
  for (size_t i = 0; matched == 0 && i < d->entries->size(); ++i) {
    Entry *e = (*d->entries)[i];
    if (e->signature->hash != flat.hash)
      continue;
    ++e->refs;
    matched = tryEntry(d, e, bound, flat, &slotTuple, &result);
    if (matched == 1) {
      ++d->hits;
      if (i && i < d->entries->size() && (*d->entries)[i] == e) // frequent entries move to the front
        std::swap((*d->entries)[i], (*d->entries)[i - 1]);
    }
    e->release();
  }
  Py_XDECREF(slotTuple);
  return matched ? result : slow(d, args, nargs, kwnames, &bound, &flat);
}

} // namespace cg
