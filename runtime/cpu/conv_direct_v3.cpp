//===- conv_direct_v3.cpp - direct convolution for one instruction set -----===//
#define CG_ISA isa_v3
#include "runtime/cpu/conv_direct.inc"
