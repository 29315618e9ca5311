/* Matrix products of many second factors, and those of a first one that is turned: a run packs some of them,
 * as many as there is room for, and multiplies, one phase after the other, until it has had all. */
#include "product_part.h"

typedef struct product_batches {
    smr_product product; /* of one matrix each */
    size_t items;        /* of one product */
    size_t count;        /* products */
    size_t together;     /* so many are packed at once */
    size_t bytes;        /* of scratch for one */
    size_t turned;       /* rows of the first factor, where these are packed too, behind the second one */
    int32_t folded;      /* leading dimensions, the last ones, whose rows are those of one product */
} product_batches;
_Static_assert(sizeof(product_batches) <= SMR_PARAMETER_BYTES, "product_batches fit a node");

/* The size of an operand along a leading dimension of the product. */
static size_t batch_size(const smr_value *value, const smr_value *z, int32_t axis) {
    const int32_t own = axis - z->rank + value->rank;
    return own < 0 ? 1 : (size_t)value->dims[own];
}

/* Along so many of the last leading dimensions all matrices of the first factor meet the same second one:
 * they are one with more rows. */
static int32_t batch_folded(const smr_node *node) {
    const smr_value *x = node->inputs[0], *y = node->inputs[1], *z = node->outputs[0];
    int32_t folded = 0, axis;
    for (axis = z->rank - 3; axis >= 0 && node->attributes.matmul.transpose_x == 0; --axis, ++folded) {
        if (batch_size(y, z, axis) != 1 || batch_size(x, z, axis) != (size_t)z->dims[axis]) {
            break;
        }
    }
    return folded;
}

static size_t batch_rows(const smr_value *z, int32_t folded) {
    size_t rows = (size_t)z->dims[z->rank - 2];
    int32_t i;
    for (i = 0; i < folded; ++i) {
        rows *= (size_t)z->dims[z->rank - 3 - i];
    }
    return rows;
}

/* Elements from the first matrix of an operand to the one that it has in product `index`. */
static size_t batch_offset(const smr_value *value, const smr_value *z, int32_t folded, size_t index) {
    size_t stride = (size_t)value->dims[value->rank - 2] * (size_t)value->dims[value->rank - 1];
    size_t offset = 0;
    int32_t axis;
    for (axis = z->rank - 3; axis >= 0; --axis) {
        const size_t size = batch_size(value, z, axis);
        if (axis < z->rank - 2 - folded) {
            offset += size == 1 ? 0 : index % (size_t)z->dims[axis] * stride;
            index /= (size_t)z->dims[axis];
        }
        stride *= size;
    }
    return offset;
}

/* Bytes of a second factor in panels, 0 where so many are no room for it; sizes may be anything. */
static size_t batch_panels(const smr_value *y, bool turned, size_t room) {
    const size_t columns = (size_t)y->dims[y->rank - (turned ? 2 : 1)];
    const size_t inner = (size_t)y->dims[y->rank - (turned ? 1 : 2)];
    const size_t row = product_divide(columns, 16) * 16 * smr_dtype_size((smr_dtype)y->dtype);
    return row == 0 || room / row < inner ? 0 : row * inner;
}

/* Bytes of a first factor that is turned, to whole lines of a cache. */
static size_t batch_turned(const smr_node *node) {
    const smr_value *x = node->inputs[0];
    return node->attributes.matmul.transpose_x == 0
               ? 0
               : product_divide((size_t)x->dims[x->rank - 2] * (size_t)x->dims[x->rank - 1] *
                                    smr_dtype_size((smr_dtype)x->dtype),
                                64) *
                     64;
}

bool smr_product_fits_batches(const smr_node *node, uint8_t dtype) {
    const smr_value *x = node->inputs[0], *y = node->inputs[1], *z = node->outputs[0];
    size_t panels;
    if (x->dtype != dtype || y->dtype != dtype || y->layout != SMR_LAYOUT_DENSE || x->rank < 2 ||
        y->rank < 2 || z->rank < 2 || x->count == 0 || y->count == 0 || z->count == 0) {
        return false;
    }
    panels = batch_panels(y, node->attributes.matmul.transpose_y != 0, node->scratch_room);
    return panels > 0 && node->scratch_room - panels >= batch_turned(node) &&
           batch_rows(z, batch_folded(node)) >= SMR_PRODUCT_PACKED;
}

/* The node of one product, in a place of the scratch. */
typedef struct batch_one {
    smr_node node; /* but for its second half */
    smr_value x, y, z;
    const smr_value *inputs[3];
    smr_value *outputs[1];
} batch_one;

static void batch_begin(const smr_node *node, const product_batches *p, size_t index, size_t place,
                        batch_one *one) {
    const smr_value *z = node->outputs[0];
    const size_t number = p->product.number;
    memcpy(&one->node, node, offsetof(smr_node, attributes));
    one->x = *node->inputs[0];
    one->y = *node->inputs[1];
    one->z = *z;
    one->node.scratch = (uint8_t *)node->scratch + place * p->bytes;
    one->x.data = (uint8_t *)one->x.data + batch_offset(&one->x, z, p->folded, index) * number;
    one->y.data = (uint8_t *)one->y.data + batch_offset(&one->y, z, p->folded, index) * number;
    one->z.data = (uint8_t *)one->z.data + batch_offset(z, z, p->folded, index) * number;
    one->inputs[0] = &one->x;
    one->inputs[1] = &one->y;
    one->inputs[2] = p->product.computed_bias ? node->inputs[2] : NULL;
    one->outputs[0] = &one->z;
    one->node.inputs = one->inputs;
    one->node.outputs = one->outputs;
}

/* 16 rows of the first factor, which are columns of it in memory. */
static void batch_turn(const batch_one *one, const product_batches *p, size_t block) {
    const size_t inner = p->product.channels, rows = p->turned, first = 16 * block;
    const size_t last = rows - first < 16 ? rows : first + 16;
    uint8_t *to = (uint8_t *)one->node.scratch + (size_t)p->product.panels * p->product.weights_panel;
    size_t k, r;
    if (p->product.number == 4) {
        const uint32_t *x = one->x.data;
        uint32_t *turned = (uint32_t *)(void *)to;
        for (k = 0; k < inner; ++k) {
            for (r = first; r < last; ++r) {
                turned[r * inner + k] = x[k * rows + r];
            }
        }
    } else {
        const uint16_t *x = one->x.data;
        uint16_t *turned = (uint16_t *)(void *)to;
        for (k = 0; k < inner; ++k) {
            for (r = first; r < last; ++r) {
                turned[r * inner + k] = x[k * rows + r];
            }
        }
    }
}

/* Of `count` products from `first` on: as much of their factors as the items [begin, end) of a phase are. */
static void batch_pack(const smr_node *node, const product_batches *p, size_t first, size_t count,
                       uint64_t begin, uint64_t end) {
    const size_t panels = p->product.panels, units = panels + product_divide(p->turned, 16);
    const uint64_t items = p->items * p->together, all = (uint64_t)units * count;
    const size_t last = (size_t)(end * all / items);
    size_t at = (size_t)(begin * all / items);
    while (at < last) {
        const size_t place = at / units, next = (place + 1) * units, stop = next < last ? next : last;
        batch_one one;
        batch_begin(node, p, first + place, place, &one);
        for (; at < stop; ++at) {
            const size_t unit = at - place * units;
            if (unit < panels) {
                smr_product_pack(&one.node, &p->product, unit);
            } else {
                batch_turn(&one, p, unit - panels);
            }
        }
    }
}

static void batch_multiply(const smr_node *node, const product_batches *p, size_t first, size_t count,
                           size_t begin, size_t end) {
    batch_one one;
    end = end < count * p->items ? end : count * p->items;
    while (begin < end) {
        const size_t place = begin / p->items, from = begin - place * p->items;
        const size_t to = end - place * p->items < p->items ? end - place * p->items : p->items;
        batch_begin(node, p, first + place, place, &one);
        if (p->turned > 0) {
            one.x.data = (uint8_t *)one.node.scratch + (size_t)p->product.panels * p->product.weights_panel;
        }
        smr_product_run_with(&one.node, from, to, NULL);
        begin = place * p->items + to;
    }
}

static smr_status batch_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const product_batches *p = SMR_CONST_PARAMETERS(node, product_batches);
    const size_t items = p->items * p->together;
    (void)error;
    while (begin < end) {
        const size_t phase = begin / items, from = begin - phase * items;
        const size_t to = end - phase * items < items ? end - phase * items : items;
        const size_t first = phase / 2 * p->together;
        const size_t count = p->count - first < p->together ? p->count - first : p->together;
        if (phase % 2 == 0) {
            batch_pack(node, p, first, count, from, to);
        } else {
            batch_multiply(node, p, first, count, from, to);
        }
        begin = phase * items + to;
    }
    return SMR_OK;
}

/* Cuts one of the products; false where the tiles cannot do it. */
static bool batch_cut(const smr_node *node, const smr_product_functions *functions, product_batches *p,
                      size_t rows) {
    const int32_t columns = node->outputs[0]->dims[node->outputs[0]->rank - 1];
    int32_t x_dims[2], z_dims[2];
    batch_one one;
    one.node = *node;
    smr_product_fill_matmul(node, functions, rows, &p->product);
    x_dims[0] = z_dims[0] = (int32_t)rows;
    x_dims[1] = (int32_t)p->product.channels;
    z_dims[1] = columns;
    one.x = *node->inputs[0];
    one.z = *node->outputs[0];
    one.x.rank = one.z.rank = 2;
    one.x.dims = x_dims;
    one.z.dims = z_dims;
    one.x.count = rows * p->product.channels;
    one.z.count = rows * (size_t)columns;
    one.inputs[0] = &one.x;
    one.inputs[1] = node->inputs[1];
    one.inputs[2] = node->inputs[2];
    one.outputs[0] = &one.z;
    one.node.inputs = one.inputs;
    one.node.outputs = one.outputs;
    smr_product_cut(&one.node, &p->product);
    p->items = one.node.work / 2;
    return one.node.run == smr_product_run_packed;
}

void smr_product_prepare_batches(smr_node *node, const smr_product_functions *functions) {
    const smr_value *z = node->outputs[0];
    product_batches p;
    size_t rows, phases;
    memset(&p, 0, sizeof p);
    p.folded = batch_folded(node);
    rows = batch_rows(z, p.folded);
    p.count = z->count / (size_t)z->dims[z->rank - 1] / rows;
    if (rows > INT32_MAX || p.count > INT32_MAX || !batch_cut(node, functions, &p, rows)) {
        return; /* the generic kernel remains */
    }
    p.turned = node->attributes.matmul.transpose_x != 0 ? rows : 0;
    p.bytes = (size_t)p.product.panels * p.product.weights_panel + batch_turned(node);
    p.together = node->scratch_room / p.bytes;
    p.together = p.together < p.count ? p.together : p.count;
    phases = 2 * product_divide(p.count, p.together);
    smr_node_replace_parameters(node, &p, sizeof p);
    node->read_count = p.product.computed_bias ? node->input_count : 2;
    node->scratch_bytes = p.together * p.bytes;
    node->phased = true;
    node->whole = true;
    node->phases = (uint32_t)phases;
    node->work = phases * p.items * p.together;
    node->run = batch_run;
}
