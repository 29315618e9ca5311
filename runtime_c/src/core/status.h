/* The one way that an error is made, and the two macros that pass it on. */
#ifndef SMR_STATUS_H
#define SMR_STATUS_H

#include "samara.h"

#if defined(__GNUC__)
#define SMR_PRINTF_LIKE __attribute__((format(printf, 3, 4)))
#else
#define SMR_PRINTF_LIKE
#endif

/* Fills `error`, when there is one, and returns `status`. */
smr_status smr_fail(smr_error *error, smr_status status, const char *format, ...) SMR_PRINTF_LIKE;

#ifdef SMR_NO_ERROR_STRINGS
#define SMR_FAIL(error, status, ...) return smr_fail((error), (status), "%s", "")
#else
#define SMR_FAIL(error, status, ...) return smr_fail((error), (status), __VA_ARGS__)
#endif

#define SMR_TRY(expression)                      \
    do {                                         \
        const smr_status smr_try = (expression); \
        if (smr_try != SMR_OK) {                 \
            return smr_try;                      \
        }                                        \
    } while (0)

#endif
