/* The dot product of AVX-512 VNNI. */
#ifndef SMR_X86_VNNI_H
#define SMR_X86_VNNI_H

#include <immintrin.h>

/* Adds the products of four unsigned numbers and four signed weights to each of 16 sums. gcc 12 moves the
 * sums from register to register around the intrinsic, which halves the speed. */
static inline __m512i vnni_dot(__m512i sums, __m512i numbers, __m512i weights) {
#if defined(__GNUC__) && !defined(__clang__)
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(numbers), "v"(weights));
    return sums;
#else
    return _mm512_dpbusd_epi32(sums, numbers, weights);
#endif
}

/* The same of the first 8. */
static inline __m512i vnni_low_dot(__m512i sums, __m512i numbers, __m512i weights) {
#if defined(__GNUC__) && !defined(__clang__)
    __asm__("vpdpbusd %t2, %t1, %t0" : "+v"(sums) : "v"(numbers), "v"(weights));
    return sums;
#else
    return _mm512_castsi256_si512(_mm256_dpbusd_epi32(
        _mm512_castsi512_si256(sums), _mm512_castsi512_si256(numbers), _mm512_castsi512_si256(weights)));
#endif
}

#endif
