/* Microsoft has it. */
#include <stddef.h>
typedef int jmp_buf[64];
