//===- Coefficients.h - minimax polynomials, made by tools/gen/minimax.py ---===//
#ifndef CELL_PASSES_EXPANDMATH_COEFFICIENTS_H
#define CELL_PASSES_EXPANDMATH_COEFFICIENTS_H

namespace mlir::cell::coefficients {
constexpr double kExpF32[] = {0x1.fffffc0000000p-2, 0x1.55548c0000000p-3, 0x1.55585a0000000p-5, 0x1.123df40000000p-7, 0x1.6ac4d60000000p-10}; // error 2^-28.2
constexpr double kExpm1F32[] = {0x1.0000000000000p-1, 0x1.55552c0000000p-3, 0x1.5555020000000p-5, 0x1.1155ac0000000p-7, 0x1.6d2a6c0000000p-10, 0x1.38dc620000000p-13}; // error 2^-27.7
constexpr double kLogF32[] = {0x1.5555540000000p-2, -0x1.0002280000000p-2, 0x1.99a0320000000p-3, -0x1.54723e0000000p-3, 0x1.22d7200000000p-3, -0x1.0d82500000000p-3, 0x1.056c380000000p-3, -0x1.38eca40000000p-4}; // error 2^-27.3
constexpr double kSinF32[] = {-0x1.5555560000000p-3, 0x1.1111400000000p-7, -0x1.a021620000000p-13, 0x1.6e25840000000p-19}; // error 2^-31.6
constexpr double kCosF32[] = {0x1.5555560000000p-5, -0x1.6c17180000000p-10, 0x1.a02fe40000000p-16, -0x1.2714520000000p-22}; // error 2^-35.6
constexpr double kAtanF32[] = {-0x1.5555400000000p-2, 0x1.9992660000000p-3, -0x1.24262a0000000p-3, 0x1.c0c8e40000000p-4, -0x1.58bcf60000000p-4, 0x1.dc97b00000000p-5, -0x1.012da60000000p-5, 0x1.6960ce0000000p-7, -0x1.dcb6c00000000p-10}; // error 2^-28.7
constexpr double kAsinF32[] = {0x1.5555ca0000000p-3, 0x1.3301600000000p-4, 0x1.748bb60000000p-5, 0x1.8ba1ee0000000p-6, 0x1.59dfce0000000p-5}; // error 2^-27.6
constexpr double kErfF32[] = {0x1.06eba80000000p-3, -0x1.8127400000000p-2, 0x1.ce2d600000000p-4, -0x1.b8007c0000000p-6, 0x1.5442100000000p-8, -0x1.a5b52c0000000p-11, 0x1.4e2c3e0000000p-14}; // error 2^-29.9
constexpr double kErfcF32[] = {-0x1.cb15580000000p-13, -0x1.20a8fc0000000p+0, -0x1.4652700000000p-1, -0x1.a91a380000000p-4, 0x1.6afe700000000p-6, -0x1.8c813c0000000p-9, 0x1.96ff8a0000000p-13}; // error 2^-29.4
constexpr double kAtanhPow[] = {0x1.555554fda3380p-1, 0x1.999a7a9b6a6e9p-2, 0x1.2438d1289892ap-2, 0x1.e2f772442e4a6p-3}; // error 2^-36.6
constexpr double kExpF64[] = {0x1.0000000000000p-1, 0x1.5555555555559p-3, 0x1.5555555555558p-5, 0x1.111111110f713p-7, 0x1.6c16c16c174bep-10, 0x1.a01a01af9e5c5p-13, 0x1.a01a0199c15f5p-16, 0x1.71ddf9236f6e0p-19, 0x1.27e50293dccfdp-22, 0x1.af5d455b1d03ep-26, 0x1.1f2a65526c471p-29}; // error 2^-61.6
constexpr double kErfF64[] = {0x1.06eba8214db69p-3, -0x1.812746b037a27p-2, 0x1.ce2f21a045b90p-4, -0x1.b82ce31366615p-6, 0x1.565bcd2fac491p-8, -0x1.c02db9e2486d2p-11, 0x1.f9a3cfa44fadep-14, -0x1.f4dec549407bfp-17, 0x1.ba8239c96fe2ap-20, -0x1.6472756238b2cp-23, 0x1.18193f1486bcap-26, -0x1.e4b23ebc57a53p-30, 0x1.68573f732efb2p-33}; // error 2^-56.2
constexpr double kErfcF64[] = {-0x1.139113e760fccp-21, -0x1.20dd1e2e33e20p+0, -0x1.45f635b98965ep-1, -0x1.a4ab2657bd80ep-4, 0x1.3719916a8433fp-6, 0x1.b1a4e57bdd49bp-12, -0x1.f70bacd80a20bp-10, 0x1.954e8c5e7d125p-11, -0x1.1e66ad01210d4p-13, -0x1.47716f37405d7p-16, 0x1.79ff8a7c14671p-16, -0x1.1fd44097bd950p-17, 0x1.1bd0dc2b0004fp-19, -0x1.8cc6502e2f32bp-22, 0x1.8a83a1cbec9b7p-25, -0x1.0b480140444ecp-28, 0x1.bc3449e4a8dc2p-33, -0x1.56490e93b6b1dp-38}; // error 2^-56.8
constexpr double kAtanhF64[] = {0x1.5555555555592p-1, 0x1.999999997ff17p-2, 0x1.24924941e1e29p-2, 0x1.c71c5213a055ep-3, 0x1.74663d18b4c11p-3, 0x1.39a1e4163858cp-3, 0x1.2f03ea9f74f49p-3}; // error 2^-58.5
constexpr double kAtanhPowF64[] = {0x1.999999999999ap-2, 0x1.2492492491fa2p-2, 0x1.c71c71c85a199p-3, 0x1.745d1659c8becp-3, 0x1.3b140228d42ccp-3, 0x1.1103e1d7987c3p-3, 0x1.e37d9eeebd76bp-4, 0x1.b994b438d6d6ap-4}; // error 2^-55.3
constexpr double kSinF64[] = {-0x1.5555555555549p-3, 0x1.111111110f89dp-7, -0x1.a01a019c144b4p-13, 0x1.71de35791a441p-19, -0x1.ae5e66c53fd37p-26, 0x1.5d930970d273ap-33}; // error 2^-58.0
constexpr double kCosF64[] = {0x1.555555555554cp-5, -0x1.6c16c16c15217p-10, 0x1.a01a019cbe081p-16, -0x1.27e4f81169c21p-22, 0x1.1ee9f04272faep-29, -0x1.8fb08faa5a0e7p-37}; // error 2^-64.2
constexpr double kAtanF64[] = {-0x1.5555555555323p-2, 0x1.999999994ab58p-3, -0x1.24924905e1d31p-3, 0x1.c71c65ee7f30dp-4, -0x1.745bc5dd20826p-4, 0x1.3afc592090916p-4, -0x1.100654fa7f9ecp-4, 0x1.d2605a2e0eee3p-5, -0x1.65374be700db1p-5, 0x1.5c98baf1ee6b4p-6}; // error 2^-54.7
constexpr double kAsinF64[] = {0x1.5555555555385p-3, 0x1.333333336fccfp-4, 0x1.6db6db41a38d3p-5, 0x1.f1c72c7ddae63p-6, 0x1.6e89edda8aad2p-6, 0x1.1c6c411b3c411p-6, 0x1.c6f6799d941a9p-7, 0x1.8ef239e2e00f4p-7, 0x1.aa3b9fdce57d3p-8, 0x1.4105a82bf431ap-6, -0x1.0b7ab451b0baep-6, 0x1.05fd042fda768p-5}; // error 2^-55.8
} // namespace mlir::cell::coefficients

#endif // CELL_PASSES_EXPANDMATH_COEFFICIENTS_H
