// RUN: cell-opt %s --expand-math | FileCheck %s --implicit-check-not="{{math\.(exp|log|sin|cos |cosh|tan|asin|acos|atan|erf|powf|rsqrt)}}"

// CHECK-LABEL: func.func @all
// CHECK: return
func.func @all(%x: f32, %y: f32) -> f32 {
  %exp = math.exp %x : f32
  %exp2 = math.exp2 %exp : f32
  %expm1 = math.expm1 %exp2 : f32
  %sinh = math.sinh %expm1 : f32
  %cosh = math.cosh %sinh : f32
  %tanh = math.tanh %cosh : f32
  %log = math.log %tanh : f32
  %log2 = math.log2 %log : f32
  %log10 = math.log10 %log2 : f32
  %log1p = math.log1p %log10 : f32
  %sin = math.sin %log1p : f32
  %cos = math.cos %sin : f32
  %tan = math.tan %cos : f32
  %asin = math.asin %tan : f32
  %acos = math.acos %asin : f32
  %atan = math.atan %acos : f32
  %atan2 = math.atan2 %atan, %y : f32
  %erf = math.erf %atan2 : f32
  %pow = math.powf %erf, %y : f32
  %rsqrt = math.rsqrt %pow : f32
  return %rsqrt : f32
}
