//===- halves.cpp - conversions that not every processor has --------------===//
// The compiler's own names for conversions to and from 16-bit floats, which LLVM calls where the processor lacks the instruction. The system's
// libgcc may be too old to have all of them.
#include "runtime/cpu/halves.h"

#ifdef __x86_64__

using namespace cellgrad;

namespace {
/// A 16-bit float is passed and returned in the low bits of a vector register, as a float's first half is.
float inRegister(uint16_t bits) { return bitsOf<float>(uint32_t(bits)); }
uint16_t fromRegister(float value) { return static_cast<uint16_t>(bitsOf<uint32_t>(value)); }

} // namespace

extern "C" {
#pragma GCC visibility push(default)
float __truncsfbf2(float value) { return inRegister(toBfloat(value)); }
float __truncdfbf2(double value) { return inRegister(toBfloat(narrowToOdd(value))); }
float __truncsfhf2(float value) { return inRegister(toHalf(value)); }
float __truncdfhf2(double value) { return inRegister(toHalf(narrowToOdd(value))); }
float __extendhfsf2(float half) { return fromHalf(fromRegister(half)); }
#pragma GCC visibility pop
}

#endif
