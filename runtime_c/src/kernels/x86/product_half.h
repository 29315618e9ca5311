/* The tile functions of float16 of one instruction set of x86, computed as float32: included with the vectors
 * defined, and
 *
 *     HALF_WEIGHTS(from)        a vector of weights
 *     HALF_WRITE(to, x)         a vector rounded to float16
 *     HALF_TILES(TILE)          TILE(panels, pixels) for each function there is to be */
#define VECTORS (16 / VECTOR_LANES) /* of a panel */
#define UNROLL  _Pragma("GCC unroll 16")

#define HALF_CHUNK 8 /* numbers of a pixel that are widened at once */

/* Adds the products of up to HALF_CHUNK numbers of each pixel and as many rows of the panels. Numbers are
 * widened in memory, from where one goes to all lanes with the multiplication. */
static inline __attribute__((always_inline)) void half_steps(
    VECTOR sum[SMR_TILE_PIXELS][SMR_TILE_PANELS * VECTORS], const uint8_t *low, const uint8_t *high,
    size_t pixel, const uint8_t *weights, size_t panel, size_t count, const size_t panels,
    const size_t pixels) {
    float value[SMR_TILE_PIXELS][HALF_CHUNK];
    size_t r, v, k;
    UNROLL for (r = 0; r < pixels; ++r) {
        const uint8_t *from = r < SMR_TILE_SPLIT ? low + r * pixel : high + (r - SMR_TILE_SPLIT) * pixel;
        __m128i numbers = _mm_setzero_si128();
        if (count == HALF_CHUNK) {
            numbers = _mm_loadu_si128((const __m128i *)(const void *)from);
        } else {
            memcpy(&numbers, from, count * sizeof(uint16_t));
        }
        _mm256_storeu_ps(value[r], _mm256_cvtph_ps(numbers));
    }
    for (k = 0; k < count; ++k, weights += 16 * sizeof(uint16_t)) {
        VECTOR weight[SMR_TILE_PANELS * VECTORS];
        UNROLL for (v = 0; v < panels * VECTORS; ++v) {
            weight[v] =
                HALF_WEIGHTS(weights + v / VECTORS * panel + v % VECTORS * VECTOR_LANES * sizeof(uint16_t));
        }
        UNROLL for (r = 0; r < pixels; ++r) {
            UNROLL for (v = 0; v < panels * VECTORS; ++v) {
                sum[r][v] = VECTOR_MULTIPLY_ADD(VECTOR_ALL(value[r][k]), weight[v], sum[r][v]);
            }
        }
    }
}

/* Writes the sums of a pixel as float16. */
static inline __attribute__((always_inline)) void half_write(const VECTOR *sum, const smr_tile *tile,
                                                             const size_t panels, size_t r) {
    const VECTOR least = VECTOR_ALL(tile->least), most = VECTOR_ALL(tile->most);
    uint16_t padded[16 * SMR_TILE_PANELS];
    uint16_t *output = (uint16_t *)tile->output + r * tile->output_step;
    uint16_t *to = tile->outputs == panels * 16 ? output : padded;
    size_t v;
    UNROLL for (v = 0; v < panels * VECTORS; ++v) {
        HALF_WRITE(to + v * VECTOR_LANES, VECTOR_CLAMP(sum[v], least, most));
    }
    if (to == padded) {
        memcpy(output, padded, tile->outputs * sizeof *output);
    }
}

static inline __attribute__((always_inline)) void half_tile(const smr_tile *tile, const size_t panels,
                                                            const size_t pixels) {
    const size_t vectors = panels * VECTORS, panel = tile->weights_panel, pixel = tile->pixel_step;
    const float *start = tile->first ? tile->start : tile->partial;
    const size_t step = tile->first ? 0 : panels * 16;
    float *partial = tile->partial;
    VECTOR sum[SMR_TILE_PIXELS][SMR_TILE_PANELS * VECTORS];
    size_t row, run, k, r, v;
    UNROLL for (r = 0; r < pixels; ++r) {
        UNROLL for (v = 0; v < vectors; ++v) {
            sum[r][v] = VECTOR_LOAD(start + r * step + v * VECTOR_LANES);
        }
    }
    for (row = 0; row < tile->rows; ++row) {
        for (run = 0; run < tile->runs; ++run) {
            const uint8_t *weights = tile->weights + row * tile->weights_row + run * tile->weights_run;
            const uint8_t *low = tile->pixels + row * tile->row_step + run * tile->run_step;
            const uint8_t *high = low + SMR_TILE_SPLIT * pixel + tile->jump;
            for (k = tile->length; k >= HALF_CHUNK; k -= HALF_CHUNK) {
                half_steps(sum, low, high, pixel, weights, panel, HALF_CHUNK, panels, pixels);
                low += HALF_CHUNK * sizeof(uint16_t);
                high += HALF_CHUNK * sizeof(uint16_t);
                weights += HALF_CHUNK * 16 * sizeof(uint16_t);
            }
            if (k > 0) {
                half_steps(sum, low, high, pixel, weights, panel, k, panels, pixels);
            }
        }
    }
    UNROLL for (r = 0; r < pixels; ++r) {
        if (tile->last) {
            half_write(sum[r], tile, panels, r);
        } else {
            UNROLL for (v = 0; v < vectors; ++v) {
                VECTOR_STORE(partial + r * panels * 16 + v * VECTOR_LANES, sum[r][v]);
            }
        }
    }
}

#define HALF_TILE(panels, pixels)                                   \
    static void half_##panels##_by_##pixels(const smr_tile *tile) { \
        half_tile(tile, panels, pixels);                            \
    }
HALF_TILES(HALF_TILE)

#define HALF_ENTRY(panels, pixels) [panels - 1][pixels - 1] = half_##panels##_by_##pixels,
static const smr_tile_function half_table[SMR_TILE_PANELS][SMR_TILE_PIXELS] = {HALF_TILES(HALF_ENTRY)};

#undef VECTORS
#undef UNROLL
