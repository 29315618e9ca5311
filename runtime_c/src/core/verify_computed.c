/* Verifying computed dimensions: in a program, and what is run around it, one op sets each, before any op has
 * an operand of that size. */
#include "verify.h"

/* Whether an op before number `end` of a program sets the dimension, or one before the op that runs the
 * program, and so on; scanning is paid for. */
static smr_status computed_before(smr_verify *verify, uint32_t program, uint32_t end, int32_t dimension,
                                  bool *found) {
    int32_t at = (int32_t)program;
    *found = false;
    while (at >= 0 && !*found) {
        const smr_table table = smr_vector_table(verify->model->programs, (uint32_t)at);
        const smr_vector ops = smr_field_vector(table, SMR_SLOT_PROGRAM_OPS);
        uint32_t i;
        SMR_TRY(smr_verify_spend(verify, 1 + (uint64_t)end));
        for (i = 0; i < end && !*found; ++i) {
            const smr_op_record op = smr_op_read(smr_vector_table(ops, i));
            if (op.opcode == SMR_OP_DIMENSION) {
                smr_attributes attributes;
                SMR_TRY(smr_attributes_decode(op.def, op.table, &attributes, verify->error));
                *found = attributes.dimension.symbol == dimension;
            }
        }
        at = smr_field_i32(table, SMR_SLOT_PROGRAM_CALLER, -1);
        end = smr_field_u32(table, SMR_SLOT_PROGRAM_CALLER_OP, 0);
    }
    return SMR_OK;
}

static const char *computed_name(const smr_verify *verify, int32_t dimension) {
    return smr_field_string(smr_vector_table(verify->model->dimensions, (uint32_t)dimension),
                            SMR_SLOT_DIMENSION_NAME);
}

static smr_status computed_definition(smr_verify *verify, uint32_t program, uint32_t index,
                                      const smr_op_record *op) {
    smr_attributes attributes;
    int32_t dimension;
    bool found;
    SMR_TRY(smr_attributes_decode(op->def, op->table, &attributes, verify->error));
    dimension = attributes.dimension.symbol;
    if (dimension < -1 || dimension >= (int32_t)verify->model->dimensions.count) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "sets dimension %d of %u", (int)dimension,
                 (unsigned)verify->model->dimensions.count);
    }
    if (dimension < 0) {
        return SMR_OK;
    }
    if (!smr_dimension_is_computed(verify->model, (uint32_t)dimension)) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "sets dimension \"%.64s\", which the caller sets",
                 computed_name(verify, dimension));
    }
    SMR_TRY(computed_before(verify, program, index, dimension, &found));
    if (found) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "sets dimension \"%.64s\" for the second time",
                 computed_name(verify, dimension));
    }
    return SMR_OK;
}

static smr_status computed_operands(smr_verify *verify, uint32_t program, uint32_t index, smr_vector operands,
                                    smr_vector tensors) {
    uint32_t i, k;
    for (i = 0; i < operands.count; ++i) {
        const int32_t tensor = smr_vector_i32(operands, i);
        smr_vector shape;
        if (tensor < 0) {
            continue;
        }
        shape = smr_field_vector(smr_vector_table(tensors, (uint32_t)tensor), SMR_SLOT_TENSOR_SHAPE);
        for (k = 0; !smr_shape_is_fixed(shape); ++k) {
            bool found;
            int32_t dimension;
            SMR_TRY(smr_verify_spend(verify, SMR_MAX_EXPRESSION));
            dimension = smr_shape_computed(verify->model, shape, k);
            if (dimension < 0) {
                break;
            }
            SMR_TRY(computed_before(verify, program, index, dimension, &found));
            if (!found) {
                SMR_FAIL(verify->error, SMR_ERROR_MODEL,
                         "\"%.64s\" has the size \"%.64s\", which no op before has set",
                         smr_tensor_name(smr_vector_table(tensors, (uint32_t)tensor)),
                         computed_name(verify, dimension));
            }
        }
    }
    return SMR_OK;
}

smr_status smr_verify_computed(smr_verify *verify, uint32_t program) {
    const smr_table table = smr_vector_table(verify->model->programs, program);
    const smr_vector tensors = smr_field_vector(table, SMR_SLOT_PROGRAM_TENSORS);
    const smr_vector ops = smr_field_vector(table, SMR_SLOT_PROGRAM_OPS);
    uint32_t i;
    for (i = 0; i < ops.count; ++i) {
        const smr_table entry = smr_vector_table(ops, i);
        const uint16_t opcode = smr_field_u16(entry, SMR_SLOT_OP_OPCODE, 0);
        smr_op_record op;
        smr_status status = SMR_OK;
        if (verify->model->dimensions.count == 0 && opcode != SMR_OP_DIMENSION) {
            continue;
        }
        op = smr_op_read(entry);
        if (op.opcode == SMR_OP_DIMENSION) {
            status = computed_definition(verify, program, i, &op);
        }
        if (status == SMR_OK) {
            status = computed_operands(verify, program, i, op.inputs, tensors);
        }
        if (status == SMR_OK) {
            status = computed_operands(verify, program, i, op.outputs, tensors);
        }
        if (status != SMR_OK) {
            smr_error_where_op(verify->error, i, &op, tensors);
            return status;
        }
    }
    return SMR_OK;
}
