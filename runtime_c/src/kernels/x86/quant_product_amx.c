/* Products of int8 with AMX: a tile register holds 16 numbers of a run of up to 16 pixels for each of 4,
 * another one the weights of a panel, and up to four have the sums of as many panels. Numbers are read from
 * where they lie: the distance of pixels is that of a register's rows.
 *
 * The sums of a tile of pixels are requantized after the products of the next one have been begun, which the
 * processor computes meanwhile. */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "amx.h"
#include "quant_write_avx512.h"

#define AMX_PIXELS 16
#define AMX_PANELS 4
#define AMX_GROUPS 16 /* of 4 numbers */

/* Fewer pixels, or shorter runs, take no less time than with VNNI. */
#define AMX_LEAST_PIXELS 4
#define AMX_LEAST_RUN    16

/* Registers: 0 to 3 have sums; numbers and weights of 16 groups, and of those that are left of a run. */
#define AMX_NUMBERS      4
#define AMX_REST         5
#define AMX_WEIGHTS      6
#define AMX_WEIGHTS_REST 7

#define AMX_UNROLL _Pragma("GCC unroll 4")

/* What is remembered from tile to tile: the shapes of registers, and sums that are to be requantized. */
typedef struct amx_memory {
    amx_unit unit;
    size_t pixels;  /* that registers are configured for; 0 when they are not */
    size_t rest;    /* groups */
    size_t waiting; /* pixels whose sums wait; 0 for none */
    size_t panels;
    size_t outputs;
    int8_t *output;
    size_t output_step;
    const quant_output *range;
    _Alignas(64) float multiplier[AMX_PANELS * 16];
    _Alignas(64) int32_t sums[AMX_PIXELS * AMX_PANELS * 16];
} amx_memory;

static void amx_shape(amx_memory *memory, size_t pixels, size_t rest) {
    _Alignas(64) amx_shapes shapes;
    size_t i;
    memset(&shapes, 0, sizeof shapes);
    shapes.palette = 1;
    for (i = 0; i < AMX_PANELS; ++i) {
        shapes.rows[i] = (uint8_t)pixels;
        shapes.bytes[i] = 64;
    }
    shapes.rows[AMX_NUMBERS] = (uint8_t)pixels;
    shapes.bytes[AMX_NUMBERS] = 64;
    shapes.rows[AMX_WEIGHTS] = AMX_GROUPS;
    shapes.bytes[AMX_WEIGHTS] = 64;
    if (rest > 0) {
        shapes.rows[AMX_REST] = (uint8_t)pixels;
        shapes.bytes[AMX_REST] = (uint16_t)(4 * rest);
        shapes.rows[AMX_WEIGHTS_REST] = (uint8_t)rest;
        shapes.bytes[AMX_WEIGHTS_REST] = 64;
    }
    AMX_CONFIGURE(&memory->unit, &shapes);
    memory->pixels = pixels;
    memory->rest = rest;
}

/* Requantizes sums, four vectors at a time. */
static inline __attribute__((always_inline)) void amx_write(amx_memory *memory, const size_t panels) {
    const size_t together = 4 / panels, pixels = memory->waiting;
    const bool whole = memory->outputs == panels * 16;
    /* Bytes that are written here are those of sums that have been read. */
    int8_t *output = whole ? memory->output : (int8_t *)memory->sums;
    const size_t step = whole ? memory->output_step : panels * 16;
    const quant_limits limits = quant_limits_of(memory->range);
    size_t r, j;
    for (r = 0; r < pixels; r += together) {
        __m512i four[4];
        const float *by[4];
        int8_t *to[4];
        AMX_UNROLL for (j = 0; j < 4; ++j) {
            const size_t last = j < panels * together ? j : panels * together - 1, v = last % panels;
            const size_t pixel = r + last / panels < pixels ? r + last / panels : pixels - 1;
            four[j] = _mm512_load_si512(memory->sums + (pixel * panels + v) * 16);
            by[j] = memory->multiplier + v * 16;
            to[j] = output + pixel * step + v * 16;
        }
        if (panels % 2 == 0) {
            quant_write_pairs(four, by, limits, to);
        } else {
            quant_write_sums(four, by, limits, to);
        }
    }
    if (!whole) {
        for (r = 0; r < pixels; ++r) {
            memcpy(memory->output + r * memory->output_step, output + r * step, memory->outputs);
        }
    }
}

static void amx_finish(amx_memory *memory) {
    if (memory->waiting > 0) {
        switch (memory->panels) {
            case 1: amx_write(memory, 1); break;
            case 2: amx_write(memory, 2); break;
            case 3: amx_write(memory, 3); break;
            default: amx_write(memory, 4); break;
        }
        memory->waiting = 0;
    }
}

static inline void amx_remember(amx_memory *memory, const smr_tile *tile, size_t panels) {
    memory->waiting = tile->count;
    memory->panels = panels;
    memory->outputs = tile->outputs;
    memory->output = tile->output;
    memory->output_step = tile->output_step;
    memory->range = tile->range;
    memcpy(memory->multiplier, tile->multiplier, panels * 16 * sizeof(float));
}

/* DO(panel) for each panel: the number of a register is a part of its instructions. */
#define AMX_EACH(DO)      \
    do {                  \
        DO(0);            \
        if (panels > 1) { \
            DO(1);        \
        }                 \
        if (panels > 2) { \
            DO(2);        \
        }                 \
        if (panels > 3) { \
            DO(3);        \
        }                 \
    } while (0)
#define AMX_BEGIN(p) AMX_LOAD(unit, p, begin + (p) * 16, tile->first ? 0 : line)
#define AMX_ADD(p)                                              \
    AMX_LOAD(unit, 6, weights + (p) * tile->weights_panel, 64); \
    AMX_DOT(unit, p, 4, 6)
#define AMX_ADD_REST(p)                                         \
    AMX_LOAD(unit, 7, weights + (p) * tile->weights_panel, 64); \
    AMX_DOT(unit, p, 5, 7)
#define AMX_END(p) AMX_STORE(unit, p, sums + (p) * 16, line)

static inline __attribute__((always_inline)) void amx_tile(const smr_tile *tile, const size_t panels) {
    amx_memory *memory = tile->memory;
    amx_unit *unit = &memory->unit;
    const int32_t *begin = tile->first ? tile->start : tile->partial;
    int32_t *sums = tile->last ? memory->sums : tile->partial;
    const size_t line = panels * 16 * sizeof(int32_t), rest = tile->length % AMX_GROUPS;
    size_t row, run, group;
    if (memory->pixels != tile->count || memory->rest != rest) {
        amx_shape(memory, tile->count, rest);
    }
    AMX_EACH(AMX_BEGIN);
    for (row = 0; row < tile->rows; ++row) {
        for (run = 0; run < tile->runs; ++run) {
            const uint8_t *weights = tile->weights + row * tile->weights_row + run * tile->weights_run;
            const uint8_t *numbers = tile->pixels + row * tile->row_step + run * tile->run_step;
            for (group = tile->length; group >= AMX_GROUPS; group -= AMX_GROUPS) {
                AMX_LOAD(unit, 4, numbers, tile->pixel_step);
                AMX_EACH(AMX_ADD);
                numbers += 64;
                weights += 1024;
            }
            if (group > 0) {
                AMX_LOAD(unit, 5, numbers, tile->pixel_step);
                AMX_EACH(AMX_ADD_REST);
            }
        }
    }
    amx_finish(memory);
    AMX_EACH(AMX_END);
    if (tile->last) {
        amx_remember(memory, tile, panels);
    }
}

#define AMX_TILE(panels)                                  \
    static void amx_tile_##panels(const smr_tile *tile) { \
        amx_tile(tile, panels);                           \
    }
AMX_TILE(1)
AMX_TILE(2)
AMX_TILE(3)
AMX_TILE(4)

#define AMX_FOUR(panels)  amx_tile_##panels, amx_tile_##panels, amx_tile_##panels, amx_tile_##panels
#define AMX_ENTRY(panels) {AMX_FOUR(panels), AMX_FOUR(panels), AMX_FOUR(panels), AMX_FOUR(panels)}
static const smr_tile_function amx_table[SMR_TILE_PANELS][SMR_TILE_PIXELS] = {AMX_ENTRY(1), AMX_ENTRY(2),
                                                                              AMX_ENTRY(3), AMX_ENTRY(4)};

static const smr_product_functions amx_functions = {
    .panels = AMX_PANELS,
    .panels_alone = AMX_PANELS,
    .pixels = {AMX_PIXELS, AMX_PIXELS, AMX_PIXELS, AMX_PIXELS},
    .alike = true,
    .function = amx_table,
    .round = smr_quant_rounding_avx512};

static smr_status amx_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    amx_memory memory;
    (void)error;
    memory.pixels = memory.waiting = 0;
    smr_product_run_with(node, begin, end, &memory);
    amx_finish(&memory);
    AMX_RELEASE(&memory.unit);
    return SMR_OK;
}

bool smr_amx_takes_conv2d(const smr_node *node) {
    const smr_quantized_conv2d_attributes *a = &node->attributes.quantized_conv2d;
    const smr_value *filter = node->inputs[1], *y = node->outputs[0];
    const int32_t *taps = filter->dims;
    const bool rows = taps[0] == 1 && taps[1] == 1 && a->strides.values[0] == 1 && a->strides.values[1] == 1;
    const int64_t run = (int64_t)taps[2] * (a->dilations.values[1] == 1 ? taps[1] : 1);
    return smr_quant_product_takes(node) && run >= AMX_LEAST_RUN &&
           (rows ? y->count / AMX_LEAST_PIXELS >= (size_t)taps[3] : y->dims[2] >= AMX_LEAST_PIXELS);
}

bool smr_amx_takes_matmul(const smr_node *node) {
    const smr_value *filter = node->inputs[1];
    return smr_quant_product_takes(node) && filter->dims[0] >= AMX_LEAST_RUN &&
           node->outputs[0]->count / AMX_LEAST_PIXELS >= (size_t)filter->dims[1];
}

/* What a tile computes is written with the next one. */
static void amx_replace(smr_node *node) {
    node->run = node->run == smr_product_run ? amx_run : node->run;
    node->completes = 0;
}

smr_status smr_prepare_quantized_conv2d_amx(smr_node *node, smr_error *error) {
    SMR_TRY(smr_quant_product_prepare_conv2d(node, &amx_functions, error));
    amx_replace(node);
    return SMR_OK;
}

smr_status smr_prepare_quantized_matmul_amx(smr_node *node, smr_error *error) {
    SMR_TRY(smr_quant_product_prepare_matmul(node, &amx_functions, error));
    amx_replace(node);
    return SMR_OK;
}
