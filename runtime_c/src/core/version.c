/* The library's version. */
#include "version.h"

#include "samara.h"

#define VERSION_TEXT_OF(x) #x
#define VERSION_TEXT(x)    VERSION_TEXT_OF(x)

uint32_t smr_version(void) {
    return SMR_VERSION_NUMBER;
}

const char *smr_version_string(void) {
    return VERSION_TEXT(SMR_VERSION_MAJOR) "." VERSION_TEXT(SMR_VERSION_MINOR) "." VERSION_TEXT(
        SMR_VERSION_PATCH);
}
