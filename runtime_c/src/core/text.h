/* Formatting messages, the same way everywhere and without stdio. */
#ifndef SMR_TEXT_H
#define SMR_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most `room` bytes, the final zero included, and returns how many there are before it. Understood
 * are %d %i %u %x %c %s %g and %%, with h, hh, l, ll, z and t, a width that a zero may precede, and a
 * precision for %s. A conversion that is not understood ends the text. */
size_t smr_text_format(char *text, size_t room, const char *format, va_list arguments);

#endif
