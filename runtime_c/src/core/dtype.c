/* Element types: names and sizes. */
#include "samara.h"

const char *smr_dtype_name(smr_dtype dtype) {
    switch (dtype) {
        case SMR_DTYPE_FLOAT32: return "float32";
        case SMR_DTYPE_FLOAT16: return "float16";
        case SMR_DTYPE_INT8: return "int8";
        case SMR_DTYPE_UINT8: return "uint8";
        case SMR_DTYPE_INT16: return "int16";
        case SMR_DTYPE_INT32: return "int32";
        case SMR_DTYPE_INT64: return "int64";
        case SMR_DTYPE_BOOL: return "bool";
        case SMR_DTYPE_NONE:
        default: return "none";
    }
}

size_t smr_dtype_size(smr_dtype dtype) {
    switch (dtype) {
        case SMR_DTYPE_INT8:
        case SMR_DTYPE_UINT8:
        case SMR_DTYPE_BOOL: return 1;
        case SMR_DTYPE_FLOAT16:
        case SMR_DTYPE_INT16: return 2;
        case SMR_DTYPE_FLOAT32:
        case SMR_DTYPE_INT32: return 4;
        case SMR_DTYPE_INT64: return 8;
        case SMR_DTYPE_NONE:
        default: return 0;
    }
}
