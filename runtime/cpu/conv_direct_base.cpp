//===- conv_direct_base.cpp - direct convolution for one instruction set -----===//
#define CG_ISA isa_base
#include "runtime/cpu/conv_direct.inc"
