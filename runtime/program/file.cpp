//===- file.cpp - reads a program file into memory -------------------------===//
#include "runtime/program/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cellgrad::program {

namespace {
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0)
      close(number);
  }
};

/// Reads exactly so many bytes.
bool readAll(int descriptor, char *to, size_t bytes) {
  while (bytes) {
    ssize_t got = read(descriptor, to, std::min<size_t>(bytes, size_t(1) << 30));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      errno = got ? errno : EIO; // it became shorter meanwhile
      return false;
    }
    to += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}
} // namespace

bool readFile(const char *path, Bytes &bytes, Problem &problem) {
  auto unreadable = [&](const char *why) { return problem.set(CGP_UNREADABLE, std::string(path) + ": " + why); };
  Descriptor file{open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status;
  if (file.number < 0 || fstat(file.number, &status) != 0)
    return unreadable(strerror(errno));
  if (!S_ISREG(status.st_mode))
    return unreadable("not a regular file");
  bytes.size = static_cast<size_t>(status.st_size);
  // The first bytes alone, so that a large file of another kind is not read.
  char preamble[kPreamble];
  size_t first = std::min(bytes.size, sizeof preamble);
  if (!readAll(file.number, preamble, first))
    return unreadable(strerror(errno));
  if (!readPreamble({preamble, first}, bytes.size, problem)) {
    problem.text = std::string(path) + ": " + problem.text;
    return false;
  }
  bytes.data.reset(static_cast<char *>(std::malloc(bytes.size)));
  if (!bytes.data)
    return problem.set(CGP_MEMORY, std::string(path) + ": no memory for " + std::to_string(bytes.size) + " bytes");
  memcpy(bytes.data.get(), preamble, first);
  return readAll(file.number, bytes.data.get() + first, bytes.size - first) || unreadable(strerror(errno));
}

} // namespace cellgrad::program
