/* float16 to and from float32 with F16C. */
#include "../vector/halves.h"

#include <immintrin.h>

#include "../prototypes.h"

static inline void halves_widen_vector(const uint16_t *from, float *to) {
    _mm256_storeu_ps(to, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)from)));
}

static inline void halves_narrow_vector(const float *from, uint16_t *to) {
    _mm_storeu_si128((__m128i *)(void *)to,
                     _mm256_cvtps_ph(_mm256_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT));
}

#include "../vector/halves.inc"

const smr_halves smr_halves_avx2 = {halves_widen, halves_narrow};

smr_status smr_prepare_cast_avx2(smr_node *node, smr_error *error) {
    return smr_vector_prepare_cast(node, &smr_halves_avx2, error);
}
