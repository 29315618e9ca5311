/* Running a signature: a loop over its nodes, and over those of the bodies that they run. What is under way
 * lies on a stack of known height, so that no file can make this recursive. */
#include "../platform/platform.h"
#include "follow.h"
#include "parallel.h"

/* The most steps that the loops of one run take together. */
#define RUN_MOST_STEPS ((uint64_t)INT32_MAX)

/* Where a run is in one program. */
typedef struct run_frame {
    const smr_program *program;
    const smr_program *body; /* what the node at `next` runs at present */
    uint32_t next;
    uint32_t told;  /* the ops before this one have been told of; only with a callback */
    int32_t steps;  /* that the loop at `next` has taken */
    uint64_t start; /* of the node at `next`; only with a callback */
} run_frame;

typedef struct run_stack {
    smr_context *context;
    smr_error *error;
    uint64_t steps; /* of all loops */
    int32_t signature;
    uint32_t height;
    uint64_t floats; /* the caller's floating-point environment */
    run_frame frames[SMR_MAX_NESTING + 1];
} run_stack;

static smr_status failed_node(const smr_program *program, uint32_t index, smr_status status,
                              smr_error *error) {
    const smr_op_record op = smr_op_read(smr_vector_table(program->ops, index));
    smr_error_where_op(error, index, &op, program->tensors);
    return status;
}

/* The file was right for the largest sizes: when others are not, it is the data that do not fit. */
static smr_status data_that_fit(smr_status status, smr_error *error) {
    if (status != SMR_OK && error != NULL) {
        error->status = SMR_ERROR_DATA;
    }
    return status == SMR_OK ? SMR_OK : SMR_ERROR_DATA;
}

static smr_status run_node(smr_context *context, const smr_program *program, const smr_node *node,
                           smr_error *error) {
    smr_status status = smr_parallel_run(context, node, error);
    if (status == SMR_OK && node->kernel->opcode == SMR_OP_DIMENSION) {
        status = smr_context_compute_dimension(context, node, error);
    }
    return status == SMR_OK ? SMR_OK : failed_node(program, node->index, status, error);
}

static uint64_t start_clock(const run_stack *stack) {
    return stack->context->op_callback == NULL ? 0 : smr_platform_clock();
}

/* Calls back in the floating-point environment of the caller, which the callback may change. */
static smr_status call_back(run_stack *stack, run_frame *frame, uint64_t nanoseconds) {
    smr_op_event event;
    int32_t stop;
    event.context = stack->context;
    event.signature = stack->signature;
    event.program = (int32_t)frame->program->index;
    event.index = (int32_t)frame->told++;
    event.nanoseconds = nanoseconds;
    smr_platform_restore_floats(stack->floats);
    stop = stack->context->op_callback(stack->context->op_callback_user, &event);
    stack->floats = smr_platform_set_floats();
    if (stop != 0) {
        SMR_FAIL(stack->error, SMR_ERROR_CANCELLED, "cancelled after op %d", (int)event.index);
    }
    return SMR_OK;
}

/* Tells the callback of the ops before number `op` of the topmost frame, which had nothing to do. */
static smr_status tell_before(run_stack *stack, uint32_t op) {
    run_frame *frame = &stack->frames[stack->height - 1];
    while (stack->context->op_callback != NULL && frame->told < op) {
        SMR_TRY(call_back(stack, frame, 0));
    }
    return SMR_OK;
}

/* Tells the callback that the node at `next` of the topmost frame has run, and goes on to the one after it
 * and those that have followed it. */
static smr_status end_op(run_stack *stack) {
    run_frame *frame = &stack->frames[stack->height - 1];
    frame->next += 1 + smr_follow_count(frame->program->nodes[frame->next]);
    return stack->context->op_callback == NULL ? SMR_OK
                                               : call_back(stack, frame, smr_platform_clock() - frame->start);
}

/* Goes into a body of the node at `next`. The loader has bounded how deep this goes. */
static void begin_body(run_stack *stack, int32_t program) {
    run_frame *frame = &stack->frames[stack->height - 1];
    frame->body = &stack->context->programs[program];
    memset(&stack->frames[stack->height], 0, sizeof *frame);
    stack->frames[stack->height].program = frame->body;
    ++stack->height;
}

static void copy_value(const smr_value *target, const smr_value *source) {
    if (target->data != source->data && source->count > 0) {
        memcpy(target->data, source->data, source->count * smr_dtype_size((smr_dtype)source->dtype));
    }
}

/* Hands the outputs of a body to its op; most lie there already. */
static void take_outputs(const smr_model *model, const smr_node *node, const smr_program *body) {
    uint32_t i;
    for (i = 0; i < body->outputs.count; ++i) {
        const smr_value output = smr_program_tensor(model, body, (uint32_t)smr_vector_i32(body->outputs, i));
        copy_value(node->outputs[i], &output);
    }
}

static bool read_bool(const smr_value *value) {
    return *(const uint8_t *)value->data != 0;
}

/* Prepares a node that is late, and its bodies for what it gives them. */
static smr_status prepare_late(smr_context *context, const smr_program *program, smr_node *node,
                               smr_error *error) {
    smr_status status = smr_context_prepare_node(context, program, node, error);
    uint32_t bodies[2], i;
    if (status != SMR_OK || !smr_control_bodies(node->kernel->opcode, &node->attributes, bodies)) {
        return data_that_fit(status, error);
    }
    for (i = 0; i < 2 && status == SMR_OK; ++i) {
        status = data_that_fit(smr_context_prepare_body(context, bodies[i], error), error);
    }
    return status == SMR_OK ? SMR_OK : failed_node(program, node->index, status, error);
}

static void begin_control(run_stack *stack, const smr_node *node) {
    int32_t i;
    if (node->kernel->opcode == SMR_OP_COND) {
        begin_body(stack, read_bool(node->inputs[0]) ? node->attributes.cond.then_body
                                                     : node->attributes.cond.else_body);
        return;
    }
    for (i = 0; i < node->output_count; ++i) {
        copy_value(node->outputs[i], node->inputs[i]);
    }
    stack->frames[stack->height - 1].steps = 0;
    begin_body(stack, node->attributes.while_loop.condition);
}

static smr_status begin_step(run_stack *stack, const smr_node *node) {
    run_frame *frame = &stack->frames[stack->height - 1];
    if (frame->steps >= node->attributes.while_loop.maximum_trip_count) {
        SMR_FAIL(stack->error, SMR_ERROR_DATA,
                 "the condition still holds after %d steps, which is the loop's maximum_trip_count",
                 (int)frame->steps);
    }
    if (stack->steps >= RUN_MOST_STEPS) {
        SMR_FAIL(stack->error, SMR_ERROR_DATA, "the loops of one run take more than %llu steps",
                 (unsigned long long)RUN_MOST_STEPS);
    }
    ++frame->steps;
    ++stack->steps;
    begin_body(stack, node->attributes.while_loop.step);
    return SMR_OK;
}

/* Goes on with the op of the topmost frame, one of whose bodies has come to its end. */
static smr_status end_body(run_stack *stack) {
    run_frame *frame = &stack->frames[stack->height - 1];
    const smr_node *node = frame->program->nodes[frame->next];
    smr_value first;
    smr_status status = SMR_OK;
    if (node->late) {
        status = data_that_fit(smr_context_check_results(stack->context, frame->body->index, stack->error),
                               stack->error);
    }
    if (status != SMR_OK) {
        return failed_node(frame->program, node->index, status, stack->error);
    }
    if (node->kernel->opcode == SMR_OP_COND) {
        take_outputs(stack->context->model, node, frame->body);
        return end_op(stack);
    }
    if ((int32_t)frame->body->index == node->attributes.while_loop.step) {
        take_outputs(stack->context->model, node, frame->body);
        begin_body(stack, node->attributes.while_loop.condition);
        return SMR_OK;
    }
    first = smr_program_tensor(stack->context->model, frame->body,
                               (uint32_t)smr_vector_i32(frame->body->outputs, 0));
    if (!read_bool(&first)) {
        return end_op(stack);
    }
    status = begin_step(stack, node);
    return status == SMR_OK ? SMR_OK : failed_node(frame->program, node->index, status, stack->error);
}

/* Begins the node at `next` of the topmost frame, and ends it too unless it runs bodies. */
static smr_status run_op(run_stack *stack) {
    run_frame *frame = &stack->frames[stack->height - 1];
    smr_node *node = frame->program->nodes[frame->next];
    smr_context *context = stack->context;
    SMR_TRY(tell_before(stack, node->index));
    frame->start = start_clock(stack);
    if (node->late) {
        SMR_TRY(prepare_late(context, frame->program, node, stack->error));
    }
    if (node->kernel->opcode == SMR_OP_COND || node->kernel->opcode == SMR_OP_WHILE_LOOP) {
        begin_control(stack, node);
        return SMR_OK;
    }
    SMR_TRY(run_node(context, frame->program, node, stack->error));
    return end_op(stack);
}

static smr_status run_stacked(run_stack *stack) {
    while (stack->height > 0) {
        const run_frame *frame = &stack->frames[stack->height - 1];
        if (frame->next < frame->program->node_count) {
            SMR_TRY(run_op(stack));
            continue;
        }
        SMR_TRY(tell_before(stack, frame->program->ops.count));
        if (--stack->height > 0) {
            SMR_TRY(end_body(stack));
        }
    }
    return SMR_OK;
}

smr_status smr_run(smr_context *context, int32_t signature, smr_error *error) {
    const smr_program *program;
    run_stack stack;
    smr_status status;
    uint64_t begin;
    if (context == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` is null");
    }
    if (signature < 0 || (uint32_t)signature >= context->model->signatures.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "signature %d of %u", (int)signature,
                 (unsigned)context->model->signatures.count);
    }
    memset(&stack, 0, sizeof stack);
    stack.context = context;
    stack.error = error;
    stack.signature = signature;
    stack.height = 1;
    stack.frames[0].program = program = smr_context_program_of(context, signature);
    begin = smr_parallel_begin(context, program);
    stack.floats = smr_platform_set_floats();
    status = run_stacked(&stack);
    smr_platform_restore_floats(stack.floats);
    if (status == SMR_OK) {
        smr_parallel_end(context, program, begin);
    }
    return status;
}
