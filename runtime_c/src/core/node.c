/* An op of the file as a node that a kernel can be asked about. */
#include "node.h"

#include "../kernels/registry.h"
#include "../platform/platform.h"
#include "cost.h"

smr_op_record smr_op_read(smr_table op) {
    smr_op_record record;
    record.table = op;
    record.opcode = smr_field_u16(op, SMR_SLOT_OP_OPCODE, 0);
    record.def = smr_op_find(record.opcode);
    record.inputs = smr_field_vector(op, SMR_SLOT_OP_INPUTS);
    record.outputs = smr_field_vector(op, SMR_SLOT_OP_OUTPUTS);
    record.scratch_begin = (size_t)smr_field_u64(op, SMR_SLOT_OP_SCRATCH_OFFSET, 0);
    record.scratch_end = record.scratch_begin + (size_t)smr_field_u64(op, SMR_SLOT_OP_SCRATCH_BYTES, 0);
    return record;
}

static bool any_computed(const smr_model *model, smr_vector operands, smr_vector tensors) {
    uint32_t i;
    for (i = 0; i < operands.count; ++i) {
        const int32_t tensor = smr_vector_i32(operands, i);
        if (tensor >= 0 &&
            smr_shape_computed(
                model, smr_field_vector(smr_vector_table(tensors, (uint32_t)tensor), SMR_SLOT_TENSOR_SHAPE),
                0) >= 0) {
            return true;
        }
    }
    return false;
}

static bool all_fixed(smr_vector operands, smr_vector tensors) {
    uint32_t i;
    for (i = 0; i < operands.count; ++i) {
        const int32_t tensor = smr_vector_i32(operands, i);
        if (tensor >= 0 && !smr_shape_is_fixed(smr_field_vector(smr_vector_table(tensors, (uint32_t)tensor),
                                                                SMR_SLOT_TENSOR_SHAPE))) {
            return false;
        }
    }
    return true;
}

bool smr_op_is_fixed(const smr_model *model, const smr_op_record *op, smr_vector tensors) {
    return model->expressions.count == 0 ||
           (all_fixed(op->inputs, tensors) && all_fixed(op->outputs, tensors));
}

bool smr_op_is_late(const smr_model *model, const smr_op_record *op, smr_vector tensors) {
    return any_computed(model, op->inputs, tensors) || any_computed(model, op->outputs, tensors);
}

const char *smr_op_name(const smr_op_record *op, smr_vector tensors) {
    if (op->outputs.count > 0) {
        const int32_t index = smr_vector_i32(op->outputs, 0);
        if (index >= 0 && (uint32_t)index < tensors.count) {
            return smr_tensor_name(smr_vector_table(tensors, (uint32_t)index));
        }
    }
    return "";
}

void smr_error_where_op(smr_error *error, uint32_t index, const smr_op_record *op, smr_vector tensors) {
    smr_error_where(error, "op %u, %s \"%.64s\": ", (unsigned)index,
                    op->def == NULL ? "unknown" : op->def->name, smr_op_name(op, tensors));
}

/* Those that share bytes otherwise have fixed sizes. */
smr_status smr_node_check_places(const smr_node *node, const smr_op_record *op, smr_error *error) {
    const smr_value *output = node->output_count > 0 ? node->outputs[0] : NULL;
    int32_t i;
    if (output == NULL || output->data == NULL || output->count == 0 || node->sharing != SMR_SHARING_NONE) {
        return SMR_OK;
    }
    for (i = 0; i < node->input_count; ++i) {
        const smr_value *input = node->inputs[i];
        if (input != NULL && input->data == output->data && input->count != 0 &&
            input->count * smr_dtype_size((smr_dtype)input->dtype) !=
                output->count * smr_dtype_size((smr_dtype)output->dtype)) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "%s writes %zu elements over the %zu of its input %d",
                     op->def->name, output->count, input->count, (int)i);
        }
    }
    return SMR_OK;
}

/* What a kernel makes of its constants does not depend on the caller's floating-point environment either. */
static smr_status prepare_kernel(smr_node *node, smr_error *error) {
    const uint64_t floats = smr_platform_set_floats();
    const smr_status status = node->kernel->prepare(node, error);
    smr_platform_restore_floats(floats);
    return status;
}

void smr_node_estimate(smr_node *node) {
    const uint64_t floats = smr_platform_set_floats();
    node->cost = (float)smr_node_cost(node);
    smr_platform_restore_floats(floats);
}

smr_status smr_node_prepare(smr_node *node, const smr_op_record *op, smr_error *error) {
    node->run = NULL;
    node->work = 0;
    node->scratch_bytes = 0;
    node->scratch_room = op->scratch_end - op->scratch_begin;
    node->cost = 0;
    node->parts = 1;
    node->sharing = SMR_SHARING_NONE;
    node->shared_offset = 0;
    node->parameter_bytes = 0;
    node->whole = false;
    node->read_count = node->input_count;
    node->phased = false;
    node->elements = false;
    node->completes = 0;
    node->follower = 0;
    node->parameters = node->room.bytes;
    memset(&node->room, 0, sizeof node->room);
    node->kernel = smr_kernel_select(op->opcode, node);
    if (node->kernel == NULL) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no kernel for %s", op->def->name);
    }
    SMR_TRY(prepare_kernel(node, error));
    if (node->scratch_bytes > node->scratch_room) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "kernel %s needs %zu bytes of scratch and the file reserves %zu",
                 node->kernel->name, node->scratch_bytes, node->scratch_room);
    }
    if (node->run == NULL && node->work > 0) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "kernel %s has nothing to run", node->kernel->name);
    }
    return SMR_OK;
}

smr_kept_node smr_node_kept(const smr_node *node) {
    const size_t align = sizeof(uint64_t);
    const bool all = !node->fixed || node->whole;
    smr_kept_node kept;
    size_t i;
    memset(&kept, 0, sizeof kept);
    if (!all && node->work == 0) {
        return kept;
    }
    kept.bytes = all ? sizeof *node : offsetof(smr_node, attributes);
    kept.parameters = all ? 0 : (node->parameter_bytes + align - 1) / align * align;
    kept.inputs = all ? node->input_count : node->read_count;
    kept.outputs = node->output_count;
    for (i = 0; i < kept.inputs; ++i) {
        kept.constants += node->inputs[i] != NULL && node->inputs[i]->storage == SMR_STORAGE_CONSTANT;
    }
    kept.shareable = !all && (kept.parameters > 0 || kept.constants > 0);
    return kept;
}

/* Of two tensors with fixed sizes, which are not the same. */
static bool tensors_alike(smr_table a, smr_table b) {
    smr_vector one, other;
    if (smr_tensor_storage(a) == SMR_STORAGE_CONSTANT || smr_tensor_storage(a) != smr_tensor_storage(b) ||
        smr_field_u8(a, SMR_SLOT_TENSOR_DTYPE, 0) != smr_field_u8(b, SMR_SLOT_TENSOR_DTYPE, 0) ||
        smr_field_u8(a, SMR_SLOT_TENSOR_LAYOUT, 0) != smr_field_u8(b, SMR_SLOT_TENSOR_LAYOUT, 0) ||
        smr_field_u32(a, SMR_SLOT_TENSOR_ROW, 0) != smr_field_u32(b, SMR_SLOT_TENSOR_ROW, 0)) {
        return false;
    }
    one = smr_field_vector(a, SMR_SLOT_TENSOR_SHAPE);
    other = smr_field_vector(b, SMR_SLOT_TENSOR_SHAPE);
    return one.count == other.count && memcmp(one.data, other.data, one.count * sizeof(int32_t)) == 0;
}

/* Constants, which are soonest told apart, are mostly the last inputs. */
static bool operands_alike(smr_vector a, smr_vector b, smr_vector tensors) {
    bool alike = a.count == b.count;
    uint32_t i;
    for (i = a.count; i-- > 0 && alike;) {
        const int32_t one = smr_vector_i32(a, i), other = smr_vector_i32(b, i);
        if (one != other) {
            alike = one >= 0 && other >= 0 &&
                    tensors_alike(smr_vector_table(tensors, (uint32_t)one),
                                  smr_vector_table(tensors, (uint32_t)other));
        }
    }
    return alike;
}

/* Of attributes too, which are zeros where decoding writes nothing. */
static bool bytes_alike(const void *a, const void *b, size_t bytes) {
    return memcmp(a, b, bytes) == 0;
}

bool smr_op_alike(smr_table a, const smr_op_record *b, const smr_attributes *attributes, smr_vector tensors) {
    smr_attributes one;
    return smr_field_u16(a, SMR_SLOT_OP_OPCODE, 0) == b->opcode &&
           operands_alike(smr_field_vector(a, SMR_SLOT_OP_INPUTS), b->inputs, tensors) &&
           operands_alike(smr_field_vector(a, SMR_SLOT_OP_OUTPUTS), b->outputs, tensors) &&
           smr_attributes_decode(b->def, a, &one, NULL) == SMR_OK &&
           bytes_alike(&one, attributes, sizeof one);
}

/* By the opcode, and by the last input where it is a constant. */
uint32_t smr_op_likeness(const smr_op_record *op, smr_vector tensors) {
    const int32_t last = op->inputs.count == 0 ? -1 : smr_vector_i32(op->inputs, op->inputs.count - 1);
    const bool constant =
        last >= 0 && smr_tensor_storage(smr_vector_table(tensors, (uint32_t)last)) == SMR_STORAGE_CONSTANT;
    return (uint32_t)op->opcode << 16 ^ (constant ? (uint32_t)last + 1 : 0);
}

/* Whether one of the ops that were counted last has the parameters of this one. */
static bool count_shares(const smr_kept_count *count, const smr_node *node, const smr_op_record *op,
                         uint32_t likeness) {
    uint32_t i;
    for (i = 0; i < SMR_KEPT_RECENT && i < count->nodes; ++i) {
        if (count->likeness[i] == likeness && smr_op_alike(smr_vector_table(count->ops, count->recent[i]), op,
                                                           &node->attributes, count->tensors)) {
            return true;
        }
    }
    return false;
}

void smr_kept_begin(smr_kept_count *count, smr_vector ops, smr_vector tensors) {
    count->ops = ops;
    count->tensors = tensors;
    count->nodes = 0;
}

bool smr_kept_add(smr_kept_count *count, const smr_node *node, const smr_op_record *op, uint32_t index) {
    const smr_kept_node more = smr_node_kept(node);
    uint32_t likeness;
    if (more.bytes == 0) {
        return true;
    }
    likeness = smr_op_likeness(op, count->tensors);
    if (!more.shareable || !count_shares(count, node, op, likeness)) {
        count->kept.node_bytes += more.parameters;
        count->kept.constants += more.constants;
    }
    count->recent[count->nodes % SMR_KEPT_RECENT] = index;
    count->likeness[count->nodes++ % SMR_KEPT_RECENT] = likeness;
    ++count->kept.nodes;
    count->kept.operands += more.inputs + more.outputs;
    count->kept.node_bytes += more.bytes;
    return count->kept.node_bytes <= (size_t)PTRDIFF_MAX;
}

/* An address for what lies in the arena, the state or the caller's operands: none is that of a constant, and
 * two are the same where contexts have one place for both. */
static void *probe_place(const smr_model *model, smr_table tensor) {
    const uintptr_t end = (uintptr_t)model->file.data + model->file.size;
    const uintptr_t arena = end + (SMR_ALIGNMENT - end % SMR_ALIGNMENT);
    const uintptr_t offset = (uintptr_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    switch (smr_tensor_storage(tensor)) {
        case SMR_STORAGE_ARENA: return (void *)(arena + offset);
        case SMR_STORAGE_STATE: return (void *)(arena + SMR_MAX_REGION + offset);
        case SMR_STORAGE_ARGUMENT: return (void *)(arena + 2 * SMR_MAX_REGION + 2 * SMR_ALIGNMENT * offset);
        default: return (void *)(arena + 2 * SMR_MAX_REGION + SMR_ALIGNMENT * (2 * offset + 1));
    }
}

static smr_status fill_operand(smr_node_probe *probe, const smr_dimensions *dimensions, smr_vector tensors,
                               int32_t index, uint32_t place, smr_error *error) {
    const smr_table tensor = smr_vector_table(tensors, (uint32_t)index);
    smr_value *value = &probe->values[place];
    SMR_TRY(smr_value_fill(dimensions, tensor, probe->dims[place], value, error));
    if (value->storage != SMR_STORAGE_CONSTANT) {
        value->data = probe_place(dimensions->model, tensor);
    }
    return SMR_OK;
}

smr_status smr_node_probe_prepare(smr_node_probe *probe, const smr_dimensions *dimensions, uint32_t isas,
                                  const smr_op_record *op, smr_vector tensors, smr_error *error) {
    smr_node *node = &probe->node;
    uint32_t i, place = 0;
    memset(node, 0, sizeof *node);
    node->isas = isas;
    node->fixed = smr_op_is_fixed(dimensions->model, op, tensors);
    node->inputs = probe->inputs;
    node->outputs = probe->outputs;
    node->input_count = (uint8_t)op->inputs.count;
    node->output_count = (uint8_t)op->outputs.count;
    for (i = 0; i < op->inputs.count; ++i) {
        const int32_t index = smr_vector_i32(op->inputs, i);
        probe->inputs[i] = index < 0 ? NULL : &probe->values[place];
        if (index >= 0) {
            SMR_TRY(fill_operand(probe, dimensions, tensors, index, place++, error));
        }
    }
    for (i = 0; i < op->outputs.count; ++i) {
        probe->outputs[i] = &probe->values[place];
        SMR_TRY(fill_operand(probe, dimensions, tensors, smr_vector_i32(op->outputs, i), place++, error));
    }
    SMR_TRY(smr_attributes_decode(op->def, op->table, &node->attributes, error));
    return smr_node_prepare(node, op, error);
}
