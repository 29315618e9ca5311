/* The one way that an error is made, and the two macros that pass it on. */
#ifndef SMR_STATUS_H
#define SMR_STATUS_H

#include "samara.h"

/* What smr_text_format understands; MinGW's gcc takes plain printf for that of an old Windows. */
#if defined(__clang__)
#define SMR_PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#elif defined(__GNUC__)
#define SMR_PRINTF_LIKE(text, first) __attribute__((format(gnu_printf, text, first)))
#else
#define SMR_PRINTF_LIKE(text, first)
#endif

/* Fills `error`, when there is one, and returns `status`. Text that comes from a file is printed with a
 * limit, as "%.64s"; whatever is not printable ASCII becomes a question mark. */
smr_status smr_fail(smr_error *error, smr_status status, const char *format, ...) SMR_PRINTF_LIKE(3, 4);

/* Puts where it happened in front of an error's message. */
void smr_error_where(smr_error *error, const char *format, ...) SMR_PRINTF_LIKE(2, 3);

/* Fails and returns. The status is returned by name, so that a compiler sees that it is not SMR_OK. Without
 * strings the arguments are still compiled, so that what only a message uses counts as used. */
#ifdef SMR_NO_ERROR_STRINGS
#define SMR_FAIL(error, status, ...)                        \
    do {                                                    \
        if (0) {                                            \
            (void)smr_fail((error), (status), __VA_ARGS__); \
        }                                                   \
        (void)smr_fail((error), (status), "%s", "");        \
        return (status);                                    \
    } while (0)
#else
#define SMR_FAIL(error, status, ...)                    \
    do {                                                \
        (void)smr_fail((error), (status), __VA_ARGS__); \
        return (status);                                \
    } while (0)
#endif

#define SMR_TRY(expression)                      \
    do {                                         \
        const smr_status smr_try = (expression); \
        if (smr_try != SMR_OK) {                 \
            return smr_try;                      \
        }                                        \
    } while (0)

#endif
