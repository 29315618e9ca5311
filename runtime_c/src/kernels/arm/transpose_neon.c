/* Transposes with NEON. */
#include "../vector/permute.h"
#include "neon.h"

#define NEON_PAIRS(x)              vreinterpretq_u16_u8(x)
#define BYTES                      uint8x16_t
#define BYTES_LOAD(from)           vld1q_u8(from)
#define BYTES_STORE(to, x)         vst1q_u8(to, x)
#define BYTES_ZIP(size, end, a, b) BYTES_ZIP_##end##_##size(a, b)
#define BYTES_ZIP_LOW_1(a, b)      vzipq_u8(a, b).val[0]
#define BYTES_ZIP_HIGH_1(a, b)     vzipq_u8(a, b).val[1]
#define BYTES_ZIP_LOW_2(a, b)      vreinterpretq_u8_u16(vzipq_u16(NEON_PAIRS(a), NEON_PAIRS(b)).val[0])
#define BYTES_ZIP_HIGH_2(a, b)     vreinterpretq_u8_u16(vzipq_u16(NEON_PAIRS(a), NEON_PAIRS(b)).val[1])

#include "../vector/permute.inc"
