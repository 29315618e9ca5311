/* An op of the file as a node that a kernel can be asked about. */
#include "node.h"

#include "../kernels/registry.h"
#include "../platform/platform.h"

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

/* An output that lies on an input must still be of its size, whatever the dimensions are. Those that share
 * bytes otherwise have fixed ones. */
static smr_status check_shared_storage(const smr_node *node, const smr_op_record *op, smr_error *error) {
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

smr_status smr_node_prepare(smr_node *node, const smr_op_record *op, smr_error *error) {
    node->run = NULL;
    node->work = 0;
    node->scratch_bytes = 0;
    node->cost = 0;
    node->parts = 1;
    node->sharing = SMR_SHARING_NONE;
    node->shared_offset = 0;
    memset(&node->parameters, 0, sizeof node->parameters);
    node->kernel = smr_kernel_select(op->opcode, node);
    if (node->kernel == NULL) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no kernel for %s", op->def->name);
    }
    SMR_TRY(prepare_kernel(node, error));
    SMR_TRY(check_shared_storage(node, op, error));
    if (node->scratch_bytes > op->scratch_end - op->scratch_begin) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "kernel %s needs %zu bytes of scratch and the file reserves %zu",
                 node->kernel->name, node->scratch_bytes, op->scratch_end - op->scratch_begin);
    }
    if (node->run == NULL && node->work > 0) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "kernel %s has nothing to run", node->kernel->name);
    }
    return SMR_OK;
}

static smr_status fill_operand(const smr_dimensions *dimensions, smr_vector tensors, int32_t index,
                               smr_value *value, smr_error *error) {
    return smr_value_fill(dimensions, smr_vector_table(tensors, (uint32_t)index), value, error);
}

smr_status smr_node_probe_prepare(smr_node_probe *probe, const smr_dimensions *dimensions,
                                  const smr_op_record *op, smr_vector tensors, smr_error *error) {
    smr_node *node = &probe->node;
    smr_value *value = probe->values;
    uint32_t i;
    memset(node, 0, sizeof *node);
    node->isas = dimensions->model->isas;
    node->inputs = probe->inputs;
    node->outputs = probe->outputs;
    node->input_count = (int32_t)op->inputs.count;
    node->output_count = (int32_t)op->outputs.count;
    for (i = 0; i < op->inputs.count; ++i) {
        const int32_t index = smr_vector_i32(op->inputs, i);
        probe->inputs[i] = index < 0 ? NULL : value;
        if (index >= 0) {
            SMR_TRY(fill_operand(dimensions, tensors, index, value++, error));
        }
    }
    for (i = 0; i < op->outputs.count; ++i) {
        probe->outputs[i] = value;
        SMR_TRY(fill_operand(dimensions, tensors, smr_vector_i32(op->outputs, i), value++, error));
    }
    SMR_TRY(smr_attributes_decode(op->def, op->table, &node->attributes, error));
    return smr_node_prepare(node, op, error);
}
