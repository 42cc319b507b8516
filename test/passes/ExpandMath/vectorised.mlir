// REQUIRES: cell-run
// RUN: cell-run %s --cpu=x86-64-v4 --features=+avx512f --assembly | FileCheck %s --check-prefix=AVX512 --implicit-check-not="{{call.*(expf|tanhf|sinf|powf|log1pf|erff)}}"
// RUN: cell-run %s --cpu=x86-64-v3 --assembly | FileCheck %s --check-prefix=AVX2 --implicit-check-not="{{call.*(expf|tanhf|sinf|powf|log1pf|erff)}}"

// A loop around the functions is vector code without calls.
// AVX512: vfmadd{{.*}}zmm
// AVX2: vfmadd{{.*}}ymm
func.func @main(%x: tensor<4096xf32>) -> tensor<4096xf32> {
  %0 = cell.exp %x : tensor<4096xf32>
  %1 = cell.tanh %0 : tensor<4096xf32>
  %2 = cell.sin %1 : tensor<4096xf32>
  %3 = cell.pow %2, %x : tensor<4096xf32>
  %4 = cell.log1p %3 : tensor<4096xf32>
  %5 = cell.erf %4 : tensor<4096xf32>
  return %5 : tensor<4096xf32>
}
