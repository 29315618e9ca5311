/* The values and nodes of a context: building them, and keeping them up with the dimensions. */
#include "context.h"

#include "parallel.h"

/* Where what a body has from its caller lies. */
static void *outside_data(const smr_context *context, const smr_body *body, smr_table tensor) {
    const uint32_t number = (uint32_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    return context->programs[body->caller]
        .values[smr_body_operand(body, smr_tensor_storage(tensor), number)]
        .data;
}

/* Points a value at its bytes. Those that a body has from its caller were found before, since callers come
 * first. */
static void place_value(const smr_context *context, const smr_body *body, smr_table tensor,
                        smr_value *value) {
    const size_t offset = (size_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    if (value->storage == SMR_STORAGE_ARENA) {
        value->data = context->arena + offset;
    } else if (value->storage == SMR_STORAGE_ARGUMENT || value->storage == SMR_STORAGE_RESULT) {
        value->data = outside_data(context, body, tensor);
    } else if (value->storage == SMR_STORAGE_STATE) {
        value->data = context->state + offset;
    }
}

/* Evaluates a shape that can change, and sees that its bytes are no more than the file keeps for it. */
static smr_status resize_value(const smr_dimensions *dimensions, smr_table tensor, smr_value *value,
                               smr_error *error) {
    const smr_dimensions largest = {dimensions->model, NULL, false};
    const smr_vector entries = smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE);
    smr_extent extent;
    smr_shape shape;
    const smr_status status = smr_shape_evaluate(dimensions, entries, (smr_dtype)value->dtype, &shape, error);
    if (status != SMR_OK) {
        smr_error_where(error, "tensor \"%.64s\": ", smr_tensor_name(tensor));
        return status;
    }
    extent = smr_tensor_extent(&largest, tensor);
    if (shape.bytes > extent.end - extent.begin) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "tensor \"%.64s\" takes %zu bytes, more than its %zu at the largest dimensions",
                 smr_tensor_name(tensor), shape.bytes, extent.end - extent.begin);
    }
    memcpy((void *)(uintptr_t)value->dims, shape.dims, sizeof shape.dims);
    value->count = shape.count;
    return SMR_OK;
}

static bool is_fixed(smr_table tensor) {
    return smr_shape_is_fixed(smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE));
}

/* The value of each tensor, at the largest dimensions. */
static smr_status build_values(smr_context *context, smr_program *program, const smr_body *body,
                               smr_context_rooms *rooms, smr_error *error) {
    const smr_dimensions largest = {context->model, NULL, false};
    uint32_t i;
    program->values = rooms->values;
    rooms->values += program->tensors.count;
    for (i = 0; i < program->tensors.count; ++i) {
        const smr_table tensor = smr_vector_table(program->tensors, i);
        SMR_TRY(smr_value_fill(&largest, tensor, rooms->shapes, &program->values[i], error));
        rooms->shapes += is_fixed(tensor) ? 0 : SMR_MAX_RANK;
        place_value(context, body, tensor, &program->values[i]);
    }
    return SMR_OK;
}

smr_status smr_whole_node_fill(const smr_context *context, const smr_program *program, uint32_t index,
                               const smr_op_record *op, smr_whole_node *whole, smr_error *error) {
    smr_node *node = &whole->node;
    uint32_t i;
    memset(node, 0, sizeof *node);
    node->index = index;
    node->isas = context->isas;
    node->inputs = whole->inputs;
    node->outputs = whole->outputs;
    node->input_count = (uint8_t)op->inputs.count;
    node->output_count = (uint8_t)op->outputs.count;
    node->scratch = op->scratch_end > op->scratch_begin ? context->arena + op->scratch_begin : NULL;
    node->fixed = smr_op_is_fixed(op, program->tensors);
    node->late = !node->fixed && smr_op_is_late(context->model, op, program->tensors);
    for (i = 0; i < op->inputs.count; ++i) {
        const int32_t tensor = smr_vector_i32(op->inputs, i);
        whole->inputs[i] = tensor < 0 ? NULL : &program->values[tensor];
    }
    for (i = 0; i < op->outputs.count; ++i) {
        whole->outputs[i] = &program->values[smr_vector_i32(op->outputs, i)];
    }
    return smr_attributes_decode(op->def, op->table, &node->attributes, error);
}

/* The same parameters, of one of the nodes that were kept last; null when none has them. */
static const void *find_parameters(const smr_program *program, const smr_op_record *op,
                                   const smr_attributes *attributes, const smr_context_rooms *rooms) {
    smr_node **node = rooms->nodes;
    while (node > program->nodes && rooms->nodes - node < SMR_KEPT_RECENT) {
        if (smr_op_alike(smr_vector_table(program->ops, (*--node)->index), op, attributes,
                         program->tensors)) {
            return (*node)->parameters;
        }
    }
    return NULL;
}

/* Takes bytes for nodes; null when that is more than was counted. */
static void *take_bytes(smr_context_rooms *rooms, size_t bytes) {
    void *taken = rooms->node_bytes;
    if (bytes > rooms->left.node_bytes) {
        return NULL;
    }
    rooms->node_bytes += bytes;
    rooms->left.node_bytes -= bytes;
    return taken;
}

/* Copies what a context keeps of a node to where it stays. */
static smr_status keep_node(const smr_program *program, const smr_op_record *op, const smr_whole_node *whole,
                            smr_context_rooms *rooms, smr_error *error) {
    const size_t bytes = smr_node_kept_bytes(&whole->node);
    const size_t parameters = smr_node_kept_parameters(&whole->node);
    const size_t inputs = whole->node.input_count, outputs = whole->node.output_count;
    const void *found = NULL;
    void *room = NULL;
    smr_node *kept;
    if (bytes == 0) {
        return SMR_OK;
    }
    kept = take_bytes(rooms, bytes);
    if (kept != NULL && parameters > 0) {
        found = find_parameters(program, op, &whole->node.attributes, rooms);
        room = found == NULL ? take_bytes(rooms, parameters) : NULL;
    }
    if (kept == NULL || (parameters > 0 && found == NULL && room == NULL) || rooms->left.nodes == 0 ||
        rooms->left.operands < inputs + outputs) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a kernel that is prepared in another way than when it was counted");
    }
    memcpy(kept, &whole->node, bytes);
    if (room != NULL) {
        found = memcpy(room, whole->node.room.bytes, parameters);
    }
    kept->parameters = bytes == sizeof *kept ? kept->room.bytes : found;
    kept->inputs = (const smr_value **)(void *)rooms->operands;
    kept->outputs = (smr_value **)(void *)(rooms->operands + inputs);
    memcpy((void *)rooms->operands, (const void *)whole->inputs, inputs * sizeof(void *));
    memcpy((void *)(rooms->operands + inputs), (const void *)whole->outputs, outputs * sizeof(void *));
    *rooms->nodes++ = kept;
    rooms->operands += inputs + outputs;
    --rooms->left.nodes;
    rooms->left.operands -= inputs + outputs;
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
    }
    return status;
}

static smr_status build_nodes(const smr_context *context, smr_program *program, smr_context_rooms *rooms,
                              smr_error *error) {
    uint32_t i;
    program->nodes = rooms->nodes;
    for (i = 0; i < program->ops.count; ++i) {
        const smr_op_record op = smr_op_read(smr_vector_table(program->ops, i));
        smr_whole_node whole;
        SMR_TRY(smr_whole_node_fill(context, program, i, &op, &whole, error));
        if (!whole.node.late) {
            SMR_TRY(prepare_node(program, &whole.node, &op, error));
        }
        SMR_TRY(keep_node(program, &op, &whole, rooms, error));
    }
    program->node_count = (uint32_t)(rooms->nodes - program->nodes);
    return SMR_OK;
}

static smr_status check_body(const smr_context *context, const smr_program *program, const smr_body *body,
                             smr_error *error) {
    if (body->role != SMR_BODY_NONE) {
        const smr_value *outer = context->programs[body->caller].values;
        SMR_TRY(smr_body_check_arguments(body, program->values, outer, error));
        SMR_TRY(smr_body_check_results(body, program->values, outer, error));
    }
    return SMR_OK;
}

smr_status smr_context_build(smr_context *context, smr_context_rooms *rooms, smr_error *error) {
    uint32_t i;
    for (i = 0; i < context->model->programs.count; ++i) {
        const smr_table table = smr_vector_table(context->model->programs, i);
        smr_program *program = &context->programs[i];
        smr_body body;
        program->index = i;
        program->outputs = smr_field_vector(table, SMR_SLOT_PROGRAM_OUTPUTS);
        program->tensors = smr_field_vector(table, SMR_SLOT_PROGRAM_TENSORS);
        program->ops = smr_field_vector(table, SMR_SLOT_PROGRAM_OPS);
        SMR_TRY(smr_body_read(context->model, i, &body, error));
        SMR_TRY(build_values(context, program, &body, rooms, error));
        SMR_TRY(check_body(context, program, &body, error));
        SMR_TRY(build_nodes(context, program, rooms, error));
    }
    smr_parallel_plan(context);
    return SMR_OK;
}

/* The size of a tensor that depends on what a run computes is the largest until then. */
static smr_status change_program(const smr_context *context, const smr_program *program, smr_error *error) {
    const smr_dimensions current = {context->model, context->dimensions, false};
    const smr_dimensions largest = {context->model, NULL, false};
    smr_body body;
    uint32_t i;
    SMR_TRY(smr_body_read(context->model, program->index, &body, error));
    for (i = 0; i < program->tensors.count; ++i) {
        const smr_table tensor = smr_vector_table(program->tensors, i);
        const smr_vector entries = smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE);
        if (!smr_shape_is_fixed(entries)) {
            const bool computed = smr_shape_computed(context->model, entries, 0) >= 0;
            SMR_TRY(resize_value(computed ? &largest : &current, tensor, &program->values[i], error));
        }
    }
    SMR_TRY(check_body(context, program, &body, error));
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
    smr_parallel_plan(context);
    return SMR_OK;
}

/* Evaluates the shape of a tensor of a program, if it can change. */
static smr_status refresh_value(const smr_context *context, const smr_program *program, uint32_t index,
                                smr_error *error) {
    const smr_dimensions current = {context->model, context->dimensions, false};
    const smr_table tensor = smr_vector_table(program->tensors, index);
    return is_fixed(tensor) ? SMR_OK : resize_value(&current, tensor, &program->values[index], error);
}

smr_status smr_context_prepare_node(smr_context *context, const smr_program *program, smr_node *node,
                                    smr_error *error) {
    const smr_op_record op = smr_op_read(smr_vector_table(program->ops, node->index));
    uint32_t i;
    for (i = 0; i < op.outputs.count; ++i) {
        SMR_TRY(refresh_value(context, program, (uint32_t)smr_vector_i32(op.outputs, i), error));
    }
    SMR_TRY(prepare_node(program, node, &op, error));
    smr_parallel_plan_late(context, program, node);
    return SMR_OK;
}

smr_status smr_context_prepare_body(smr_context *context, uint32_t index, smr_error *error) {
    const smr_program *program = &context->programs[index];
    smr_body body;
    uint32_t i;
    SMR_TRY(smr_body_read(context->model, index, &body, error));
    for (i = 0; i < body.arguments; ++i) {
        SMR_TRY(refresh_value(context, program, (uint32_t)smr_vector_i32(body.inputs, i), error));
    }
    return smr_body_check_arguments(&body, program->values, context->programs[body.caller].values, error);
}

smr_status smr_context_check_results(const smr_context *context, uint32_t index, smr_error *error) {
    smr_body body;
    SMR_TRY(smr_body_read(context->model, index, &body, error));
    return smr_body_check_results(&body, context->programs[index].values,
                                  context->programs[body.caller].values, error);
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
