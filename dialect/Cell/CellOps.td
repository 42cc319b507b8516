//===- CellOps.td - all ops of the dialect -------------------------------===//
#ifndef CELL_OPS_TD
#define CELL_OPS_TD

include "dialect/Cell/ElementwiseOps.td"
include "dialect/Cell/StructureOps.td"
include "dialect/Cell/ControlOps.td"
include "dialect/Cell/TensorOps.td"
include "dialect/Cell/IndexOps.td"
include "dialect/Cell/ReductionOps.td"
include "dialect/Cell/ContractionOps.td"
include "dialect/Cell/PoolOps.td"
include "dialect/Cell/RandomOps.td"
include "dialect/Cell/CompositeOps.td"

#endif // CELL_OPS_TD
