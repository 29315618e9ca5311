/* Verifying the ops of a program against the op table: arity, operands, element types, and each kernel's
 * rules. */
#include "../kernels/registry.h"
#include "verify.h"

typedef struct op_check {
    smr_verify *verify;
    const smr_op_record *op;
    smr_vector tensors;
    uint8_t types[SMR_MAX_TYPE_VARIABLES]; /* what a type variable stands for in this op; 0: not yet known */
} op_check;

static smr_status check_arity(const op_check *check, const char *what, uint32_t found, uint32_t expected,
                              const smr_operand_def *operands) {
    const uint8_t last = expected > 0 ? operands[expected - 1].flags : 0;
    const bool variadic = (last & SMR_OPERAND_VARIADIC) != 0;
    const bool none = variadic && (last & SMR_OPERAND_OPTIONAL) != 0;
    if (found < expected - (none ? 1u : 0u) || (found > expected && !variadic) || found > SMR_MAX_OPERANDS) {
        SMR_FAIL(check->verify->error, SMR_ERROR_MODEL, "%u %s instead of %u", (unsigned)found, what,
                 (unsigned)expected);
    }
    return SMR_OK;
}

static smr_status check_operand(op_check *check, const smr_operand_def *operand, int32_t index, bool output) {
    smr_error *error = check->verify->error;
    smr_table tensor;
    uint8_t dtype, storage;
    if (index == -1 && !output && (operand->flags & SMR_OPERAND_VARIADIC) == 0 &&
        (operand->flags & (SMR_OPERAND_OPTIONAL | SMR_OPERAND_SHAPE_ONLY)) != 0) {
        return SMR_OK;
    }
    if (index < 0 || (uint32_t)index >= check->tensors.count) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "operand %s is tensor %d of %u", operand->name, (int)index,
                 (unsigned)check->tensors.count);
    }
    tensor = smr_vector_table(check->tensors, (uint32_t)index);
    SMR_TRY(smr_verify_spend_shape(check->verify, tensor));
    dtype = smr_field_u8(tensor, SMR_SLOT_TENSOR_DTYPE, SMR_DTYPE_NONE);
    storage = (uint8_t)smr_tensor_storage(tensor);
    if ((operand->dtypes >> dtype & 1u) == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "operand %s \"%.64s\" cannot be %s", operand->name,
                 smr_tensor_name(tensor), smr_dtype_name((smr_dtype)dtype));
    }
    if (operand->variable >= 0) {
        uint8_t *type = &check->types[operand->variable];
        if (*type != 0 && *type != dtype) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "operand %s \"%.64s\" is %s beside %s", operand->name,
                     smr_tensor_name(tensor), smr_dtype_name((smr_dtype)dtype),
                     smr_dtype_name((smr_dtype)*type));
        }
        *type = dtype;
    }
    if (output && storage == SMR_STORAGE_CONSTANT) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "output %s \"%.64s\" is a constant", operand->name,
                 smr_tensor_name(tensor));
    }
    if (smr_tensor_is_strided(tensor)) {
        if ((operand->flags & SMR_OPERAND_STRIDED) == 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "operand %s \"%.64s\" cannot be strided", operand->name,
                     smr_tensor_name(tensor));
        }
        return SMR_OK;
    }
    if ((operand->flags & SMR_OPERAND_PACKED) == 0 &&
        smr_field_u8(tensor, SMR_SLOT_TENSOR_LAYOUT, SMR_LAYOUT_DENSE) != SMR_LAYOUT_DENSE) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "operand %s \"%.64s\" cannot be in panels", operand->name,
                 smr_tensor_name(tensor));
    }
    return SMR_OK;
}

static smr_status check_operands(op_check *check) {
    const smr_op_record *op = check->op;
    const smr_op_def *def = op->def;
    uint32_t i;
    SMR_TRY(check_arity(check, "inputs", op->inputs.count, def->input_count, def->inputs));
    SMR_TRY(check_arity(check, "outputs", op->outputs.count, def->output_count, def->outputs));
    for (i = 0; i < op->inputs.count; ++i) {
        const uint32_t row = i < def->input_count ? i : def->input_count - 1u;
        SMR_TRY(check_operand(check, &def->inputs[row], smr_vector_i32(op->inputs, i), false));
    }
    for (i = 0; i < op->outputs.count; ++i) {
        const uint32_t row = i < def->output_count ? i : def->output_count - 1u;
        SMR_TRY(check_operand(check, &def->outputs[row], smr_vector_i32(op->outputs, i), true));
    }
    return SMR_OK;
}

static smr_status check_scratch(const op_check *check, uint64_t arena_bytes, const smr_body *body) {
    const uint64_t begin = body->role == SMR_BODY_NONE ? 0 : body->op.scratch_begin;
    const uint64_t offset = smr_field_u64(check->op->table, SMR_SLOT_OP_SCRATCH_OFFSET, 0);
    const uint64_t bytes = smr_field_u64(check->op->table, SMR_SLOT_OP_SCRATCH_BYTES, 0);
    if (offset % SMR_ALIGNMENT != 0 || offset > arena_bytes || bytes > arena_bytes - offset) {
        SMR_FAIL(check->verify->error, SMR_ERROR_MODEL,
                 "scratch of %llu bytes at offset %llu of an arena of %llu", (unsigned long long)bytes,
                 (unsigned long long)offset, (unsigned long long)arena_bytes);
    }
    if (bytes > 0 && offset < begin) {
        SMR_FAIL(check->verify->error, SMR_ERROR_MODEL,
                 "scratch at offset %llu is before %llu, where the body's bytes begin",
                 (unsigned long long)offset, (unsigned long long)begin);
    }
    return SMR_OK;
}

static smr_status check_op(op_check *check, uint64_t arena_bytes, const smr_body *body) {
    const smr_op_record *op = check->op;
    if (op->def == NULL) {
        SMR_FAIL(check->verify->error, SMR_ERROR_UNSUPPORTED, "op number %u, which runtime %s does not know",
                 (unsigned)op->opcode, smr_version_string());
    }
    SMR_TRY(check_operands(check));
    return check_scratch(check, arena_bytes, body);
}

/* The kernel is asked at the largest and at the smallest dimensions; those between are asked about when a
 * context sets them. Sizes that a run computes need not fit together at their smallest: it asks each time. */
static smr_status check_kernel(smr_verify *verify, const smr_op_record *op, uint32_t index,
                               smr_vector tensors) {
    const uint32_t isas = verify->model->isas;
    SMR_TRY(smr_verify_probe(verify, op, tensors));
    if (!smr_kept_add(&verify->kept, &verify->probe->node, op, index)) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "more ops than this machine can address");
    }
    if (!verify->probe->node.fixed && !smr_op_is_late(verify->model, op, tensors)) {
        verify->probed = NULL;
        return smr_node_probe_prepare(verify->probe, &verify->smallest, isas, op, tensors, verify->error);
    }
    return SMR_OK;
}

static smr_status verify_op(smr_verify *verify, const smr_op_record *op, smr_vector tensors,
                            uint64_t arena_bytes, const smr_body *body) {
    op_check check;
    memset(&check, 0, sizeof check);
    check.verify = verify;
    check.op = op;
    check.tensors = tensors;
    return check_op(&check, arena_bytes, body);
}

smr_status smr_verify_ops(smr_verify *verify, uint32_t index, const smr_body *body) {
    const smr_table program = smr_vector_table(verify->model->programs, index);
    const smr_vector tensors = smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS);
    const smr_vector ops = smr_field_vector(program, SMR_SLOT_PROGRAM_OPS);
    const uint64_t arena_bytes = smr_field_u64(program, SMR_SLOT_PROGRAM_ARENA_BYTES, 0);
    uint32_t i;
    smr_kept_begin(&verify->kept, ops, tensors);
    for (i = 0; i < ops.count; ++i) {
        const smr_op_record op = smr_op_read(smr_vector_table(ops, i));
        smr_status status = verify_op(verify, &op, tensors, arena_bytes, body);
        if (status == SMR_OK) {
            status = check_kernel(verify, &op, i, tensors);
        }
        if (status == SMR_OK) {
            status = smr_verify_bodies_of(verify, index, i, &op);
        }
        if (status != SMR_OK) {
            smr_error_where_op(verify->error, i, &op, tensors);
            return status;
        }
    }
    return SMR_OK;
}
