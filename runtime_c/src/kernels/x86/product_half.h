/* The tile functions of float16 of one instruction set of x86: included with its vectors, HALF_TILES and
 * half_load_rest(from, count), which loads `count` numbers, fewer than 8, as float32. */
#include "../tiled/product_half_write.inc"

#define HALF_MOST        8 /* that are widened at once */
#define HALF_REST(count) ((count) < HALF_MOST ? (count) : HALF_MOST)

/* Adds the products of up to HALF_MOST numbers of each pixel and as many rows of the panels. Numbers are
 * widened in memory, from where one goes to all lanes with the multiplication. */
static inline __attribute__((always_inline)) void half_steps(
    VECTOR sum[SMR_TILE_PIXELS][SMR_TILE_PANELS * VECTORS], const uint8_t *low, const uint8_t *high,
    size_t pixel, const uint8_t *weights, size_t panel, size_t count, const size_t panels,
    const size_t pixels) {
    float value[SMR_TILE_PIXELS][HALF_MOST];
    size_t r, v, k;
    if (count == HALF_MOST) {
        UNROLL for (r = 0; r < pixels; ++r) {
            const uint8_t *from = r < SMR_TILE_SPLIT ? low + r * pixel : high + (r - SMR_TILE_SPLIT) * pixel;
            _mm256_storeu_ps(value[r], _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)from)));
        }
    } else {
        for (r = 0; r < pixels; ++r) {
            const uint8_t *from = r < SMR_TILE_SPLIT ? low + r * pixel : high + (r - SMR_TILE_SPLIT) * pixel;
            _mm256_storeu_ps(value[r], half_load_rest(from, count));
        }
    }
    for (k = 0; k < count; ++k, weights += 16 * sizeof(uint16_t)) {
        VECTOR weight[SMR_TILE_PANELS * VECTORS];
        UNROLL for (v = 0; v < panels * VECTORS; ++v) {
            weight[v] = VECTOR_LOAD_HALF(weights + v / VECTORS * panel +
                                         v % VECTORS * VECTOR_LANES * sizeof(uint16_t));
        }
        UNROLL for (r = 0; r < pixels; ++r) {
            UNROLL for (v = 0; v < panels * VECTORS; ++v) {
                sum[r][v] = VECTOR_MULTIPLY_ADD(VECTOR_ALL(value[r][k]), weight[v], sum[r][v]);
            }
        }
    }
}

#include "../tiled/product_half.inc"

#undef HALF_MOST
