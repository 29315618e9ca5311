/* Status names and messages. */
#include "status.h"

#include <stdarg.h>
#include <string.h>

#include "text.h"

const char *smr_status_name(smr_status status) {
    switch (status) {
        case SMR_OK: return "SMR_OK";
        case SMR_ERROR_ARGUMENT: return "SMR_ERROR_ARGUMENT";
        case SMR_ERROR_NOT_FOUND: return "SMR_ERROR_NOT_FOUND";
        case SMR_ERROR_DIMENSION: return "SMR_ERROR_DIMENSION";
        case SMR_ERROR_FORMAT: return "SMR_ERROR_FORMAT";
        case SMR_ERROR_VERSION: return "SMR_ERROR_VERSION";
        case SMR_ERROR_UNSUPPORTED: return "SMR_ERROR_UNSUPPORTED";
        case SMR_ERROR_MODEL: return "SMR_ERROR_MODEL";
        case SMR_ERROR_HASH: return "SMR_ERROR_HASH";
        case SMR_ERROR_MEMORY: return "SMR_ERROR_MEMORY";
        case SMR_ERROR_IO: return "SMR_ERROR_IO";
        case SMR_ERROR_THREAD: return "SMR_ERROR_THREAD";
        case SMR_ERROR_DATA: return "SMR_ERROR_DATA";
        case SMR_ERROR_CANCELLED: return "SMR_ERROR_CANCELLED";
        case SMR_ERROR_MISMATCH: return "SMR_ERROR_MISMATCH";
        default: return "SMR_ERROR_UNKNOWN";
    }
}

#ifdef SMR_NO_ERROR_STRINGS

smr_status smr_fail(smr_error *error, smr_status status, const char *format, ...) {
    (void)format;
    if (error != NULL) {
        error->status = status;
        error->message[0] = '\0';
    }
    return status;
}

void smr_error_where(smr_error *error, const char *format, ...) {
    (void)error;
    (void)format;
}

#else

static void make_printable(char *text) {
    for (; *text != '\0'; ++text) {
        if (*text < ' ' || *text > '~') {
            *text = '?';
        }
    }
}

smr_status smr_fail(smr_error *error, smr_status status, const char *format, ...) {
    if (error != NULL) {
        va_list arguments;
        error->status = status;
        va_start(arguments, format);
        (void)smr_text_format(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        make_printable(error->message);
    }
    return status;
}

void smr_error_where(smr_error *error, const char *format, ...) {
    char where[sizeof error->message];
    va_list arguments;
    size_t size, old, room;
    if (error == NULL) {
        return;
    }
    va_start(arguments, format);
    size = smr_text_format(where, sizeof where, format, arguments);
    va_end(arguments);
    old = strlen(error->message) + 1;
    room = sizeof error->message - size;
    memmove(error->message + size, error->message, old < room ? old : room);
    memcpy(error->message, where, size);
    error->message[sizeof error->message - 1] = '\0';
    make_printable(error->message);
}

#endif
