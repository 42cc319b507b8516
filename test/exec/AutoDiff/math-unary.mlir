// Derivatives of the functions of one operand of the math dialect, against closed forms.
// REQUIRES: cell-run
// RUN: cell-run %s --input=3xf64=0.25,0.5,0.75 | FileCheck %s
func.func private @absf(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.absf %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @exp(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.exp %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @exp2(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.exp2 %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @expm1(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.expm1 %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @log(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.log %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @log2(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.log2 %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @log10(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.log10 %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @log1p(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.log1p %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @sqrt(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.sqrt %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @rsqrt(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.rsqrt %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @cbrt(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.cbrt %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @sin(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.sin %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @cos(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.cos %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @tan(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.tan %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @asin(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.asin %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @acos(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.acos %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @atan(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.atan %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @sinh(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.sinh %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @cosh(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.cosh %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @tanh(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.tanh %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @asinh(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.asinh %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @acosh(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.acosh %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @atanh(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.atanh %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @erf(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.erf %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @erfc(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.erfc %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @negf(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = arith.negf %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @floor(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.floor %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @ceil(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.ceil %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @round(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.round %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @roundeven(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.roundeven %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @trunc(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = math.trunc %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func @main(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  %o0 = arith.constant dense<-0.5> : tensor<3xf64>
  %a0 = arith.addf %x, %o0 : tensor<3xf64>
  // CHECK: result 0: {{.*}} = [-1, 0, 1]
  %v0, %g0 = cell.value_and_grad @absf(%a0) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 1: {{.*}} = [1.28402541{{[0-9]*}}, 1.64872127{{[0-9]*}}, 2.11700001{{[0-9]*}}]
  %v1, %g1 = cell.value_and_grad @exp(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 2: {{.*}} = [0.82429555{{[0-9]*}}, 0.98025814{{[0-9]*}}, 1.16572995{{[0-9]*}}]
  %v2, %g2 = cell.value_and_grad @exp2(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 3: {{.*}} = [1.28402541{{[0-9]*}}, 1.64872127{{[0-9]*}}, 2.11700001{{[0-9]*}}]
  %v3, %g3 = cell.value_and_grad @expm1(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 4: {{.*}} = [4, 2, 1.33333333{{[0-9]*}}]
  %v4, %g4 = cell.value_and_grad @log(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 5: {{.*}} = [5.77078016{{[0-9]*}}, 2.88539008{{[0-9]*}}, 1.92359338{{[0-9]*}}]
  %v5, %g5 = cell.value_and_grad @log2(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 6: {{.*}} = [1.73717792{{[0-9]*}}, 0.86858896{{[0-9]*}}, 0.57905930{{[0-9]*}}]
  %v6, %g6 = cell.value_and_grad @log10(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 7: {{.*}} = [0.8, 0.66666666{{[0-9]*}}, 0.57142857{{[0-9]*}}]
  %v7, %g7 = cell.value_and_grad @log1p(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 8: {{.*}} = [1, 0.70710678{{[0-9]*}}, 0.57735026{{[0-9]*}}]
  %v8, %g8 = cell.value_and_grad @sqrt(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 9: {{.*}} = [-4, -1.4142135{{[0-9]*}}, -0.7698003{{[0-9]*}}]
  %v9, %g9 = cell.value_and_grad @rsqrt(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 10: {{.*}} = [0.83994736{{[0-9]*}}, 0.52913368{{[0-9]*}}, 0.40380457{{[0-9]*}}]
  %v10, %g10 = cell.value_and_grad @cbrt(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 11: {{.*}} = [0.96891242{{[0-9]*}}, 0.87758256{{[0-9]*}}, 0.73168886{{[0-9]*}}]
  %v11, %g11 = cell.value_and_grad @sin(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 12: {{.*}} = [-0.2474039{{[0-9]*}}, -0.4794255{{[0-9]*}}, -0.6816387{{[0-9]*}}]
  %v12, %g12 = cell.value_and_grad @cos(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 13: {{.*}} = [1.06519949{{[0-9]*}}, 1.29844641{{[0-9]*}}, 1.86787196{{[0-9]*}}]
  %v13, %g13 = cell.value_and_grad @tan(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 14: {{.*}} = [1.03279555{{[0-9]*}}, 1.15470053{{[0-9]*}}, 1.51185789{{[0-9]*}}]
  %v14, %g14 = cell.value_and_grad @asin(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 15: {{.*}} = [-1.0327955{{[0-9]*}}, -1.1547005{{[0-9]*}}, -1.5118578{{[0-9]*}}]
  %v15, %g15 = cell.value_and_grad @acos(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 16: {{.*}} = [0.94117647{{[0-9]*}}, 0.8, 0.64]
  %v16, %g16 = cell.value_and_grad @atan(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 17: {{.*}} = [1.03141309{{[0-9]*}}, 1.12762596{{[0-9]*}}, 1.29468328{{[0-9]*}}]
  %v17, %g17 = cell.value_and_grad @sinh(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 18: {{.*}} = [0.25261231{{[0-9]*}}, 0.52109530{{[0-9]*}}, 0.82231673{{[0-9]*}}]
  %v18, %g18 = cell.value_and_grad @cosh(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 19: {{.*}} = [0.94001484{{[0-9]*}}, 0.78644773{{[0-9]*}}, 0.59658580{{[0-9]*}}]
  %v19, %g19 = cell.value_and_grad @tanh(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 20: {{.*}} = [0.97014250{{[0-9]*}}, 0.89442719{{[0-9]*}}, 0.8]
  %v20, %g20 = cell.value_and_grad @asinh(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  %o21 = arith.constant dense<1.0> : tensor<3xf64>
  %a21 = arith.addf %x, %o21 : tensor<3xf64>
  // CHECK: result 21: {{.*}} = [1.33333333{{[0-9]*}}, 0.89442719{{[0-9]*}}, 0.69631062{{[0-9]*}}]
  %v21, %g21 = cell.value_and_grad @acosh(%a21) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 22: {{.*}} = [1.06666666{{[0-9]*}}, 1.33333333{{[0-9]*}}, 2.28571428{{[0-9]*}}]
  %v22, %g22 = cell.value_and_grad @atanh(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 23: {{.*}} = [1.06001412{{[0-9]*}}, 0.87878257{{[0-9]*}}, 0.64293106{{[0-9]*}}]
  %v23, %g23 = cell.value_and_grad @erf(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 24: {{.*}} = [-1.0600141{{[0-9]*}}, -0.8787825{{[0-9]*}}, -0.6429310{{[0-9]*}}]
  %v24, %g24 = cell.value_and_grad @erfc(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 25: {{.*}} = [-1, -1, -1]
  %v25, %g25 = cell.value_and_grad @negf(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 26: {{.*}} = [0, 0, 0]
  %v26, %g26 = cell.value_and_grad @floor(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 27: {{.*}} = [0, 0, 0]
  %v27, %g27 = cell.value_and_grad @ceil(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 28: {{.*}} = [0, 0, 0]
  %v28, %g28 = cell.value_and_grad @round(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 29: {{.*}} = [0, 0, 0]
  %v29, %g29 = cell.value_and_grad @roundeven(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 30: {{.*}} = [0, 0, 0]
  %v30, %g30 = cell.value_and_grad @trunc(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  return %g0, %g1, %g2, %g3, %g4, %g5, %g6, %g7, %g8, %g9, %g10, %g11, %g12, %g13, %g14, %g15, %g16, %g17, %g18, %g19, %g20, %g21, %g22, %g23, %g24, %g25, %g26, %g27, %g28, %g29, %g30 : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}
