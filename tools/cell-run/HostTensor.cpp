//===- HostTensor.cpp - tensors read from the command line and printed ----===//
#include "tools/cell-run/HostTensor.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace mlir::cell;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error problem(const llvm::Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

static std::string text(Type type) {
  std::string s;
  llvm::raw_string_ostream(s) << type;
  return s;
}

Expected<HostTensor> HostTensor::zeros(Type type) {
  HostTensor t;
  t.type = dyn_cast<RankedTensorType>(type);
  if (auto buffer = dyn_cast<MemRefType>(type); buffer && buffer.getLayout().isIdentity()) // of a file that is in the stage with buffers
    t.type = RankedTensorType::get(buffer.getShape(), buffer.getElementType());
  if (!t.type || !t.type.hasStaticShape())
    return problem("only ranked tensors of static shape can be run, not " + text(type));
  Type element = t.type.getElementType();
  if (!(element.isF16() || element.isBF16() || element.isF32() || element.isF64() || element.isInteger(1) || element.isInteger(8) ||
        element.isInteger(16) || element.isInteger(32) || element.isInteger(64)))
    return problem("no memory form for elements of type " + text(element));
  t.elementBytes = (element.getIntOrFloatBitWidth() + 7) / 8;
  t.count = 1;
  int64_t size = t.elementBytes;
  for (int64_t dim : t.type.getShape()) {
    if (dim && size > (int64_t(1) << 46) / dim)
      return problem(text(type) + " is too large for memory");
    t.count *= dim;
    size *= dim;
  }
  size = (std::max<int64_t>(size, 1) + 63) / 64 * 64;
  t.bytes.reset(static_cast<char *>(std::aligned_alloc(64, size)));
  if (!t.bytes)
    return problem("no memory for " + text(type));
  std::memset(t.bytes.get(), 0, size);
  return std::move(t);
}

Expected<HostTensor> HostTensor::fromSpec(StringRef spec, Type type) {
  Expected<HostTensor> made = zeros(type);
  if (!made)
    return made.takeError();
  HostTensor &t = *made;
  if (size_t equals = spec.find('='); equals != StringRef::npos) {
    std::string wanted;
    llvm::raw_string_ostream os(wanted);
    for (int64_t dim : t.type.getShape())
      os << dim << 'x';
    os << t.type.getElementType();
    if (spec.take_front(equals) != wanted)
      return problem("'" + spec.take_front(equals) + "' given, but the function takes " + wanted);
    spec = spec.drop_front(equals + 1);
  }
  Error error = spec.ends_with(".npy")                          ? t.readNpy(spec)
                : spec == "rand" || spec.starts_with("rand:") ? t.readRandom(spec.drop_front(4))
                                                                : t.readList(spec);
  if (error)
    return std::move(error);
  return made;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

void HostTensor::setNumber(int64_t index, double value) {
  char *at = bytes.get() + index * elementBytes;
  Type element = type.getElementType();
  if (auto floating = dyn_cast<FloatType>(element)) {
    llvm::APFloat number(value);
    bool inexact;
    number.convert(floating.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &inexact);
    uint64_t bits = number.bitcastToAPInt().getZExtValue();
    std::memcpy(at, &bits, elementBytes);
    return;
  }
  int64_t integer = element.isInteger(1) ? value != 0 : int64_t(value);
  std::memcpy(at, &integer, elementBytes);
}

bool HostTensor::setElement(int64_t index, StringRef s) {
  s = s.trim();
  Type element = type.getElementType();
  if (isa<FloatType>(element)) {
    double value;
    if (s.equals_insensitive("nan"))
      value = std::numeric_limits<double>::quiet_NaN();
    else if (s.ltrim("+-").equals_insensitive("inf"))
      value = s.front() == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    else if (s.getAsDouble(value))
      return false;
    setNumber(index, value);
    return true;
  }
  if (element.isInteger(1) && (s == "true" || s == "false"))
    s = s == "true" ? "1" : "0";
  unsigned width = element.getIntOrFloatBitWidth();
  int64_t value;
  if (s.getAsInteger(10, value))
    return false;
  bool fits = element.isUnsignedInteger() || width == 1 ? value >= 0 && llvm::isUIntN(width, uint64_t(value)) : llvm::isIntN(width, value);
  if (fits)
    std::memcpy(bytes.get() + index * elementBytes, &value, elementBytes);
  return fits;
}

void HostTensor::printElement(llvm::raw_ostream &os, int64_t index) const {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes.get() + index * elementBytes, elementBytes);
  Type element = type.getElementType();
  if (auto floating = dyn_cast<FloatType>(element)) {
    llvm::APFloat number(floating.getFloatSemantics(), llvm::APInt(floating.getWidth(), bits));
    bool inexact;
    number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &inexact);
    os << llvm::format(element.isF64() ? "%.15g" : element.isF32() ? "%.7g" : "%.4g", number.convertToDouble());
  } else if (element.isInteger(1)) {
    os << (bits ? "true" : "false");
  } else if (element.isUnsignedInteger()) {
    os << bits;
  } else {
    os << llvm::SignExtend64(bits, element.getIntOrFloatBitWidth());
  }
}

void HostTensor::print(llvm::raw_ostream &os, int64_t limit) const {
  os << type << " = ";
  ArrayRef<int64_t> shape = type.getShape();
  if (count == 0) {
    os << "[]";
    return;
  }
  int64_t shown = std::min(count, limit);
  // After element i, each dimension whose extent divides i + 1 closes; the same number opens before the next one.
  os << std::string(shape.size(), '[');
  for (int64_t i = 0; i < shown; ++i) {
    printElement(os, i);
    int64_t next = i + 1, closed = 0;
    for (int64_t d = int64_t(shape.size()) - 1, extent = 1; d >= 0; --d) {
      extent *= shape[d];
      if (next % extent)
        break;
      ++closed;
    }
    os << std::string(closed, ']');
    if (next < shown)
      os << ", " << std::string(closed, '[');
  }
  if (shown < count)
    os << ", ... (" << count << " elements, " << shown << " shown)";
}

//===----------------------------------------------------------------------===//
// Sources of values
//===----------------------------------------------------------------------===//

Error HostTensor::readList(StringRef list) {
  SmallVector<StringRef> items;
  if (!list.empty())
    list.split(items, ',');
  if (int64_t(items.size()) != count && items.size() != 1)
    return problem(llvm::Twine(items.size()) + " values given for " + llvm::Twine(count) + " elements of " + text(type) +
                   "; give all of them, or one for all");
  for (int64_t i = 0; i < count; ++i)
    if (StringRef item = items[items.size() == 1 ? 0 : i]; !setElement(i, item))
      return problem("'" + item + "' is not a value of " + text(type.getElementType()));
  return Error::success();
}

Error HostTensor::readRandom(StringRef arguments) {
  uint64_t state = 0;
  double low = isa<FloatType>(type.getElementType()) ? -1 : 0, high = type.getElementType().isInteger(1) ? 2 : low < 0 ? 1 : 100;
  SmallVector<StringRef> parts;
  arguments.consume_front(":");
  if (!arguments.empty())
    arguments.split(parts, ':');
  if ((parts.size() != 0 && parts.size() != 1 && parts.size() != 3) || (parts.size() >= 1 && parts[0].getAsInteger(10, state)) ||
      (parts.size() == 3 && (parts[1].getAsDouble(low) || parts[2].getAsDouble(high))))
    return problem("random input is written rand, rand:seed or rand:seed:low:high");
  for (int64_t i = 0; i < count; ++i) { // splitmix64
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    double unit = double((z ^ (z >> 31)) >> 11) * 0x1p-53;
    double value = low + unit * (high - low);
    setNumber(i, type.getElementType().isInteger(1) ? std::floor(value) : value);
  }
  return Error::success();
}

StringRef HostTensor::npyFormat() const {
  Type e = type.getElementType();
  return e.isF16()                  ? "<f2"
         : e.isBF16()               ? "<V2"
         : e.isF32()                ? "<f4"
         : e.isF64()                ? "<f8"
         : e.isInteger(1)           ? "|b1"
         : e.isUnsignedInteger(8)   ? "|u1"
         : e.isInteger(8)           ? "|i1"
         : e.isInteger(16)          ? "<i2"
         : e.isInteger(32)          ? "<i4"
                                    : "<i8";
}

static std::string npyShape(ArrayRef<int64_t> shape) {
  std::string s = "(";
  for (auto [i, dim] : llvm::enumerate(shape))
    s += (i ? ", " : "") + std::to_string(dim);
  return s + (shape.size() == 1 ? ",)" : ")");
}

Error HostTensor::readNpy(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return problem(path + ": " + file.getError().message());
  StringRef all = (*file)->getBuffer();
  if (all.size() < 12 || !all.starts_with("\x93NUMPY"))
    return problem(path + ": not an .npy file");
  bool wide = all[6] > 1;
  auto byte = [&](size_t i) { return size_t(uint8_t(all[i])); };
  size_t start = wide ? 12 : 10, length = byte(8) | byte(9) << 8 | (wide ? byte(10) << 16 | byte(11) << 24 : 0);
  if (length > all.size() - start)
    return problem(path + ": the header is cut short");
  StringRef header = all.substr(start, length), body = all.drop_front(start + length);
  std::string format = ("'descr': '" + npyFormat() + "'").str(), anyOrder = ("'descr': '|" + npyFormat().drop_front() + "'").str();
  std::string shape = "'shape': " + npyShape(type.getShape());
  bool rightType = header.contains(format) || header.contains(anyOrder);
  if (!rightType || !header.contains(shape) || (header.contains("'fortran_order': True") && type.getRank() > 1))
    return problem(path + " holds " + header.trim() + ", but the function takes " + format + ", " + shape + " in C order");
  if (int64_t(body.size()) < count * elementBytes)
    return problem(path + ": " + llvm::Twine(body.size()) + " bytes of data, " + llvm::Twine(count * elementBytes) + " expected");
  std::memcpy(bytes.get(), body.data(), count * elementBytes);
  return Error::success();
}

Error HostTensor::saveNpy(StringRef path) const {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (code)
    return problem(path + ": " + code.message());
  std::string header = ("{'descr': '" + npyFormat() + "', 'fortran_order': False, 'shape': " + npyShape(type.getShape()) + ", }").str();
  header.resize((header.size() + 1 + 10 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  os << StringRef("\x93NUMPY\x01\x00", 8) << char(header.size() & 255) << char(header.size() >> 8) << header;
  os.write(bytes.get(), count * elementBytes);
  os.close();
  if (os.has_error())
    return problem(path + ": " + os.error().message());
  return Error::success();
}
