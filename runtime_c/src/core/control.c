/* Ops that run other programs of the file, which are called bodies. */
#include "control.h"

bool smr_control_bodies(uint16_t opcode, const smr_attributes *attributes, uint32_t programs[2]) {
    if (opcode == SMR_OP_COND) {
        programs[0] = (uint32_t)attributes->cond.then_body;
        programs[1] = (uint32_t)attributes->cond.else_body;
        return true;
    }
    if (opcode == SMR_OP_WHILE_LOOP) {
        programs[0] = (uint32_t)attributes->while_loop.condition;
        programs[1] = (uint32_t)attributes->while_loop.step;
        return true;
    }
    return false;
}

static void fill_role(smr_body *body, bool second) {
    body->results = body->op.outputs.count;
    if (body->op.opcode == SMR_OP_COND) {
        body->role = SMR_BODY_BRANCH;
        body->first = 1;
    } else {
        body->role = second ? SMR_BODY_STEP : SMR_BODY_CONDITION;
        body->variables = body->op.outputs.count;
        body->results = second ? body->op.outputs.count : 0;
    }
    body->arguments = body->op.inputs.count - body->first;
}

smr_status smr_body_read(const smr_model *model, uint32_t program, smr_body *body, smr_error *error) {
    const smr_table table = smr_vector_table(model->programs, program);
    const int32_t caller = smr_field_i32(table, SMR_SLOT_PROGRAM_CALLER, -1);
    const uint32_t index = smr_field_u32(table, SMR_SLOT_PROGRAM_CALLER_OP, 0);
    smr_attributes attributes;
    smr_table outer;
    smr_vector ops;
    uint32_t programs[2];
    memset(body, 0, sizeof *body);
    if (caller == -1) {
        return SMR_OK;
    }
    if (caller < -1 || (uint32_t)caller >= program) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "program %u is run by program %d, which is not before it",
                 (unsigned)program, (int)caller);
    }
    outer = smr_vector_table(model->programs, (uint32_t)caller);
    ops = smr_field_vector(outer, SMR_SLOT_PROGRAM_OPS);
    if (index >= ops.count) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "program %u is run by op %u of %u", (unsigned)program,
                 (unsigned)index, (unsigned)ops.count);
    }
    body->caller = (uint32_t)caller;
    body->op = smr_op_read(smr_vector_table(ops, index));
    body->tensors = smr_field_vector(outer, SMR_SLOT_PROGRAM_TENSORS);
    body->inputs = smr_field_vector(table, SMR_SLOT_PROGRAM_INPUTS);
    body->outputs = smr_field_vector(table, SMR_SLOT_PROGRAM_OUTPUTS);
    SMR_TRY(smr_attributes_decode(body->op.def, body->op.table, &attributes, error));
    if (!smr_control_bodies(body->op.opcode, &attributes, programs) ||
        (programs[0] != program && programs[1] != program)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "op %u of program %d, which should run program %u, does not",
                 (unsigned)index, (int)caller, (unsigned)program);
    }
    fill_role(body, programs[1] == program);
    return SMR_OK;
}

uint32_t smr_body_operand(const smr_body *body, smr_storage storage, uint32_t number) {
    if (storage == SMR_STORAGE_RESULT || number < body->variables) {
        return (uint32_t)smr_vector_i32(body->op.outputs, number);
    }
    return (uint32_t)smr_vector_i32(body->op.inputs, body->first + number);
}
