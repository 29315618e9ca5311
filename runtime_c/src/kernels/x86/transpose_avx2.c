/* Transposes with AVX2. */
#include "../vector/permute.h"
#include "avx2.h"

#define BYTES                      __m128i
#define BYTES_LOAD(from)           _mm_loadu_si128(from)
#define BYTES_STORE(to, x)         _mm_storeu_si128(to, x)
#define BYTES_ZIP(size, end, a, b) BYTES_ZIP_##end##_##size(a, b)
#define BYTES_ZIP_LOW_1(a, b)      _mm_unpacklo_epi8(a, b)
#define BYTES_ZIP_HIGH_1(a, b)     _mm_unpackhi_epi8(a, b)
#define BYTES_ZIP_LOW_2(a, b)      _mm_unpacklo_epi16(a, b)
#define BYTES_ZIP_HIGH_2(a, b)     _mm_unpackhi_epi16(a, b)

#include "../vector/permute.inc"
