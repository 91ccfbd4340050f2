// Memory for tables: zeroed, and touched only as it fills, so that what is not used costs nothing.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>

namespace wirefault {

struct Unmap {
  std::size_t size = 0;
  void operator()(void* memory) const { munmap(memory, size); }
};
template <class T>
using Pages = std::unique_ptr<T, Unmap>;

// In large pages where the system has them to give: what is looked up at random misses the
// processor's address cache less often.
template <class T>
Pages<T> zeroed_pages(std::size_t count) {
  const std::size_t size = count * sizeof(T);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc{};
  madvise(memory, size, MADV_HUGEPAGE);
  return Pages<T>{static_cast<T*>(memory), {size}};
}

}  // namespace wirefault
