/* Attention in plain C. A tile of queries goes through the keys block by block: what it has summed up is
 * rescaled whenever a block has a greater score than all before, so that no more than the weights of one
 * block are ever held (Milakov and Gimelshein, 2018). A work item is some tiles of one head, one after the
 * other in the same scratch: first the queries of a tile, then its sums. */
#include <math.h>

#include "array.h"
#include "attention.h"
#include "convert.h"

#define ATTENTION_ITEM 128u /* queries */
#define ATTENTION_FEW  4u   /* so many queries are not worth a tile: they are computed one by one */

#define ATTENTION_LANES SMR_ATTENTION_LANES
#define ATTENTION_KEYS  SMR_ATTENTION_KEYS
#define ATTENTION_WIDE \
    ((size_t)SMR_ATTENTION_NUMBERS * ATTENTION_LANES) /* the most that is widened at once */

_Static_assert(sizeof(smr_attention_parameters) <= SMR_PARAMETER_BYTES,
               "smr_attention_parameters fit a node");

/* The scores of a lane, and from one to the next. */
static float *attention_scores(smr_attention_tile *tile, size_t lane, size_t *step) {
    *step = tile->abreast ? ATTENTION_LANES : 1;
    return tile->scores + lane * (tile->abreast ? 1 : ATTENTION_KEYS);
}

/* Which matrix of an operand goes with a matrix of y: one of the operand's is for as many of y's, one after
 * the other, as the sizes of an axis say. */
static size_t attention_matrix(const smr_value *operand, const smr_value *y, size_t matrix) {
    size_t found = 0, stride = 1;
    int32_t axis;
    for (axis = 3; axis <= operand->rank; ++axis) {
        const size_t size = (size_t)operand->dims[operand->rank - axis];
        const size_t all = (size_t)y->dims[y->rank - axis];
        found += matrix % all / (all / size) * stride;
        matrix /= all;
        stride *= size;
    }
    return found;
}

/* How many keys a query sees, the mask apart. */
static size_t attention_seen(const smr_attention_parameters *p, size_t row) {
    const int64_t last = (int64_t)row + p->before;
    return !p->causal || last >= (int64_t)p->keys ? p->keys : last < 0 ? 0 : (size_t)last + 1;
}

static void attention_cap(const smr_attention_parameters *p, smr_attention_tile *tile, size_t count) {
    size_t i, j, step;
    for (i = 0; i < tile->lanes; ++i) {
        float *scores = attention_scores(tile, i, &step);
        for (j = 0; j < count; ++j) {
            scores[j * step] = p->softcap * tanhf(scores[j * step] / p->softcap);
        }
    }
}

/* Hides the keys after the place of each query. */
static void attention_look_back(const smr_attention_parameters *p, smr_attention_tile *tile, size_t first,
                                size_t count) {
    size_t i, j, step;
    for (i = 0; i < tile->lanes; ++i) {
        const size_t seen = attention_seen(p, tile->row + i);
        float *scores = attention_scores(tile, i, &step);
        for (j = seen > first ? seen - first : 0; j < count; ++j) {
            scores[j * step] = -INFINITY;
        }
    }
}

static void attention_weigh(smr_attention_tile *tile, size_t count) {
    size_t i, j, step;
    for (i = 0; i < tile->lanes; ++i) {
        float *scores = attention_scores(tile, i, &step);
        float top = tile->top[i], total = 0.0f, origin;
        for (j = 0; j < count; ++j) {
            top = scores[j * step] > top ? scores[j * step] : top;
        }
        origin = top == -INFINITY ? 0.0f : top;
        for (j = 0; j < count; ++j) {
            const float weight = expf(scores[j * step] - origin);
            scores[j * step] = weight;
            total += weight;
        }
        tile->keep[i] = expf(tile->top[i] - origin);
        tile->total[i] = tile->total[i] * tile->keep[i] + total;
        tile->top[i] = top;
    }
    for (; tile->abreast && i < ATTENTION_LANES; ++i) {
        tile->keep[i] = 0.0f;
    }
}

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   (x)
#define SMR_NAME(name) name##_f32
#include "attention.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(x)
#define SMR_NAME(name) name##_f16
#include "attention.inc"

static const smr_attention_functions attention_functions_f32 = {
    attention_begin_f32, attention_products_f32, attention_cap,    smr_attention_mask,
    attention_weigh,     attention_add_f32,      attention_end_f32};
static const smr_attention_functions attention_functions_f16 = {
    attention_begin_f16, attention_products_f16, attention_cap,    smr_attention_mask,
    attention_weigh,     attention_add_f16,      attention_end_f16};

void smr_attention_mask(const smr_attention_parameters *p, smr_attention_tile *tile, size_t mask,
                        size_t first, size_t count) {
    const void *data = p->mask->data;
    const float *added;
    float wide[ATTENTION_KEYS];
    size_t i, j, step;
    for (i = 0; i < tile->lanes; ++i) {
        const size_t place = mask + i * p->mask_row + first * p->mask_column;
        float *scores = attention_scores(tile, i, &step);
        if (p->mask->dtype == SMR_DTYPE_BOOL) {
            const uint8_t *seen = (const uint8_t *)data + place;
            for (j = 0; j < count; ++j) {
                if (seen[j * p->mask_column] == 0) {
                    scores[j * step] = -INFINITY;
                }
            }
            continue;
        }
        if (p->mask->dtype == SMR_DTYPE_FLOAT32) {
            added = (const float *)data + place;
        } else {
            p->halves->widen((const uint16_t *)data + place, wide, p->mask_column == 0 ? 1 : count);
            added = wide;
        }
        for (j = 0; j < count; ++j) {
            scores[j * step] += added[j * p->mask_column];
        }
    }
}

/* Numbers of an operand as the functions take them, until the next ones are asked for. */
static const void *attention_numbers(const smr_attention_parameters *p, const smr_attention_tile *tile,
                                     const uint8_t *from, size_t count) {
    if (!p->widened) {
        return from;
    }
    p->halves->widen((const uint16_t *)(const void *)from, tile->wide, count);
    return tile->wide;
}

/* One tile of queries through all keys that one of them sees. */
static void attention_take(const smr_attention_parameters *p, smr_attention_tile *tile, const uint8_t *key,
                           const uint8_t *value, size_t element, size_t mask) {
    const size_t keys = attention_seen(p, tile->row + tile->lanes - 1);
    size_t first;
    for (first = 0; first < keys; first += p->block) {
        const size_t count = keys - first < p->block ? keys - first : p->block;
        p->functions->products(
            p, tile, attention_numbers(p, tile, key + first * p->size * element, count * p->size), count);
        if (p->softcap > 0.0f) {
            p->functions->cap(p, tile, count);
        }
        if (p->mask != NULL) {
            p->functions->mask(p, tile, mask + tile->row * p->mask_row, first, count);
        }
        if (p->causal) {
            attention_look_back(p, tile, first, count);
        }
        p->functions->weigh(tile, count);
        p->functions->add(
            p, tile, attention_numbers(p, tile, value + first * p->outputs * element, count * p->outputs),
            count);
    }
}

/* What a tile gives. */
static void attention_give(const smr_attention_parameters *p, const smr_attention_tile *tile, uint8_t *y) {
    if (!p->widened) {
        p->functions->end(p, tile, y);
        return;
    }
    p->functions->end(p, tile, tile->wide);
    p->halves->narrow(tile->wide, (uint16_t *)(void *)y, tile->lanes * p->outputs);
}

/* `wide` has room for ATTENTION_WIDE numbers where some are widened. */
static void attention_run(const smr_node *node, size_t begin, size_t end, float *wide) {
    const smr_attention_parameters *p = SMR_CONST_PARAMETERS(node, smr_attention_parameters);
    const smr_value *query = node->inputs[0], *key = node->inputs[1], *value = node->inputs[2];
    const smr_value *y = node->outputs[0];
    const size_t element = array_element_size(y);
    smr_attention_tile tile;
    size_t item;
    tile.wide = wide;
    for (item = begin; item < end; ++item) {
        const size_t matrix = item / p->blocks, start = item % p->blocks * ATTENTION_ITEM;
        const size_t stop = p->queries - start < ATTENTION_ITEM ? p->queries : start + ATTENTION_ITEM;
        const uint8_t *keys =
            (const uint8_t *)key->data + attention_matrix(key, y, matrix) * p->keys * p->size * element;
        const uint8_t *values = (const uint8_t *)value->data +
                                attention_matrix(value, y, matrix) * p->keys * p->outputs * element;
        const size_t mask = p->mask == NULL ? 0 : attention_matrix(p->mask, y, matrix) * p->mask_matrix;
        tile.queries = (float *)node->scratch + item * (p->size + p->outputs) * ATTENTION_LANES;
        tile.sums = tile.queries + p->size * ATTENTION_LANES;
        for (tile.row = start; tile.row < stop; tile.row += tile.lanes) {
            const size_t row = matrix * p->queries + tile.row;
            const uint8_t *queries = (const uint8_t *)query->data + row * p->size * element;
            tile.lanes = stop - tile.row < ATTENTION_LANES ? stop - tile.row : ATTENTION_LANES;
            tile.abreast = tile.lanes > ATTENTION_FEW;
            p->functions->begin(p, &tile, attention_numbers(p, &tile, queries, tile.lanes * p->size));
            attention_take(p, &tile, keys, values, element, mask);
            attention_give(p, &tile, (uint8_t *)y->data + row * p->outputs * element);
        }
    }
}

static smr_status run_attention(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    (void)error;
    attention_run(node, begin, end, NULL);
    return SMR_OK;
}

static smr_status run_attention_wide(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    float wide[ATTENTION_WIDE];
    (void)error;
    attention_run(node, begin, end, wide);
    return SMR_OK;
}

void smr_attention_use(smr_node *node, const smr_attention_functions *functions, const smr_halves *halves) {
    smr_attention_parameters *p = SMR_PARAMETERS(node, smr_attention_parameters);
    const size_t numbers = p->size > p->outputs ? p->size : p->outputs;
    p->functions = functions;
    if (node->inputs[0]->dtype == SMR_DTYPE_FLOAT16) {
        p->halves = halves;
        p->widened = true;
        p->block = numbers * ATTENTION_KEYS <= ATTENTION_WIDE ? ATTENTION_KEYS : ATTENTION_WIDE / numbers;
        node->run = run_attention_wide;
    }
}

/* Preparing ----------------------------------------------------------------------------------------- */

/* Checks the last two axes of an operand, and that those before fit those of y: equal, or 1, or, of the heads
 * of one that is `grouped`, a divisor. */
static smr_status attention_check(const smr_value *operand, const smr_value *y, int32_t rows, int32_t columns,
                                  bool grouped, smr_error *error) {
    int32_t axis;
    for (axis = 1; axis <= operand->rank; ++axis) {
        const int32_t size = operand->dims[operand->rank - axis];
        const int32_t whole = axis == 1 ? columns : axis == 2 ? rows : y->dims[y->rank - axis];
        const bool divides = axis == 3 && grouped && size > 0 && whole % size == 0;
        /* Of the matrices themselves a mask's alone broadcast. */
        if (size != whole && !divides && (size != 1 || (axis < 3 && grouped))) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d of an operand of attention is %d and does not fit %d",
                     (int)(operand->rank - axis), (int)size, (int)whole);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_attention(smr_node *node, smr_error *error) {
    const smr_attention_attributes *a = &node->attributes.attention;
    smr_attention_parameters *p = SMR_PARAMETERS(node, smr_attention_parameters);
    const smr_value *query = node->inputs[0], *key = node->inputs[1], *value = node->inputs[2];
    const smr_value *mask = node->inputs[3], *y = node->outputs[0];
    const int32_t rank = y->rank;
    int32_t queries, keys, size, outputs, axis;
    size_t floats;
    if (rank < 2 || query->rank != rank || key->rank != rank || value->rank != rank ||
        (mask != NULL && mask->rank > rank)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "attention of ranks %d, %d and %d cannot have rank %d",
                 (int)query->rank, (int)key->rank, (int)value->rank, (int)rank);
    }
    queries = query->dims[rank - 2];
    size = query->dims[rank - 1];
    keys = key->dims[rank - 2];
    outputs = value->dims[rank - 1];
    for (axis = 0; axis < rank - 2; ++axis) {
        SMR_TRY(smr_array_check_dim(query, axis, y->dims[axis], error));
    }
    SMR_TRY(smr_array_check_dim(y, rank - 2, queries, error));
    SMR_TRY(smr_array_check_dim(y, rank - 1, outputs, error));
    SMR_TRY(attention_check(key, y, keys, size, true, error));
    SMR_TRY(attention_check(value, y, keys, outputs, true, error));
    if (mask != NULL) {
        SMR_TRY(attention_check(mask, y, queries, keys, false, error));
        p->mask_column = mask->rank > 0 && mask->dims[mask->rank - 1] != 1 ? 1 : 0;
        p->mask_row =
            mask->rank > 1 && mask->dims[mask->rank - 2] != 1 ? (size_t)mask->dims[mask->rank - 1] : 0;
        p->mask_matrix =
            mask->rank > 1 ? (size_t)mask->dims[mask->rank - 2] * (size_t)mask->dims[mask->rank - 1] : 0;
    }
    if (mask != NULL && mask->dtype != SMR_DTYPE_BOOL && mask->dtype != query->dtype) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a mask of type %d for a query of type %d", (int)mask->dtype,
                 (int)query->dtype);
    }
    if (!(a->softcap >= 0.0f && a->softcap < INFINITY)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "softcap is %g, expected a finite number of at least 0",
                 (double)a->softcap);
    }
    p->queries = (size_t)queries;
    p->keys = (size_t)keys;
    p->size = (size_t)size;
    p->outputs = (size_t)outputs;
    p->mask = mask;
    node->whole = true;
    p->scale = a->scale;
    p->softcap = a->softcap;
    p->causal = a->causal != SMR_CAUSAL_NONE;
    p->before = a->causal == SMR_CAUSAL_END ? (int64_t)keys - queries : 0;
    p->blind = a->blind_nan && keys > 0 ? NAN : 0.0f;
    p->blocks = (p->queries + ATTENTION_ITEM - 1) / ATTENTION_ITEM;
    node->work = y->count == 0 ? 0 : y->count / p->queries / p->outputs * p->blocks;
    floats = (p->size + p->outputs) * ATTENTION_LANES;
    if (floats > 0 && node->work > PTRDIFF_MAX / sizeof(float) / floats) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu parts of attention that need %zu numbers each", node->work,
                 floats);
    }
    node->scratch_bytes = node->work * floats * sizeof(float);
    p->block = ATTENTION_KEYS;
    p->halves = &smr_halves_plain;
    p->functions = query->dtype == SMR_DTYPE_FLOAT16 ? &attention_functions_f16 : &attention_functions_f32;
    node->run = run_attention;
    return SMR_OK;
}
