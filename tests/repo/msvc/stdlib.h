/* What the runtime uses of Microsoft's header. */
#include <stddef.h>
