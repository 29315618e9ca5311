/* Running a signature: a loop over its nodes. */
#include "../platform/platform.h"
#include "context.h"

static smr_status run_node(smr_context *context, const smr_program *program, uint32_t index,
                           smr_error *error) {
    const smr_node *node = &program->nodes[index];
    smr_status status;
    if (node->late && smr_context_prepare_node(context, program, index, error) != SMR_OK) {
        /* The file was right for the largest sizes: it is the data that do not fit. */
        if (error != NULL) {
            error->status = SMR_ERROR_DATA;
        }
        return SMR_ERROR_DATA;
    }
    status = node->work == 0 ? SMR_OK : node->run(node, 0, node->work, error);
    if (status == SMR_OK && node->kernel->opcode == SMR_OP_DIMENSION) {
        status = smr_context_compute_dimension(context, node, error);
    }
    if (status != SMR_OK) {
        const smr_op_record op = smr_op_read(smr_vector_table(program->ops, index));
        smr_error_where_op(error, index, &op, program->tensors);
    }
    return status;
}

static smr_status run_node_and_tell(smr_context *context, int32_t signature, uint32_t index,
                                    smr_error *error) {
    const uint64_t start = smr_platform_clock();
    smr_op_event event;
    SMR_TRY(run_node(context, &context->programs[signature], index, error));
    event.context = context;
    event.signature = signature;
    event.index = (int32_t)index;
    event.nanoseconds = smr_platform_clock() - start;
    if (context->op_callback(context->op_callback_user, &event) != 0) {
        SMR_FAIL(error, SMR_ERROR_CANCELLED, "cancelled after op %u", (unsigned)index);
    }
    return SMR_OK;
}

smr_status smr_run(smr_context *context, int32_t signature, smr_error *error) {
    const smr_program *program;
    uint32_t i;
    if (context == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` is null");
    }
    if (signature < 0 || (uint32_t)signature >= context->model->signatures.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "signature %d of %u", (int)signature,
                 (unsigned)context->model->signatures.count);
    }
    program = &context->programs[signature];
    if (context->op_callback == NULL) {
        for (i = 0; i < program->ops.count; ++i) {
            SMR_TRY(run_node(context, program, i, error));
        }
    } else {
        for (i = 0; i < program->ops.count; ++i) {
            SMR_TRY(run_node_and_tell(context, signature, i, error));
        }
    }
    return SMR_OK;
}
