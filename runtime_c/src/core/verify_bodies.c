/* Verifying bodies: which op runs which, how deeply, and that what goes in and out has the op's types, shapes
 * and places. */
#include "control.h"
#include "verify.h"

static uint8_t body_dtype(smr_table tensor) {
    return smr_field_u8(tensor, SMR_SLOT_TENSOR_DTYPE, SMR_DTYPE_NONE);
}

/* Programs run each other in the order of their numbers, so that there is no cycle. */
static smr_status verify_nesting(smr_verify *verify, uint32_t program) {
    uint32_t depth = 0;
    int32_t at = (int32_t)program;
    while (at >= 0) {
        at = smr_field_i32(smr_vector_table(verify->model->programs, (uint32_t)at), SMR_SLOT_PROGRAM_CALLER,
                           -1);
        if (at >= 0 && ++depth > SMR_MAX_NESTING) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "bodies within each other deeper than %d",
                     SMR_MAX_NESTING);
        }
    }
    return SMR_OK;
}

smr_status smr_verify_body(smr_verify *verify, uint32_t program, smr_body *body) {
    const smr_table table = smr_vector_table(verify->model->programs, program);
    SMR_TRY(smr_body_read(verify->model, program, body, verify->error));
    if (body->role == SMR_BODY_NONE) {
        return SMR_OK;
    }
    SMR_TRY(verify_nesting(verify, program));
    if (smr_field_u64(table, SMR_SLOT_PROGRAM_ARENA_BYTES, 0) > body->op.scratch_end) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "the body goes to byte %llu, past its op's scratch to %zu",
                 (unsigned long long)smr_field_u64(table, SMR_SLOT_PROGRAM_ARENA_BYTES, 0),
                 body->op.scratch_end);
    }
    if (body->inputs.count != body->arguments ||
        body->outputs.count != (body->role == SMR_BODY_CONDITION ? 1 : body->results)) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "a body with %u inputs and %u outputs, for %u and %u",
                 (unsigned)body->inputs.count, (unsigned)body->outputs.count, (unsigned)body->arguments,
                 (unsigned)body->op.outputs.count);
    }
    return SMR_OK;
}

/* How many ops two programs have together. */
static uint64_t count_ops(smr_vector programs, const uint32_t bodies[2]) {
    uint64_t count = 0;
    uint32_t i;
    for (i = 0; i < 2; ++i) {
        count += smr_field_vector(smr_vector_table(programs, bodies[i]), SMR_SLOT_PROGRAM_OPS).count;
    }
    return count;
}

smr_status smr_verify_bodies_of(smr_verify *verify, uint32_t program, uint32_t index,
                                const smr_op_record *op) {
    const smr_vector programs = verify->model->programs;
    smr_attributes attributes;
    uint32_t bodies[2], i;
    if (op->opcode != SMR_OP_COND && op->opcode != SMR_OP_WHILE_LOOP) {
        return SMR_OK;
    }
    SMR_TRY(smr_attributes_decode(op->def, op->table, &attributes, verify->error));
    if (!smr_control_bodies(op->opcode, &attributes, bodies)) {
        return SMR_OK;
    }
    for (i = 0; i < 2; ++i) {
        smr_table table;
        if (bodies[i] <= program || bodies[i] >= programs.count || bodies[0] == bodies[1]) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL,
                     "runs programs %u and %u: they must be two after program %u, of %u", (unsigned)bodies[0],
                     (unsigned)bodies[1], (unsigned)program, (unsigned)programs.count);
        }
        table = smr_vector_table(programs, bodies[i]);
        if (smr_field_i32(table, SMR_SLOT_PROGRAM_CALLER, -1) != (int32_t)program ||
            smr_field_u32(table, SMR_SLOT_PROGRAM_CALLER_OP, 0) != index) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "runs program %u, which names another op for its caller",
                     (unsigned)bodies[i]);
        }
    }
    /* Nothing would change from step to step, and no callback could end it. */
    if (op->opcode == SMR_OP_WHILE_LOOP && count_ops(programs, bodies) == 0) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "a loop whose condition and step have no ops");
    }
    return SMR_OK;
}

static bool is_computed(const smr_verify *verify, smr_table tensor) {
    return smr_shape_computed(verify->model, smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE), 0) >= 0;
}

/* What is given to a body, or taken from it, beside the op's operand for it. */
static smr_status verify_pair(smr_verify *verify, smr_table inner, smr_table outer, const char *what,
                              uint32_t number) {
    const smr_dimensions *const both[2] = {&verify->largest, &verify->smallest};
    int32_t i;
    if (is_computed(verify, inner) && !is_computed(verify, outer)) {
        SMR_FAIL(
            verify->error, SMR_ERROR_MODEL,
            "%s %u of the body, \"%.64s\", has a size that a run computes, and what it stands for has not",
            what, (unsigned)number, smr_tensor_name(inner));
    }
    for (i = 0; i < 2; ++i) {
        int32_t dims[2][SMR_MAX_RANK];
        smr_value a, b;
        SMR_TRY(smr_verify_spend_shape(verify, inner));
        SMR_TRY(smr_verify_spend_shape(verify, outer));
        SMR_TRY(smr_value_fill(both[i], inner, dims[0], &a, verify->error));
        SMR_TRY(smr_value_fill(both[i], outer, dims[1], &b, verify->error));
        if (a.dtype != b.dtype || !smr_value_same_shape(&a, &b)) {
            SMR_FAIL(
                verify->error, SMR_ERROR_MODEL,
                "%s %u is \"%.48s\" in the body and \"%.48s\" outside: they differ in element type or shape",
                what, (unsigned)number, smr_tensor_name(inner), smr_tensor_name(outer));
        }
    }
    return SMR_OK;
}

static smr_status find_tensor(smr_verify *verify, smr_vector tensors, smr_vector endpoints, uint32_t number,
                              const char *what, smr_table *tensor) {
    const int32_t index = smr_vector_i32(endpoints, number);
    if (index < 0 || (uint32_t)index >= tensors.count) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%s %u of the body is tensor %d of %u", what,
                 (unsigned)number, (int)index, (unsigned)tensors.count);
    }
    *tensor = smr_vector_table(tensors, (uint32_t)index);
    return SMR_OK;
}

/* An output is in the body's own bytes, or where the caller has it already. The step of a loop may not leave
 * one variable where another one lies, since all take their new values at once. */
static smr_status verify_output_place(smr_verify *verify, const smr_body *body, smr_table tensor,
                                      uint32_t number) {
    const smr_storage storage = smr_tensor_storage(tensor);
    const uint64_t which = smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    const bool outside = storage == SMR_STORAGE_ARGUMENT || storage == SMR_STORAGE_RESULT;
    if ((storage != SMR_STORAGE_ARENA && !outside) || smr_tensor_is_strided(tensor) ||
        (body->role == SMR_BODY_STEP && outside && which != number)) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL,
                 "output %u of the body, \"%.64s\", is in storage %d, number %llu", (unsigned)number,
                 smr_tensor_name(tensor), (int)storage, (unsigned long long)which);
    }
    return SMR_OK;
}

smr_status smr_verify_body_endpoints(smr_verify *verify, smr_vector tensors, const smr_body *body) {
    smr_table tensor;
    uint32_t i;
    for (i = 0; i < body->inputs.count; ++i) {
        const uint32_t outer = smr_body_operand(body, SMR_STORAGE_ARGUMENT, i);
        SMR_TRY(find_tensor(verify, tensors, body->inputs, i, "input", &tensor));
        if (smr_tensor_storage(tensor) != SMR_STORAGE_ARGUMENT ||
            smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0) != i) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "input %u of the body is not argument %u", (unsigned)i,
                     (unsigned)i);
        }
        SMR_TRY(verify_pair(verify, tensor, smr_vector_table(body->tensors, outer), "input", i));
    }
    for (i = 0; i < body->outputs.count; ++i) {
        SMR_TRY(find_tensor(verify, tensors, body->outputs, i, "output", &tensor));
        SMR_TRY(verify_output_place(verify, body, tensor, i));
        if (body->role == SMR_BODY_CONDITION) {
            if (body_dtype(tensor) != SMR_DTYPE_BOOL ||
                smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE).count != 0) {
                SMR_FAIL(verify->error, SMR_ERROR_MODEL, "the condition \"%.64s\" is no bool scalar",
                         smr_tensor_name(tensor));
            }
        } else {
            const uint32_t outer = smr_body_operand(body, SMR_STORAGE_RESULT, i);
            SMR_TRY(verify_pair(verify, tensor, smr_vector_table(body->tensors, outer), "output", i));
        }
    }
    return SMR_OK;
}

smr_status smr_verify_outside_place(smr_verify *verify, const smr_body *body, const smr_value *largest,
                                    uint64_t number) {
    const bool argument = largest->storage == SMR_STORAGE_ARGUMENT;
    const uint32_t count = argument ? body->arguments : body->results;
    int32_t dims[SMR_MAX_RANK];
    smr_value outer;
    if (number >= count) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "is %s %llu of %u", argument ? "argument" : "result",
                 (unsigned long long)number, (unsigned)count);
    }
    SMR_TRY(smr_value_fill(
        &verify->largest,
        smr_vector_table(body->tensors,
                         smr_body_operand(body, (smr_storage)largest->storage, (uint32_t)number)),
        dims, &outer, verify->error));
    if (largest->count * smr_dtype_size((smr_dtype)largest->dtype) >
        outer.count * smr_dtype_size((smr_dtype)outer.dtype)) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "has %zu elements in the place of %zu", largest->count,
                 outer.count);
    }
    return SMR_OK;
}
