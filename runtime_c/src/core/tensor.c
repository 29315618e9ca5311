/* The tensors of a program as the file describes them. */
#include "tensor.h"

smr_status smr_value_fill(const smr_dimensions *dimensions, smr_table tensor, int32_t *dims, smr_value *value,
                          smr_error *error) {
    const smr_vector entries = smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE);
    const uint8_t dtype = smr_field_u8(tensor, SMR_SLOT_TENSOR_DTYPE, SMR_DTYPE_NONE);
    const uint8_t storage = smr_field_u8(tensor, SMR_SLOT_TENSOR_STORAGE, SMR_STORAGE_ARENA);
    const uint8_t layout = smr_field_u8(tensor, SMR_SLOT_TENSOR_LAYOUT, SMR_LAYOUT_DENSE);
    memset(value, 0, sizeof *value);
    if (smr_dtype_size((smr_dtype)dtype) == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "tensor \"%.64s\" has the unknown element type %u",
                 smr_tensor_name(tensor), (unsigned)dtype);
    }
    if (storage > SMR_STORAGE_RESULT || layout > SMR_LAYOUT_STRIDED ||
        (layout != SMR_LAYOUT_DENSE &&
         storage != (layout == SMR_LAYOUT_STRIDED ? SMR_STORAGE_ARENA : SMR_STORAGE_CONSTANT))) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "tensor \"%.64s\" has storage %u with layout %u",
                 smr_tensor_name(tensor), (unsigned)storage, (unsigned)layout);
    }
    value->dims = (const int32_t *)(const void *)entries.data;
    if (!smr_shape_count(entries, (smr_dtype)dtype, &value->count)) {
        smr_shape shape;
        const smr_status status = smr_shape_evaluate(dimensions, entries, (smr_dtype)dtype, &shape, error);
        if (status != SMR_OK) {
            smr_error_where(error, "tensor \"%.64s\": ", smr_tensor_name(tensor));
            return status;
        }
        value->count = shape.count;
        memcpy(dims, shape.dims, sizeof shape.dims);
        value->dims = dims;
    }
    value->rank = (uint8_t)entries.count;
    value->run = layout == SMR_LAYOUT_STRIDED ? smr_field_u32(tensor, SMR_SLOT_TENSOR_ROW, 0)
                                              : smr_field_u32(tensor, SMR_SLOT_TENSOR_RUN, 0);
    value->dtype = dtype;
    value->layout = layout;
    value->storage = storage;
    if (storage == SMR_STORAGE_CONSTANT) {
        const uint32_t index = smr_field_u32(tensor, SMR_SLOT_TENSOR_CONSTANT, 0);
        const smr_model *model = dimensions->model;
        if (index >= model->constants.count) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "tensor \"%.64s\" is constant %u of %u", smr_tensor_name(tensor),
                     (unsigned)index, (unsigned)model->constants.count);
        }
        /* Kernels take one kind of pointer; that of an input is never written through. */
        value->data = (void *)(uintptr_t)smr_model_constant(model, index).data;
    }
    return SMR_OK;
}

bool smr_value_same_shape(const smr_value *a, const smr_value *b) {
    return a->rank == b->rank && (a->rank == 0 || memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0);
}

bool smr_value_strided_fits(const smr_value *value, uint64_t bytes) {
    const uint64_t most = bytes / smr_dtype_size((smr_dtype)value->dtype); /* elements */
    uint64_t width, rows;
    if (value->rank == 0 || value->count == 0) {
        return false;
    }
    width = (uint64_t)value->dims[value->rank - 1];
    rows = value->count / width;
    return value->row >= width && value->row <= most && rows - 1 <= most / value->row &&
           (rows - 1) * value->row + width <= most;
}

/* Puts the rows of a strided tensor, which begin at `begin`, so far apart as they are. */
static void extent_stride(smr_table tensor, int32_t last, size_t size, smr_extent *extent) {
    extent->width = (size_t)last * size;
    extent->row = (size_t)smr_field_u32(tensor, SMR_SLOT_TENSOR_ROW, 0) * size;
    extent->end =
        extent->begin + ((extent->end - extent->begin) / extent->width - 1) * extent->row + extent->width;
}

smr_extent smr_tensor_extent(const smr_dimensions *largest, smr_table tensor) {
    const smr_vector shape = smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE);
    const size_t size =
        smr_dtype_size((smr_dtype)smr_field_u8(tensor, SMR_SLOT_TENSOR_DTYPE, SMR_DTYPE_NONE));
    size_t bytes = size;
    int32_t value = 1;
    smr_extent extent;
    uint32_t i;
    for (i = 0; i < shape.count; ++i) {
        value = smr_vector_i32(shape, i);
        if (value < 0) {
            (void)smr_expression_evaluate(largest, (uint32_t)(-1 - value), &value, NULL);
        }
        bytes *= (size_t)value;
    }
    extent.begin = (size_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    extent.end = extent.begin + bytes;
    extent.width = bytes;
    extent.row = 0;
    if (smr_tensor_is_strided(tensor)) {
        extent_stride(tensor, value, size, &extent);
    }
    return extent;
}

bool smr_extent_overlap(smr_extent one, smr_extent other) {
    const bool first = one.begin <= other.begin;
    const smr_extent low = first ? one : other, high = first ? other : one;
    size_t within;
    if (high.begin >= (low.end < high.end ? low.end : high.end)) {
        return false;
    }
    if (low.row == 0 || (high.row != 0 && high.row != low.row)) {
        return true;
    }
    /* Rows of `low` do not overlap, so that only the one at which `high` begins and the one after it can meet
     * the first row of `high`, and the other rows of `high` lie as it does. */
    within = (high.begin - low.begin) % low.row;
    return within < low.width || low.row - within < high.width;
}

/* ceil(columns / 16) panels of 16 elements of `bytes` bytes in each of `rows` rows; false when that
 * overflows. */
static bool panel_bytes(uint64_t rows, uint64_t columns, uint64_t bytes, uint64_t *total) {
    const uint64_t panels = (columns + 15) / 16;
    *total = 0;
    if (rows == 0 || panels == 0) {
        return true;
    }
    if (panels > (uint64_t)PTRDIFF_MAX / 16 / bytes / rows) {
        return false;
    }
    *total = panels * rows * 16 * bytes;
    return true;
}

smr_status smr_value_constant_bytes(const smr_value *value, uint64_t *bytes, smr_error *error) {
    const size_t size = smr_dtype_size((smr_dtype)value->dtype);
    uint64_t rows = 1;
    bool fits = true;
    int32_t i;
    for (i = 0; i + 1 < value->rank; ++i) {
        rows *= (uint64_t)value->dims[i];
    }
    *bytes = (uint64_t)value->count * size;
    if (value->layout != SMR_LAYOUT_DENSE && value->rank == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a panel layout of a scalar");
    }
    if (value->layout == SMR_LAYOUT_PANEL16) {
        if (value->dtype != SMR_DTYPE_FLOAT32 && value->dtype != SMR_DTYPE_FLOAT16) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "layout panel16 of %s", smr_dtype_name((smr_dtype)value->dtype));
        }
        fits = panel_bytes(rows, (uint64_t)value->dims[value->rank - 1], size, bytes);
    } else if (value->layout == SMR_LAYOUT_PANEL16X4) {
        const uint64_t run = value->run;
        if (value->dtype != SMR_DTYPE_INT8 || run == 0 || rows % run != 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "layout panel16x4 of %s with %llu rows in runs of %u",
                     smr_dtype_name((smr_dtype)value->dtype), (unsigned long long)rows, (unsigned)value->run);
        }
        /* rows fits in 63 bits and padding at most quadruples it, which panel_bytes is asked in two steps. */
        fits =
            rows / run <= (uint64_t)PTRDIFF_MAX / 64 / ((run + 3) / 4) &&
            panel_bytes(rows / run * ((run + 3) / 4 * 4), (uint64_t)value->dims[value->rank - 1], 1, bytes);
    }
    if (!fits) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a panel layout has more bytes than this machine can address");
    }
    return SMR_OK;
}
