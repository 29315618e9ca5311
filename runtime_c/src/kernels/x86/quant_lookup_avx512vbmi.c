/* Tables of 256 bytes, which four registers hold. */
#include "quant_avx512.h"

#include "../generic/span.h"
#include "../prototypes.h"

/* Entries by the lower seven bits in either half, then those of the right half. */
static inline __m512i lookup_find(const __m512i table[4], __m512i x) {
    const __m512i low = _mm512_permutex2var_epi8(table[0], x, table[1]);
    const __m512i high = _mm512_permutex2var_epi8(table[2], x, table[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high);
}

static smr_status run_lookup_table(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const uint8_t *x = (const uint8_t *)node->inputs[0]->data;
    const uint8_t *entries = (const uint8_t *)node->inputs[1]->data;
    const __m512i flip = _mm512_set1_epi8((char)(node->inputs[0]->dtype == SMR_DTYPE_INT8 ? 0x80 : 0));
    uint8_t *y = (uint8_t *)node->outputs[0]->data;
    __m512i table[4];
    smr_span span;
    size_t i;
    (void)error;
    for (i = 0; i < 4; ++i) {
        table[i] = _mm512_loadu_si512(entries + 64 * i);
    }
    for (span = smr_span_first(node, begin, end); span.count > 0; smr_span_next(&span)) {
        const uint8_t *from = x + span.x;
        uint8_t *to = y + span.y;
        for (i = 0; i + 64 <= span.count; i += 64) {
            const __m512i index = _mm512_xor_si512(_mm512_loadu_si512(from + i), flip);
            _mm512_storeu_si512(to + i, lookup_find(table, index));
        }
        if (i < span.count) {
            const size_t count = span.count - i;
            const __m512i index = _mm512_xor_si512(VECTOR_BYTES_LOAD_SOME(from + i, count), flip);
            vector_store_row(to + i, lookup_find(table, index), count);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_lookup_table_avx512vbmi(smr_node *node, smr_error *error) {
    SMR_TRY(smr_prepare_lookup_table(node, error));
    node->run = run_lookup_table;
    return SMR_OK;
}
