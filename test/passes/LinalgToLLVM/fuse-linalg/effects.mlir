// RUN: cell-opt --cell-to-linalg-pipeline --normalize-linalg --fuse-linalg %s | FileCheck %s

// Fusion keeps what is shown in the order of the program: the late value is not shown before the early one is.
// CHECK-LABEL: func @main
// CHECK: cellrt.print "first
// CHECK: cellrt.print "second
// CHECK: cellrt.print "third
// CHECK: return
func.func @main(%x: tensor<64x64xf32>, %y: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %a = cell.exp %x : tensor<64x64xf32>
  cell.print "first {}\n" (%a) : tensor<64x64xf32>
  cell.print "second {}\n" (%y) : tensor<64x64xf32>
  %b = cell.neg %a : tensor<64x64xf32>
  cell.print "third {}\n" (%b) : tensor<64x64xf32>
  return %b : tensor<64x64xf32>
}
