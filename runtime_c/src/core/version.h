/* The library's version, which the build takes from one place. */
#ifndef SMR_VERSION_H
#define SMR_VERSION_H

#if !defined(SMR_VERSION_MAJOR) || !defined(SMR_VERSION_MINOR) || !defined(SMR_VERSION_PATCH)
#error "the build defines SMR_VERSION_MAJOR, SMR_VERSION_MINOR and SMR_VERSION_PATCH"
#endif

#define SMR_VERSION_NUMBER (SMR_VERSION_MAJOR * 1000000u + SMR_VERSION_MINOR * 1000u + SMR_VERSION_PATCH)

/* The newest version of the file format that this runtime reads. */
#define SMR_FORMAT_VERSION 1u

#endif
