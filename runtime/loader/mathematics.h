//===- mathematics.h - functions of the C library that objects may call ----===//
#ifndef CELLGRAD_LOADER_MATHEMATICS_H
#define CELLGRAD_LOADER_MATHEMATICS_H

namespace cellgrad::loader {

/// The address of a function of the C library's mathematics (of f64 and f32) or its copying and filling of memory, null for every other name.
void *mathematics(const char *name);

} // namespace cellgrad::loader

#endif // CELLGRAD_LOADER_MATHEMATICS_H
