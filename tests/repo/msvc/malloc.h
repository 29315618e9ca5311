/* What the runtime uses of Microsoft's header. */
#include <stddef.h>

void *__cdecl _aligned_malloc(size_t size, size_t alignment);
void __cdecl _aligned_free(void *memory);
