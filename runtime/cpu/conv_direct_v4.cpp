//===- conv_direct_v4.cpp - direct convolution for one instruction set -----===//
#define CG_ISA isa_v4
#include "runtime/cpu/conv_direct.inc"
