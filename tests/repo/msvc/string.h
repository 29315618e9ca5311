/* What the runtime uses of Microsoft's header. */
#include <stddef.h>

int __cdecl memcmp(const void *a, const void *b, size_t size);
void *__cdecl memchr(const void *memory, int byte, size_t size);
void *__cdecl memcpy(void *to, const void *from, size_t size);
void *__cdecl memmove(void *to, const void *from, size_t size);
void *__cdecl memset(void *memory, int byte, size_t size);
int __cdecl strcmp(const char *a, const char *b);
int __cdecl strncmp(const char *a, const char *b, size_t size);
size_t __cdecl strlen(const char *text);
char *__cdecl strchr(const char *text, int character);
