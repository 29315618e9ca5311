/* Verifying the memory plan: whatever an op reads is still what was written for it.
 *
 * For each tensor that an op reads, the ops before it are walked backwards until one that wrote it or read it
 * before, whose own walk has answered for all that lies further back. On the way nothing may have been
 * written to its bytes. So the work is, over all tensors, the number of ops that each of them outlives, and
 * no memory is needed.
 */
#include "verify.h"

/* How many tensors are looked at together for being written twice. */
#define PLAN_TENSORS_AT_ONCE 8192u

typedef struct plan_check {
    smr_verify *verify;
    smr_vector tensors;
    smr_vector ops;
    smr_ends ends;
} plan_check;

/* The bytes of a tensor: a region, and a part of it. The bytes that a body's caller gives it are a region
 * each, and one region is an argument and a result where a loop variable is both. */
typedef struct plan_bytes {
    smr_extent extent;
    uint64_t region;
} plan_bytes;

enum { PLAN_ARENA, PLAN_STATE, PLAN_CONSTANT, PLAN_OUTSIDE };

static uint32_t plan_input(const plan_check *plan, uint32_t index) {
    return plan->ends.body == NULL ? smr_endpoint_tensor(plan->ends.inputs, index)
                                   : (uint32_t)smr_vector_i32(plan->ends.inputs, index);
}

static uint32_t plan_output(const plan_check *plan, uint32_t index) {
    return plan->ends.body == NULL ? smr_endpoint_tensor(plan->ends.outputs, index)
                                   : (uint32_t)smr_vector_i32(plan->ends.outputs, index);
}

static const char *plan_name(const plan_check *plan, uint32_t tensor) {
    return smr_tensor_name(smr_vector_table(plan->tensors, tensor));
}

static smr_storage plan_storage(const plan_check *plan, uint32_t tensor) {
    return smr_tensor_storage(smr_vector_table(plan->tensors, tensor));
}

static uint64_t plan_region(const plan_check *plan, smr_table tensor) {
    const uint64_t number = smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    switch (smr_tensor_storage(tensor)) {
        case SMR_STORAGE_ARENA: return PLAN_ARENA;
        case SMR_STORAGE_STATE: return PLAN_STATE;
        case SMR_STORAGE_ARGUMENT: return PLAN_OUTSIDE + number;
        case SMR_STORAGE_RESULT:
            return PLAN_OUTSIDE + number +
                   (number < plan->ends.body->variables ? 0 : plan->ends.body->arguments);
        default: return PLAN_CONSTANT;
    }
}

static plan_bytes plan_bytes_of(const plan_check *plan, uint32_t tensor) {
    const smr_table table = smr_vector_table(plan->tensors, tensor);
    plan_bytes bytes;
    bytes.extent = smr_tensor_extent(&plan->verify->largest, table);
    bytes.region = plan_region(plan, table);
    if (bytes.region >= PLAN_OUTSIDE) { /* never strided */
        bytes.extent.end -= bytes.extent.begin;
        bytes.extent.begin = 0;
    }
    return bytes;
}

/* Bytes that lie together in the arena. */
static plan_bytes plan_bytes_between(size_t begin, size_t end) {
    const plan_bytes bytes = {{begin, end, end - begin, 0}, PLAN_ARENA};
    return bytes;
}

static bool plan_overlap(plan_bytes a, plan_bytes b) {
    return a.region == b.region && smr_extent_overlap(a.extent, b.extent);
}

static uint8_t plan_dtype(const plan_check *plan, uint32_t tensor) {
    return smr_field_u8(smr_vector_table(plan->tensors, tensor), SMR_SLOT_TENSOR_DTYPE, SMR_DTYPE_NONE);
}

static bool plan_same_extent(plan_bytes a, plan_bytes b) {
    return a.region == b.region && a.extent.begin == b.extent.begin && a.extent.end == b.extent.end &&
           a.extent.row == b.extent.row && a.extent.width == b.extent.width;
}

/* Whether the op gives its output the bytes of its input as they lie, and so writes nothing. */
static bool plan_writes_nothing(const plan_check *plan, const smr_op_record *op) {
    uint32_t input, output;
    if (!op->def->view || op->inputs.count == 0 || op->outputs.count == 0 ||
        smr_vector_i32(op->inputs, 0) < 0) {
        return false;
    }
    input = (uint32_t)smr_vector_i32(op->inputs, 0);
    output = (uint32_t)smr_vector_i32(op->outputs, 0);
    return plan_same_extent(plan_bytes_of(plan, input), plan_bytes_of(plan, output));
}

/* Whether the op leaves the bytes of its output `which` as they are, because they are bytes of its input. */
static smr_status plan_leaves(const plan_check *plan, const smr_op_record *op, uint32_t which, bool *leaves) {
    smr_sharing sharing;
    *leaves = plan_writes_nothing(plan, op);
    if (!*leaves && op->inputs.count > 0 && smr_vector_i32(op->inputs, 0) >= 0) {
        SMR_TRY(smr_verify_sharing(plan->verify, op, plan->tensors, 0, which, &sharing));
        *leaves =
            sharing == SMR_SHARING_PART || sharing == SMR_SHARING_PARTS || sharing == SMR_SHARING_COLUMNS;
    }
    return SMR_OK;
}

static smr_status plan_overwritten(const plan_check *plan, uint32_t tensor, const char *by, uint32_t op) {
    SMR_FAIL(plan->verify->error, SMR_ERROR_MODEL,
             "memory plan: \"%.64s\" is still needed when op %u writes %s over it", plan_name(plan, tensor),
             (unsigned)op, by);
}

/* Whether a tensor lies on an extent. Its size, which takes longer to find, is only asked for when its
 * beginning does not settle it. */
static smr_status plan_meets(const plan_check *plan, uint32_t tensor, plan_bytes bytes, bool *meets) {
    const smr_table table = smr_vector_table(plan->tensors, tensor);
    *meets =
        plan_region(plan, table) == bytes.region &&
        (bytes.region >= PLAN_OUTSIDE || smr_field_u64(table, SMR_SLOT_TENSOR_OFFSET, 0) < bytes.extent.end);
    if (*meets) {
        SMR_TRY(smr_verify_spend_shape(plan->verify, table));
        *meets = plan_overlap(plan_bytes_of(plan, tensor), bytes);
    }
    return SMR_OK;
}

/* Sees whether op number `index` leaves the bytes of a tensor alone, and whether it vouches for them by
 * having read or written it. */
static smr_status plan_look_at(const plan_check *plan, uint32_t index, uint32_t tensor, plan_bytes bytes,
                               bool *vouches) {
    const smr_table op = smr_vector_table(plan->ops, index);
    const smr_vector inputs = smr_field_vector(op, SMR_SLOT_OP_INPUTS);
    const smr_vector outputs = smr_field_vector(op, SMR_SLOT_OP_OUTPUTS);
    const size_t scratch_bytes = (size_t)smr_field_u64(op, SMR_SLOT_OP_SCRATCH_BYTES, 0);
    uint32_t i;
    *vouches = false;
    SMR_TRY(smr_verify_spend(plan->verify, 1 + inputs.count / 8 + outputs.count));
    for (i = 0; i < outputs.count; ++i) {
        const uint32_t output = (uint32_t)smr_vector_i32(outputs, i);
        bool meets;
        if (output == tensor) {
            *vouches = true;
            return SMR_OK;
        }
        SMR_TRY(plan_meets(plan, output, bytes, &meets));
        if (meets) {
            const smr_op_record record = smr_op_read(op);
            SMR_TRY(plan_leaves(plan, &record, i, &meets));
            if (!meets) {
                return plan_overwritten(plan, tensor, plan_name(plan, output), index);
            }
        }
    }
    if (scratch_bytes > 0) {
        const size_t begin = (size_t)smr_field_u64(op, SMR_SLOT_OP_SCRATCH_OFFSET, 0);
        if (plan_overlap(plan_bytes_between(begin, begin + scratch_bytes), bytes)) {
            return plan_overwritten(plan, tensor, "scratch", index);
        }
    }
    for (i = 0; i < inputs.count && !*vouches; ++i) {
        *vouches = smr_vector_i32(inputs, i) == (int32_t)tensor;
    }
    return SMR_OK;
}

/* A tensor with these bytes that op number `reader` reads, or the caller when that is the number of ops. */
static smr_status plan_check_read(const plan_check *plan, uint32_t reader, uint32_t tensor,
                                  plan_bytes bytes) {
    uint32_t i;
    if (bytes.region == PLAN_STATE || bytes.region == PLAN_CONSTANT ||
        bytes.extent.begin == bytes.extent.end) {
        return SMR_OK;
    }
    for (i = reader; i > 0; --i) {
        bool vouches;
        SMR_TRY(plan_look_at(plan, i - 1, tensor, bytes, &vouches));
        if (vouches) {
            return SMR_OK;
        }
    }
    SMR_TRY(smr_verify_spend(plan->verify, plan->ends.inputs.count / 8));
    for (i = 0; i < plan->ends.inputs.count; ++i) {
        if (plan_input(plan, i) == tensor) {
            return SMR_OK;
        }
    }
    SMR_FAIL(plan->verify->error, SMR_ERROR_MODEL, "\"%.64s\" is read before it is written",
             plan_name(plan, tensor));
}

/* What one op writes: the extents of its outputs, and its scratch. */
typedef struct plan_writes {
    plan_bytes outputs[SMR_MAX_OPERANDS];
    plan_bytes scratch;
} plan_writes;

/* Whether output `which` of an op may be written over what it reads as input `place`. A loop variable may
 * begin where it will live, unless the bodies read the same bytes as something else. */
static bool plan_may_lie_on(const plan_check *plan, const smr_op_record *op, uint32_t which, uint32_t place) {
    const uint32_t input = (uint32_t)smr_vector_i32(op->inputs, place);
    const uint32_t output = (uint32_t)smr_vector_i32(op->outputs, which);
    if (op->opcode == SMR_OP_WHILE_LOOP) {
        return place < op->outputs.count && input == (uint32_t)smr_vector_i32(op->inputs, which);
    }
    return which == 0 && ((place == 0 && (op->def->view || op->opcode == SMR_OP_ASSIGN)) ||
                          (op->def->in_place && plan_dtype(plan, input) == plan_dtype(plan, output)));
}

/* An output may lie on an input only where the op allows it, and then exactly, or where there is nothing to
 * move. The output of assign lies on the state that its first input names. */
static smr_status plan_check_pair(const plan_check *plan, const smr_op_record *op, const plan_writes *writes,
                                  uint32_t which, uint32_t place, plan_bytes in) {
    const uint32_t input = (uint32_t)smr_vector_i32(op->inputs, place);
    const uint32_t output = (uint32_t)smr_vector_i32(op->outputs, which);
    const plan_bytes out = writes->outputs[which];
    smr_sharing sharing;
    if (!plan_overlap(in, out) || (plan_same_extent(in, out) && plan_may_lie_on(plan, op, which, place))) {
        return SMR_OK;
    }
    SMR_TRY(smr_verify_sharing(plan->verify, op, plan->tensors, place, which, &sharing));
    if (sharing == SMR_SHARING_NONE) {
        SMR_FAIL(plan->verify->error, SMR_ERROR_MODEL,
                 "memory plan: output \"%.48s\" at bytes %zu to %zu lies on input \"%.48s\" at %zu to %zu",
                 plan_name(plan, output), out.extent.begin, out.extent.end, plan_name(plan, input),
                 in.extent.begin, in.extent.end);
    }
    return SMR_OK;
}

static smr_status plan_check_scratch(const plan_check *plan, plan_bytes scratch, uint32_t tensor,
                                     plan_bytes bytes) {
    if (plan_overlap(scratch, bytes)) {
        SMR_FAIL(plan->verify->error, SMR_ERROR_MODEL,
                 "memory plan: scratch at bytes %zu to %zu lies on \"%.64s\" of the same op",
                 scratch.extent.begin, scratch.extent.end, plan_name(plan, tensor));
    }
    return SMR_OK;
}

/* What a body is given is only read; the step of a loop writes variables as results. */
static smr_status plan_check_argument(const plan_check *plan, const smr_op_record *op, uint32_t which) {
    const uint32_t output = (uint32_t)smr_vector_i32(op->outputs, which);
    if (plan_storage(plan, output) == SMR_STORAGE_ARGUMENT &&
        (which != 0 || !plan_writes_nothing(plan, op))) {
        SMR_FAIL(plan->verify->error, SMR_ERROR_MODEL, "writes \"%.64s\", which the body is given to read",
                 plan_name(plan, output));
    }
    return SMR_OK;
}

/* The outputs of one op lie apart from each other and from its scratch. */
static smr_status plan_check_outputs(const plan_check *plan, const smr_op_record *op, plan_writes *writes) {
    uint32_t i, k;
    writes->scratch = plan_bytes_between(op->scratch_begin, op->scratch_end);
    for (i = 0; i < op->outputs.count; ++i) {
        const uint32_t output = (uint32_t)smr_vector_i32(op->outputs, i);
        SMR_TRY(smr_verify_spend_shape(plan->verify, smr_vector_table(plan->tensors, output)));
        SMR_TRY(smr_verify_spend(plan->verify, op->inputs.count + op->outputs.count));
        writes->outputs[i] = plan_bytes_of(plan, output);
        SMR_TRY(plan_check_argument(plan, op, i));
        SMR_TRY(plan_check_scratch(plan, writes->scratch, output, writes->outputs[i]));
        for (k = 0; k < i; ++k) {
            const uint32_t other = (uint32_t)smr_vector_i32(op->outputs, k);
            if (plan_overlap(writes->outputs[i], writes->outputs[k])) {
                SMR_FAIL(plan->verify->error, SMR_ERROR_MODEL,
                         "memory plan: outputs \"%.64s\" and \"%.64s\" lie on each other",
                         plan_name(plan, other), plan_name(plan, output));
            }
        }
    }
    return SMR_OK;
}

/* What op number `index` reads is what was written for it, and lies apart from what it writes. */
static smr_status plan_check_op(const plan_check *plan, uint32_t index, const smr_op_record *op) {
    plan_writes writes;
    uint32_t i, k;
    SMR_TRY(plan_check_outputs(plan, op, &writes));
    for (k = 0; k < op->inputs.count; ++k) {
        const int32_t input = smr_vector_i32(op->inputs, k);
        plan_bytes in;
        if (input < 0 || plan_storage(plan, (uint32_t)input) == SMR_STORAGE_CONSTANT) {
            continue;
        }
        SMR_TRY(smr_verify_spend_shape(plan->verify, smr_vector_table(plan->tensors, (uint32_t)input)));
        in = plan_bytes_of(plan, (uint32_t)input);
        SMR_TRY(plan_check_read(plan, index, (uint32_t)input, in));
        SMR_TRY(plan_check_scratch(plan, writes.scratch, (uint32_t)input, in));
        for (i = 0; i < op->outputs.count; ++i) {
            SMR_TRY(plan_check_pair(plan, op, &writes, i, k, in));
        }
    }
    return SMR_OK;
}

/* The caller writes all inputs before a run. */
static smr_status plan_check_inputs(const plan_check *plan) {
    uint32_t i, k;
    for (i = 0; i < plan->ends.inputs.count; ++i) {
        const uint32_t one = plan_input(plan, i);
        const plan_bytes bytes = plan_bytes_of(plan, one);
        SMR_TRY(smr_verify_spend(plan->verify, i));
        for (k = 0; k < i; ++k) {
            const uint32_t other = plan_input(plan, k);
            bool meets;
            SMR_TRY(plan_meets(plan, other, bytes, &meets));
            if (meets) {
                SMR_FAIL(plan->verify->error, SMR_ERROR_MODEL,
                         "memory plan: inputs \"%.64s\" and \"%.64s\" lie on each other",
                         plan_name(plan, other), plan_name(plan, one));
            }
        }
    }
    return SMR_OK;
}

/* Notes that a tensor is written; false when it was before. `seen` is for the tensors from `first` on. */
static bool plan_note_write(const plan_check *plan, uint8_t *seen, uint32_t first, uint32_t tensor) {
    const uint32_t at = tensor - first;
    if (tensor < first || at >= PLAN_TENSORS_AT_ONCE || plan_storage(plan, tensor) == SMR_STORAGE_STATE) {
        return true;
    }
    if ((seen[at / 8] >> at % 8 & 1) != 0) {
        return false;
    }
    seen[at / 8] = (uint8_t)(seen[at / 8] | 1u << at % 8);
    return true;
}

static smr_status plan_check_written_once(const plan_check *plan, uint32_t first) {
    uint8_t seen[PLAN_TENSORS_AT_ONCE / 8];
    uint32_t i, k, tensor = 0;
    bool once = true;
    memset(seen, 0, sizeof seen);
    for (i = 0; i < plan->ends.inputs.count && once; ++i) {
        tensor = plan_input(plan, i);
        once = plan_note_write(plan, seen, first, tensor);
    }
    for (i = 0; i < plan->ops.count && once; ++i) {
        const smr_vector outputs = smr_field_vector(smr_vector_table(plan->ops, i), SMR_SLOT_OP_OUTPUTS);
        SMR_TRY(smr_verify_spend(plan->verify, 1 + outputs.count));
        for (k = 0; k < outputs.count && once; ++k) {
            tensor = (uint32_t)smr_vector_i32(outputs, k);
            once = plan_note_write(plan, seen, first, tensor);
        }
    }
    if (!once) {
        SMR_FAIL(plan->verify->error, SMR_ERROR_MODEL, "\"%.64s\" is written twice", plan_name(plan, tensor));
    }
    return SMR_OK;
}

smr_status smr_verify_plan(smr_verify *verify, const smr_ends *ends, smr_table program) {
    plan_check plan;
    uint32_t i;
    plan.verify = verify;
    plan.tensors = smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS);
    plan.ops = smr_field_vector(program, SMR_SLOT_PROGRAM_OPS);
    plan.ends = *ends;
    for (i = 0; i < plan.tensors.count; i += PLAN_TENSORS_AT_ONCE) {
        SMR_TRY(plan_check_written_once(&plan, i));
    }
    SMR_TRY(plan_check_inputs(&plan));
    for (i = 0; i < plan.ops.count; ++i) {
        const smr_op_record op = smr_op_read(smr_vector_table(plan.ops, i));
        const smr_status status = plan_check_op(&plan, i, &op);
        if (status != SMR_OK) {
            smr_error_where_op(verify->error, i, &op, plan.tensors);
            return status;
        }
    }
    for (i = 0; i < plan.ends.outputs.count; ++i) {
        const uint32_t output = plan_output(&plan, i);
        SMR_TRY(plan_check_read(&plan, plan.ops.count, output, plan_bytes_of(&plan, output)));
    }
    return SMR_OK;
}
