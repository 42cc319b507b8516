// A conflict that the analysis cannot resolve by itself: what loops and branches hand on is copied.
// RUN: cell-opt %s --linalg-to-llvm | FileCheck %s
// RUN: cell-opt %s --linalg-to-llvm -o /dev/null 2>&1 | FileCheck %s --check-prefix=SAID
// SAID: cautious-copies.mlir:{{.*}}: remark: what loops and branches hand on is copied in each turn
// SAID-SAME: scf.while

// CHECK: llvm.func @cg_entry
#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<(d0) -> ()>
#map2 = affine_map<() -> ()>
#map3 = affine_map<(d0, d1, d2) -> (d0, d2)>
#map4 = affine_map<(d0, d1, d2) -> (d2, d1)>
#map5 = affine_map<(d0, d1, d2) -> (d0, d1)>
module {
  func.func @f(%arg0: tensor<3xf64>, %arg1: tensor<i64>, %arg2: tensor<i64>, %arg3: tensor<f64>, %arg4: tensor<3x3xf64>) -> tensor<f64> {
    %cst = arith.constant 0.000000e+00 : f64
    %c3 = arith.constant 3 : index
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    %cst_0 = arith.constant dense<5.000000e-01> : tensor<3xf64>
    %cst_1 = arith.constant dense<3.000000e-01> : tensor<3xf64>
    %cst_2 = arith.constant dense<5.000000e-01> : tensor<f64>
    %cst_3 = arith.constant dense<-5.300000e-01> : tensor<f64>
    %cst_4 = arith.constant dense<1.500000e+00> : tensor<f64>
    %cst_5 = arith.constant dense<1.000000e-01> : tensor<f64>
    %cst_6 = arith.constant dense<0.000000e+00> : tensor<f64>
    %cst_7 = arith.constant dense<0.69999999999999996> : tensor<3xf64>
    %0 = tensor.empty() : tensor<3xf64>
    %1 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%arg0, %cst_7 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.mulf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<3xf64>
    %2 = linalg.generic {indexing_maps = [#map1, #map], iterator_types = ["parallel"]} ins(%arg3 : tensor<f64>) outs(%0 : tensor<3xf64>) {
    ^bb0(%in: f64, %out: f64):
      linalg.yield %in : f64
    } -> tensor<3xf64>
    %3 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%1, %2 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.addf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<3xf64>
    %4 = linalg.fill ins(%cst : f64) outs(%0 : tensor<3xf64>) -> tensor<3xf64>
    %5:2 = scf.for %arg5 = %c0 to %c3 step %c1 iter_args(%arg6 = %4, %arg7 = %cst) -> (tensor<3xf64>, f64) {
      %extracted = tensor.extract %3[%arg5] : tensor<3xf64>
      %21 = arith.addf %arg7, %extracted : f64
      %inserted = tensor.insert %21 into %arg6[%arg5] : tensor<3xf64>
      scf.yield %inserted, %21 : tensor<3xf64>, f64
    }
    %6 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%5#0, %cst_1 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.mulf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<3xf64>
    %7 = tensor.empty() : tensor<f64>
    %8 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%arg3, %cst_6 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.mulf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<f64>
    %9:3 = scf.while (%arg5 = %8, %arg6 = %6, %arg7 = %3) : (tensor<f64>, tensor<3xf64>, tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>, tensor<3xf64>) {
      %21 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%arg7, %arg7 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
      ^bb0(%in: f64, %in_8: f64, %out: f64):
        %28 = arith.mulf %in, %in_8 : f64
        linalg.yield %28 : f64
      } -> tensor<3xf64>
      %22 = linalg.fill ins(%cst : f64) outs(%7 : tensor<f64>) -> tensor<f64>
      %23 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["reduction"]} ins(%21 : tensor<3xf64>) outs(%22 : tensor<f64>) {
      ^bb0(%in: f64, %out: f64):
        %28 = arith.addf %out, %in : f64
        linalg.yield %28 : f64
      } -> tensor<f64>
      %24 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%23, %cst_5 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
      ^bb0(%in: f64, %in_8: f64, %out: f64):
        %28 = arith.mulf %in, %in_8 : f64
        linalg.yield %28 : f64
      } -> tensor<f64>
      %25 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%arg5, %24 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
      ^bb0(%in: f64, %in_8: f64, %out: f64):
        %28 = arith.addf %in, %in_8 : f64
        linalg.yield %28 : f64
      } -> tensor<f64>
      %26 = tensor.empty() : tensor<i1>
      %27 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%25, %cst_4 : tensor<f64>, tensor<f64>) outs(%26 : tensor<i1>) {
      ^bb0(%in: f64, %in_8: f64, %out: i1):
        %28 = arith.cmpf olt, %in, %in_8 : f64
        linalg.yield %28 : i1
      } -> tensor<i1>
      %extracted = tensor.extract %27[] : tensor<i1>
      scf.condition(%extracted) %arg5, %arg6, %arg7 : tensor<f64>, tensor<3xf64>, tensor<3xf64>
    } do {
    ^bb0(%arg5: tensor<f64>, %arg6: tensor<3xf64>, %arg7: tensor<3xf64>):
      %21 = linalg.fill ins(%cst : f64) outs(%7 : tensor<f64>) -> tensor<f64>
      %22 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["reduction"]} ins(%arg7 : tensor<3xf64>) outs(%21 : tensor<f64>) {
      ^bb0(%in: f64, %out: f64):
        %27 = arith.addf %out, %in : f64
        linalg.yield %27 : f64
      } -> tensor<f64>
      %23 = tensor.empty() : tensor<i1>
      %24 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%22, %cst_3 : tensor<f64>, tensor<f64>) outs(%23 : tensor<i1>) {
      ^bb0(%in: f64, %in_8: f64, %out: i1):
        %27 = arith.cmpf ogt, %in, %in_8 : f64
        linalg.yield %27 : i1
      } -> tensor<i1>
      %extracted = tensor.extract %24[] : tensor<i1>
      %25:2 = scf.if %extracted -> (tensor<3xf64>, tensor<3xf64>) {
        %27 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%arg7, %arg7 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
        ^bb0(%in: f64, %in_8: f64, %out: f64):
          %33 = arith.mulf %in, %in_8 : f64
          linalg.yield %33 : f64
        } -> tensor<3xf64>
        %28 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["reduction"]} ins(%27 : tensor<3xf64>) outs(%21 : tensor<f64>) {
        ^bb0(%in: f64, %out: f64):
          %33 = arith.addf %out, %in : f64
          linalg.yield %33 : f64
        } -> tensor<f64>
        %29 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%28, %cst_5 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
        ^bb0(%in: f64, %in_8: f64, %out: f64):
          %33 = arith.mulf %in, %in_8 : f64
          linalg.yield %33 : f64
        } -> tensor<f64>
        %30:2 = scf.while (%arg8 = %8, %arg9 = %arg6) : (tensor<f64>, tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>) {
          %33 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%arg8, %29 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
          ^bb0(%in: f64, %in_9: f64, %out: f64):
            %35 = arith.addf %in, %in_9 : f64
            linalg.yield %35 : f64
          } -> tensor<f64>
          %34 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%33, %cst_4 : tensor<f64>, tensor<f64>) outs(%23 : tensor<i1>) {
          ^bb0(%in: f64, %in_9: f64, %out: i1):
            %35 = arith.cmpf olt, %in, %in_9 : f64
            linalg.yield %35 : i1
          } -> tensor<i1>
          %extracted_8 = tensor.extract %34[] : tensor<i1>
          scf.condition(%extracted_8) %arg8, %arg9 : tensor<f64>, tensor<3xf64>
        } do {
        ^bb0(%arg8: tensor<f64>, %arg9: tensor<3xf64>):
          %33 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg9 : tensor<3xf64>) outs(%0 : tensor<3xf64>) {
          ^bb0(%in: f64, %out: f64):
            %35 = math.sin %in : f64
            linalg.yield %35 : f64
          } -> tensor<3xf64>
          %34 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%arg8, %cst_2 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
          ^bb0(%in: f64, %in_8: f64, %out: f64):
            %35 = arith.addf %in, %in_8 : f64
            linalg.yield %35 : f64
          } -> tensor<f64>
          scf.yield %34, %33 : tensor<f64>, tensor<3xf64>
        }
        %31 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%30#1, %cst_0 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
        ^bb0(%in: f64, %in_8: f64, %out: f64):
          %33 = arith.mulf %in, %in_8 : f64
          linalg.yield %33 : f64
        } -> tensor<3xf64>
        %32 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%arg7, %31 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
        ^bb0(%in: f64, %in_8: f64, %out: f64):
          %33 = arith.maximumf %in, %in_8 : f64
          linalg.yield %33 : f64
        } -> tensor<3xf64>
        scf.yield %30#1, %32 : tensor<3xf64>, tensor<3xf64>
      } else {
        %27 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg7 : tensor<3xf64>) outs(%0 : tensor<3xf64>) {
        ^bb0(%in: f64, %out: f64):
          %29 = math.tanh %in : f64
          linalg.yield %29 : f64
        } -> tensor<3xf64>
        %28 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%27, %arg7 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
        ^bb0(%in: f64, %in_8: f64, %out: f64):
          %29 = arith.mulf %in, %in_8 : f64
          linalg.yield %29 : f64
        } -> tensor<3xf64>
        scf.yield %28, %arg7 : tensor<3xf64>, tensor<3xf64>
      }
      %26 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%arg5, %cst_2 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
      ^bb0(%in: f64, %in_8: f64, %out: f64):
        %27 = arith.addf %in, %in_8 : f64
        linalg.yield %27 : f64
      } -> tensor<f64>
      scf.yield %26, %25#0, %25#1 : tensor<f64>, tensor<3xf64>, tensor<3xf64>
    }
    %expanded = tensor.expand_shape %9#2 [[0, 1]] output_shape [3, 1] : tensor<3xf64> into tensor<3x1xf64>
    %10 = tensor.empty() : tensor<3x1xf64>
    %11 = linalg.fill ins(%cst : f64) outs(%10 : tensor<3x1xf64>) -> tensor<3x1xf64>
    %12 = linalg.contract indexing_maps = [#map3, #map4, #map5] ins(%arg4, %expanded : tensor<3x3xf64>, tensor<3x1xf64>) outs(%11 : tensor<3x1xf64>) -> tensor<3x1xf64>
    %collapsed = tensor.collapse_shape %12 [[0, 1]] : tensor<3x1xf64> into tensor<3xf64>
    %13 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%9#2, %cst_0 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.mulf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<3xf64>
    %14 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%13, %9#2 : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.addf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<3xf64>
    %15 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]} ins(%collapsed, %collapsed : tensor<3xf64>, tensor<3xf64>) outs(%0 : tensor<3xf64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.mulf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<3xf64>
    %16 = linalg.fill ins(%cst : f64) outs(%7 : tensor<f64>) -> tensor<f64>
    %17 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["reduction"]} ins(%15 : tensor<3xf64>) outs(%16 : tensor<f64>) {
    ^bb0(%in: f64, %out: f64):
      %21 = arith.addf %out, %in : f64
      linalg.yield %21 : f64
    } -> tensor<f64>
    %18 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["reduction"]} ins(%14 : tensor<3xf64>) outs(%16 : tensor<f64>) {
    ^bb0(%in: f64, %out: f64):
      %21 = arith.addf %out, %in : f64
      linalg.yield %21 : f64
    } -> tensor<f64>
    %19 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%18, %cst_2 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.mulf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<f64>
    %20 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = []} ins(%17, %19 : tensor<f64>, tensor<f64>) outs(%7 : tensor<f64>) {
    ^bb0(%in: f64, %in_8: f64, %out: f64):
      %21 = arith.addf %in, %in_8 : f64
      linalg.yield %21 : f64
    } -> tensor<f64>
    return %20 : tensor<f64>
  }
}

