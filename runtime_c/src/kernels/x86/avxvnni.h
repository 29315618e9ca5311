/* The dot product of AVX-VNNI. */
#ifndef SMR_X86_AVXVNNI_H
#define SMR_X86_AVXVNNI_H

#include <immintrin.h>

/* Adds the products of four unsigned numbers and four signed weights to each of 8 sums. gcc 12 moves the sums
 * from register to register around the intrinsic. A build with SMR_EMULATE tests what uses it on processors
 * that lack the instruction. */
static inline __m256i vnni_dot(__m256i sums, __m256i numbers, __m256i weights) {
#if defined(SMR_EMULATE)
    const __m256i even = _mm256_and_si256(numbers, _mm256_set1_epi16(0xff)),
                  odd = _mm256_srli_epi16(numbers, 8);
    const __m256i even_weights = _mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8);
    const __m256i first = _mm256_madd_epi16(even, even_weights);
    const __m256i second = _mm256_madd_epi16(odd, _mm256_srai_epi16(weights, 8));
    return _mm256_add_epi32(sums, _mm256_add_epi32(first, second));
#elif defined(__GNUC__) && !defined(__clang__)
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums) : "x"(numbers), "x"(weights));
    return sums;
#else
    return _mm256_dpbusd_avx_epi32(sums, numbers, weights);
#endif
}

#endif
