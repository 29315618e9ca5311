/* Looking up an op's definition, and reading its attributes from the file. */
#include "op_table.h"

#include "../gen/format.h"

const smr_op_def *smr_op_find(uint32_t opcode) {
    size_t low = 0, high = SMR_OP_DEF_COUNT;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (smr_op_defs[middle].opcode < opcode) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < SMR_OP_DEF_COUNT && smr_op_defs[low].opcode == opcode ? &smr_op_defs[low] : NULL;
}

/* An smr_intsN is a count and then the values. */
static smr_status decode_ints(const smr_op_def *def, const smr_attribute_def *attribute, smr_table table,
                              uint32_t slot, uint8_t *target, smr_error *error) {
    const bool present = table != NULL && smr_field(table, slot) != NULL;
    int32_t count = attribute->default_int;
    if (!present) {
        memcpy(target, &count, sizeof count);
        if (count > 0) {
            memcpy(target + sizeof count, attribute->default_ints, (size_t)count * sizeof count);
        }
    } else {
        const smr_vector values = smr_field_vector(table, slot);
        if (values.count > attribute->limit) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "attribute %s of %s has %u values, more than %u",
                     attribute->name, def->name, (unsigned)values.count, (unsigned)attribute->limit);
        }
        count = (int32_t)values.count;
        memcpy(target, &count, sizeof count);
        memcpy(target + sizeof count, values.data, values.count * sizeof count);
    }
    return SMR_OK;
}

static smr_status decode_byte(const smr_op_def *def, const smr_attribute_def *attribute, smr_table table,
                              uint32_t slot, uint8_t *target, smr_error *error) {
    const uint8_t absent = (uint8_t)attribute->default_int;
    const uint8_t value = table == NULL ? absent : smr_field_u8(table, slot, absent);
    const uint32_t limit = attribute->kind == SMR_ATTRIBUTE_BOOL    ? 2u
                           : attribute->kind == SMR_ATTRIBUTE_DTYPE ? SMR_DTYPE_BOOL + 1u
                                                                    : attribute->limit;
    const uint32_t least = attribute->kind == SMR_ATTRIBUTE_DTYPE ? 1u : 0u;
    if (value < least || value >= limit) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "attribute %s of %s is %u, outside %u to %u", attribute->name,
                 def->name, (unsigned)value, (unsigned)least, (unsigned)(limit - 1));
    }
    *target = value;
    return SMR_OK;
}

smr_status smr_attributes_decode(const smr_op_def *def, smr_table op, smr_attributes *attributes,
                                 smr_error *error) {
    const uint8_t member = smr_field_u8(op, SMR_SLOT_OP_ATTRIBUTES_TYPE, 0);
    const smr_table table = member == 0 ? NULL : smr_field_table(op, SMR_SLOT_OP_ATTRIBUTES);
    uint32_t i;
    memset(attributes, 0, sizeof *attributes);
    if (member != 0 && (def->attribute_count == 0 || member != def->opcode)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%s carries the attributes of op number %u", def->name,
                 (unsigned)member);
    }
    for (i = 0; i < def->attribute_count; ++i) {
        const smr_attribute_def *attribute = &def->attributes[i];
        uint8_t *target = (uint8_t *)attributes + attribute->offset;
        if (attribute->kind == SMR_ATTRIBUTE_INT) {
            const int32_t absent = attribute->default_int;
            const int32_t value = table == NULL ? absent : smr_field_i32(table, i, absent);
            memcpy(target, &value, sizeof value);
        } else if (attribute->kind == SMR_ATTRIBUTE_FLOAT) {
            const float absent = attribute->default_float;
            const float value = table == NULL ? absent : smr_field_f32(table, i, absent);
            memcpy(target, &value, sizeof value);
        } else if (attribute->kind == SMR_ATTRIBUTE_INTS) {
            SMR_TRY(decode_ints(def, attribute, table, i, target, error));
        } else {
            SMR_TRY(decode_byte(def, attribute, table, i, target, error));
        }
    }
    return SMR_OK;
}
