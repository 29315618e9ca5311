/* The nodes of a context: building them, and keeping them up with the dimensions. */
#include "context.h"

#include "follow.h"
#include "parallel.h"

smr_status smr_whole_node_fill(const smr_context *context, const smr_program *program, uint32_t index,
                               const smr_op_record *op, const smr_context_rooms *rooms, smr_whole_node *whole,
                               smr_error *error) {
    smr_node *node = &whole->node;
    uint32_t i, constants = 0;
    memset(node, 0, sizeof *node);
    node->index = index;
    node->isas = context->isas;
    node->inputs = whole->inputs;
    node->outputs = whole->outputs;
    node->input_count = (uint8_t)op->inputs.count;
    node->output_count = (uint8_t)op->outputs.count;
    node->scratch = op->scratch_end > op->scratch_begin ? context->arena + op->scratch_begin : NULL;
    node->fixed = smr_op_is_fixed(context->model, op, program->tensors);
    node->late = !node->fixed && smr_op_is_late(context->model, op, program->tensors);
    for (i = 0; i < op->inputs.count; ++i) {
        const int32_t tensor = smr_vector_i32(op->inputs, i);
        whole->inputs[i] = tensor < 0 ? NULL : smr_program_value(program, (uint32_t)tensor);
        if (tensor >= 0 && whole->inputs[i] == NULL) {
            smr_value *room = rooms != NULL && constants < rooms->left.constants
                                  ? rooms->constants + constants
                                  : whole->constants + constants;
            *room = smr_program_constant(context->model, program, (uint32_t)tensor);
            whole->inputs[i] = room;
            ++constants;
        }
    }
    for (i = 0; i < op->outputs.count; ++i) {
        whole->outputs[i] = smr_program_value(program, (uint32_t)smr_vector_i32(op->outputs, i));
    }
    return smr_attributes_decode(op->def, op->table, &node->attributes, error);
}

/* One of the nodes that were kept last that has the same parameters and constants; null when none has. */
static const smr_node *find_alike(const smr_program *program, const smr_op_record *op,
                                  const smr_attributes *attributes, uint32_t likeness,
                                  const smr_context_rooms *rooms) {
    smr_node **node = rooms->nodes;
    while (node > program->nodes && rooms->nodes - node < SMR_KEPT_RECENT) {
        --node;
        if (rooms->likeness[(node - program->nodes) % SMR_KEPT_RECENT] == likeness &&
            smr_op_alike(smr_vector_table(program->ops, (*node)->index), op, attributes, program->tensors)) {
            return *node;
        }
    }
    return NULL;
}

/* Takes bytes for nodes, of as many as have been counted. */
static void *take_bytes(smr_context_rooms *rooms, size_t bytes) {
    void *taken = rooms->node_bytes;
    rooms->node_bytes += bytes;
    rooms->left.node_bytes -= bytes;
    return taken;
}

/* Whether there is room for what is kept of a node. */
static bool has_room(const smr_context_rooms *rooms, const smr_kept_node *more) {
    return rooms->left.nodes > 0 && more->bytes + more->parameters <= rooms->left.node_bytes &&
           more->constants <= rooms->left.constants && more->inputs + more->outputs <= rooms->left.operands;
}

/* Writes where the operands of a node are that is kept: constants where those of `alike` are, or where they
 * have been put already. */
static void keep_operands(const smr_whole_node *whole, const smr_kept_node *more, const smr_node *alike,
                          smr_context_rooms *rooms, smr_node *kept) {
    size_t i;
    kept->inputs = (const smr_value **)(void *)rooms->operands;
    kept->outputs = (smr_value **)(void *)(rooms->operands + more->inputs);
    for (i = 0; i < more->inputs; ++i) {
        const smr_value *input = whole->inputs[i];
        const bool constant = input != NULL && input->storage == SMR_STORAGE_CONSTANT;
        kept->inputs[i] = constant && alike != NULL ? alike->inputs[i] : input;
    }
    memcpy((void *)kept->outputs, (const void *)whole->outputs, more->outputs * sizeof(void *));
    rooms->operands += more->inputs + more->outputs;
    rooms->left.operands -= more->inputs + more->outputs;
}

/* Copies what a context keeps of a node to where it stays. */
static smr_status keep_node(const smr_program *program, const smr_op_record *op, const smr_whole_node *whole,
                            smr_context_rooms *rooms, smr_error *error) {
    smr_kept_node more = smr_node_kept(&whole->node);
    const smr_node *alike = NULL;
    smr_node *kept;
    uint32_t likeness;
    if (more.bytes == 0) {
        return SMR_OK;
    }
    likeness = smr_op_likeness(op, program->tensors);
    if (more.shareable) {
        alike = find_alike(program, op, &whole->node.attributes, likeness, rooms);
        more.parameters = alike == NULL ? more.parameters : 0;
        more.constants = alike == NULL ? more.constants : 0;
    }
    if (!has_room(rooms, &more)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a kernel that is prepared in another way than when it was counted");
    }
    kept = take_bytes(rooms, more.bytes);
    memcpy(kept, &whole->node, more.bytes);
    kept->input_count = (uint8_t)more.inputs;
    if (more.bytes == sizeof *kept) {
        kept->parameters = kept->room.bytes;
    } else if (alike != NULL) {
        kept->parameters = alike->parameters;
    } else {
        kept->parameters =
            memcpy(take_bytes(rooms, more.parameters), whole->node.room.bytes, more.parameters);
    }
    keep_operands(whole, &more, alike, rooms, kept);
    rooms->likeness[(rooms->nodes - program->nodes) % SMR_KEPT_RECENT] = likeness;
    *rooms->nodes++ = kept;
    --rooms->left.nodes;
    rooms->constants += more.constants;
    rooms->left.constants -= more.constants;
    return SMR_OK;
}

static smr_status prepare_node(const smr_program *program, smr_node *node, const smr_op_record *op,
                               smr_error *error) {
    smr_status status = smr_node_prepare(node, op, error);
    if (status == SMR_OK) {
        status = smr_node_check_places(node, op, error);
    }
    if (status != SMR_OK) {
        smr_error_where_op(error, node->index, op, program->tensors);
        return status;
    }
    smr_node_estimate(node);
    return SMR_OK;
}

static smr_status build_nodes(const smr_context *context, smr_program *program, smr_context_rooms *rooms,
                              smr_error *error) {
    uint32_t i;
    program->nodes = rooms->nodes;
    for (i = 0; i < program->ops.count; ++i) {
        const smr_op_record op = smr_op_read(smr_vector_table(program->ops, i));
        smr_whole_node whole;
        SMR_TRY(smr_whole_node_fill(context, program, i, &op, rooms, &whole, error));
        if (!whole.node.late) {
            SMR_TRY(prepare_node(program, &whole.node, &op, error));
        }
        SMR_TRY(keep_node(program, &op, &whole, rooms, error));
    }
    program->node_count = (uint32_t)(rooms->nodes - program->nodes);
    return SMR_OK;
}

/* How runs go over nodes that are prepared. A callback is told of each op by itself. */
static void plan_runs(smr_context *context) {
    uint32_t i;
    for (i = 0; i < context->model->programs.count && context->op_callback == NULL; ++i) {
        smr_follow_plan(&context->programs[i], context->threads);
    }
    smr_parallel_plan(context);
}

smr_status smr_context_build(smr_context *context, smr_context_rooms *rooms, smr_error *error) {
    uint32_t i;
    for (i = 0; i < context->model->programs.count; ++i) {
        const smr_table table = smr_vector_table(context->model->programs, i);
        smr_program *program = &context->programs[i];
        program->index = i;
        program->outputs = smr_field_vector(table, SMR_SLOT_PROGRAM_OUTPUTS);
        program->tensors = smr_field_vector(table, SMR_SLOT_PROGRAM_TENSORS);
        program->ops = smr_field_vector(table, SMR_SLOT_PROGRAM_OPS);
        SMR_TRY(smr_context_build_values(context, program, rooms, error));
        SMR_TRY(build_nodes(context, program, rooms, error));
    }
    plan_runs(context);
    return SMR_OK;
}

static smr_status change_program(const smr_context *context, const smr_program *program, smr_error *error) {
    uint32_t i;
    SMR_TRY(smr_context_change_values(context, program, error));
    for (i = 0; i < program->node_count; ++i) {
        smr_node *node = program->nodes[i];
        if (!node->fixed && !node->late) {
            const smr_op_record op = smr_op_read(smr_vector_table(program->ops, node->index));
            SMR_TRY(prepare_node(program, node, &op, error));
        }
    }
    return SMR_OK;
}

smr_status smr_context_prepare(smr_context *context, smr_error *error) {
    uint32_t i;
    for (i = 0; i < context->model->programs.count; ++i) {
        SMR_TRY(change_program(context, &context->programs[i], error));
    }
    plan_runs(context);
    return SMR_OK;
}

smr_status smr_context_prepare_node(smr_context *context, const smr_program *program, smr_node *node,
                                    smr_error *error) {
    const smr_op_record op = smr_op_read(smr_vector_table(program->ops, node->index));
    uint32_t i;
    for (i = 0; i < op.outputs.count; ++i) {
        SMR_TRY(smr_context_refresh_value(context, program, (uint32_t)smr_vector_i32(op.outputs, i), error));
    }
    SMR_TRY(prepare_node(program, node, &op, error));
    smr_parallel_plan_late(context, program, node);
    return SMR_OK;
}

smr_node *smr_program_node(const smr_program *program, uint32_t op) {
    uint32_t low = 0, high = program->node_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (program->nodes[middle]->index < op) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < program->node_count && program->nodes[low]->index == op ? program->nodes[low] : NULL;
}
