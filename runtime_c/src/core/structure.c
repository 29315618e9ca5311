/* The structural verifier: walks the file by the tables of gen/format.h and checks that whatever an accessor
 * could follow stays inside the file, is aligned, and is there if it is required.
 *
 * A file may use one table, vector or string in several places, so the number of places can exceed what its
 * size suggests. Each visit is therefore paid from a budget that a file in which nothing is shared cannot
 * exceed.
 */
#include "../gen/format.h"
#include "flatbuffer.h"
#include "version.h"

/* The schema nests four tables; more would be an error in gen/format.c. */
#define STRUCTURE_MAX_DEPTH 8

/* How many vtables are remembered, a power of two: a file has some tens, which hundreds of tables share. */
#define STRUCTURE_VTABLE_BITS 6
#define STRUCTURE_VTABLES     (1u << STRUCTURE_VTABLE_BITS)

_Static_assert(SMR_MOST_FIELDS <= 32, "a table has more fields than `links` has bits");

typedef struct structure_frame {
    const smr_format_table *format;
    const uint8_t *fields; /* the places in the vtable that say where each field of the table is */
    size_t table;          /* its offset in the file */
    size_t vector;         /* the offset of the first element of the vector being walked */
    uint32_t count;        /* its elements that are left; 0 when none is being walked */
    uint32_t links;        /* bit i: field `field` + i leads elsewhere, and is to be looked at */
    uint16_t bytes;        /* of the table */
    uint16_t known;        /* the fields that the vtable has places for */
    uint16_t field;        /* the next field to look at */
    int16_t element;       /* the table id of the vector's elements */
} structure_frame;

/* A vtable that has been looked at. What it says is right for all tables of a format that are as far from an
 * address that is a multiple of 8. */
typedef struct structure_vtable {
    const smr_format_table *format; /* null for none */
    size_t offset;
    uint32_t links;
    uint32_t phase;
} structure_vtable;

typedef struct structure_walk {
    smr_bytes file;
    uint64_t budget;
    uint32_t depth;
    structure_frame stack[STRUCTURE_MAX_DEPTH];
    structure_vtable vtables[STRUCTURE_VTABLES];
    smr_error *error;
} structure_walk;

static uint32_t structure_u32(const structure_walk *walk, size_t offset) {
    return smr_read_u32(walk->file.data + offset);
}

static smr_status structure_spend(structure_walk *walk, uint64_t work) {
    if (work > walk->budget) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT, "damaged file: its parts are shared in too many places");
    }
    walk->budget -= work;
    return SMR_OK;
}

/* Where a field begins in its table; 0 when it is absent. */
static uint32_t structure_offset(const structure_frame *frame, uint32_t slot) {
    return slot < frame->known ? smr_read_u16(frame->fields + 2 * slot) : 0;
}

/* The offset in the file of a field that is there. */
static smr_status structure_field(const structure_walk *walk, const structure_frame *frame, uint32_t slot,
                                  uint32_t bytes, size_t *place) {
    const uint32_t offset = structure_offset(frame, slot);
    *place = frame->table + offset;
    if (offset < 4 || offset + bytes > frame->bytes || (*place & (bytes - 1)) != 0) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT,
                 "damaged file: field %u of the table at offset %zu is misplaced", (unsigned)slot,
                 frame->table);
    }
    return SMR_OK;
}

static smr_status structure_absent(const structure_walk *walk, const structure_frame *frame, uint32_t slot) {
    if (frame->format->fields[slot].required) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT, "damaged file: the table at offset %zu lacks its field %u",
                 frame->table, (unsigned)slot);
    }
    return SMR_OK;
}

/* Checks where the fields of a table are, and finds those that lead elsewhere: a union is among them even if
 * it is absent, since its member decides whether it may be. */
static smr_status structure_check_vtable(const structure_walk *walk, structure_frame *frame) {
    uint32_t slot;
    frame->links = 0;
    for (slot = 0; slot < frame->format->field_count; ++slot) {
        const smr_format_field *field = &frame->format->fields[slot];
        const bool scalar = field->kind == SMR_FIELD_SCALAR || field->kind == SMR_FIELD_UNION_TYPE;
        size_t place;
        if (structure_offset(frame, slot) != 0) {
            SMR_TRY(structure_field(walk, frame, slot, scalar ? field->size : 4, &place));
            frame->links |= scalar ? 0 : 1u << slot;
        } else if (field->kind == SMR_FIELD_UNION) {
            frame->links |= 1u << slot;
        } else {
            SMR_TRY(structure_absent(walk, frame, slot));
        }
    }
    return SMR_OK;
}

/* The same, unless the vtable is remembered. */
static smr_status structure_known_vtable(structure_walk *walk, structure_frame *frame, size_t vtable) {
    const uint32_t phase = (uint32_t)frame->table % 8;
    const uint32_t hash = ((uint32_t)vtable + phase) * 2654435761u;
    structure_vtable *known = &walk->vtables[hash >> (32 - STRUCTURE_VTABLE_BITS)];
    if (known->format == frame->format && known->offset == vtable && known->phase == phase) {
        frame->links = known->links;
        return SMR_OK;
    }
    SMR_TRY(structure_check_vtable(walk, frame));
    known->format = frame->format;
    known->offset = vtable;
    known->phase = phase;
    known->links = frame->links;
    return SMR_OK;
}

/* Enters the table at `offset`: its vtable and its own bytes lie in the file. Its fields are not looked at.
 */
static smr_status structure_enter(structure_walk *walk, int16_t table, size_t offset, size_t *place) {
    const size_t size = walk->file.size;
    const smr_format_table *format;
    structure_frame *frame;
    int64_t vtable;
    uint32_t vtable_size, bytes;
    if (table < 0 || table >= SMR_TABLE_COUNT || walk->depth == STRUCTURE_MAX_DEPTH) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT, "damaged file: tables are nested too deep at offset %zu",
                 offset);
    }
    SMR_TRY(structure_spend(walk, 1));
    if (offset % 4 != 0 || offset > size - 4) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT, "damaged file: a table at offset %zu of %zu bytes", offset,
                 size);
    }
    vtable = (int64_t)offset - smr_read_i32(walk->file.data + offset);
    if (vtable < 0 || vtable % 2 != 0 || vtable > (int64_t)size - 4) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT,
                 "damaged file: the vtable of the table at offset %zu is outside", offset);
    }
    vtable_size = smr_read_u16(walk->file.data + vtable);
    bytes = smr_read_u16(walk->file.data + vtable + 2);
    if (vtable_size < 4 || vtable_size % 2 != 0 || vtable_size > size - (size_t)vtable || bytes < 4 ||
        bytes > size - offset) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT,
                 "damaged file: the vtable of the table at offset %zu is wrong", offset);
    }
    format = &smr_format_tables[table];
    SMR_TRY(structure_spend(walk, format->field_count / 8));
    frame = &walk->stack[walk->depth++];
    frame->format = format;
    frame->fields = walk->file.data + vtable + 4;
    frame->table = offset;
    frame->count = 0;
    frame->bytes = (uint16_t)bytes;
    frame->known = (uint16_t)((vtable_size - 4) / 2);
    frame->field = 0;
    *place = (size_t)vtable;
    return SMR_OK;
}

/* Enters it, and checks where its fields are. */
static smr_status structure_push(structure_walk *walk, int16_t table, size_t offset) {
    size_t vtable;
    SMR_TRY(structure_enter(walk, table, offset, &vtable));
    return structure_known_vtable(walk, &walk->stack[walk->depth - 1], vtable);
}

/* Follows the offset that is stored at `place`. */
static smr_status structure_follow(const structure_walk *walk, size_t place, size_t *target) {
    const size_t distance = structure_u32(walk, place);
    if (distance == 0 || distance > walk->file.size - 4 - place || distance % 4 != 0 || place % 4 != 0) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT, "damaged file: the offset at %zu leads outside", place);
    }
    *target = place + distance;
    return SMR_OK;
}

/* Follows the offset at `place` to a vector of elements of `size` bytes. */
static smr_status structure_vector(const structure_walk *walk, size_t place, size_t size, size_t align,
                                   size_t *first, uint32_t *count) {
    size_t target;
    SMR_TRY(structure_follow(walk, place, &target));
    *first = target + 4;
    *count = structure_u32(walk, target);
    if ((uint64_t)*count * size > walk->file.size - *first || (*count > 0 && *first % align != 0)) {
        SMR_FAIL(
            walk->error, SMR_ERROR_FORMAT,
            "damaged file: the vector of %u elements at offset %zu does not fit or is not aligned to %zu",
            (unsigned)*count, target, align);
    }
    return SMR_OK;
}

/* The highest bits of bytes are set where one of eight is 0, or 128 and more. */
static uint64_t structure_odd_bytes(const uint8_t *text) {
    const uint64_t ones = UINT64_MAX / 255, eight = smr_read_u64(text);
    return (eight | (eight - ones)) & (ones << 7);
}

/* Whether text has ASCII characters alone, and no zero byte. */
static bool structure_is_plain(const uint8_t *text, size_t size) {
    uint64_t odd = 0;
    size_t i;
    if (size < 8) {
        for (i = 0; i < size; ++i) {
            odd |= text[i] - 1u >= 127;
        }
        return odd == 0;
    }
    for (i = 0; i + 8 <= size; i += 8) {
        odd |= structure_odd_bytes(text + i);
    }
    return (odd | structure_odd_bytes(text + size - 8)) == 0;
}

/* Whether text is well-formed UTF-8 without a zero byte. */
static bool structure_is_text(const uint8_t *text, size_t size) {
    size_t i = structure_is_plain(text, size) ? size : 0;
    while (i < size) {
        uint32_t lead, more, least, code;
        lead = text[i++];
        more = 0, least = 0, code = lead;
        if (lead >= 0xf0 && lead < 0xf8) {
            more = 3, least = 0x10000, code = lead & 0x07;
        } else if (lead >= 0xe0 && lead < 0xf0) {
            more = 2, least = 0x800, code = lead & 0x0f;
        } else if (lead >= 0xc0 && lead < 0xe0) {
            more = 1, least = 0x80, code = lead & 0x1f;
        } else if (lead >= 0x80 || lead == 0) {
            return false;
        }
        if (more > size - i) {
            return false;
        }
        for (; more > 0; --more) {
            if ((text[i] & 0xc0) != 0x80) {
                return false;
            }
            code = code << 6 | (text[i++] & 0x3fu);
        }
        if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            return false;
        }
    }
    return true;
}

static smr_status structure_string(structure_walk *walk, size_t place) {
    size_t first;
    uint32_t count;
    SMR_TRY(structure_vector(walk, place, 1, 1, &first, &count));
    SMR_TRY(structure_spend(walk, count / 4));
    if (count >= walk->file.size - first || walk->file.data[first + count] != 0) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT, "damaged file: the text at offset %zu has no end", first);
    }
    if (!structure_is_text(walk->file.data + first, count)) {
        SMR_FAIL(walk->error, SMR_ERROR_FORMAT, "damaged file: the text at offset %zu is not UTF-8", first);
    }
    return SMR_OK;
}

/* The table that a union holds: absent when its member is 0 or one that this runtime does not know. */
static smr_status structure_union(structure_walk *walk, const structure_frame *frame, uint32_t slot) {
    const uint32_t at = structure_offset(frame, slot - 1);
    const uint8_t member = at == 0 ? 0 : walk->file.data[frame->table + at];
    const bool known = member != 0 && smr_format_attributes[member] >= 0;
    size_t target;
    if (structure_offset(frame, slot) == 0) {
        if (known) {
            SMR_FAIL(walk->error, SMR_ERROR_FORMAT,
                     "damaged file: the table at offset %zu has a union without a value", frame->table);
        }
        return SMR_OK;
    }
    if (!known) {
        return SMR_OK;
    }
    SMR_TRY(structure_follow(walk, frame->table + structure_offset(frame, slot), &target));
    return structure_push(walk, smr_format_attributes[member], target);
}

/* Looks at where a field leads. */
static smr_status structure_link(structure_walk *walk, structure_frame *frame, uint32_t slot) {
    const smr_format_field *field = &frame->format->fields[slot];
    const size_t place = frame->table + structure_offset(frame, slot);
    size_t target;
    uint32_t count;
    switch (field->kind) {
        case SMR_FIELD_STRING: return structure_string(walk, place);
        case SMR_FIELD_SCALARS:
            return structure_vector(walk, place, field->size, field->align, &target, &count);
        case SMR_FIELD_TABLE:
            SMR_TRY(structure_follow(walk, place, &target));
            return structure_push(walk, field->table, target);
        case SMR_FIELD_TABLES:
            frame->element = field->table;
            return structure_vector(walk, place, 4, 4, &frame->vector, &frame->count);
        default: return structure_union(walk, frame, slot);
    }
}

/* Looks at the fields of the innermost table, up to one with tables in it, which are looked at first. */
static smr_status structure_fields(structure_walk *walk, structure_frame *frame) {
    const uint32_t depth = walk->depth;
    while (frame->links != 0 && walk->depth == depth && frame->count == 0) {
        const bool link = (frame->links & 1) != 0;
        frame->links >>= 1;
        ++frame->field;
        if (link) {
            SMR_TRY(structure_link(walk, frame, frame->field - 1u));
        }
    }
    return SMR_OK;
}

/* A newer format may be built otherwise, so its version is asked about before anything else. */
static smr_status structure_version(const structure_walk *walk) {
    const structure_frame *frame = &walk->stack[0];
    size_t place;
    uint32_t version = 0;
    if (structure_offset(frame, SMR_SLOT_MODEL_FORMAT_VERSION) != 0) {
        SMR_TRY(structure_field(walk, frame, SMR_SLOT_MODEL_FORMAT_VERSION, 4, &place));
        version = structure_u32(walk, place);
    }
    if (version == 0 || version > SMR_FORMAT_VERSION) {
        SMR_FAIL(walk->error, SMR_ERROR_VERSION,
                 "the file has format version %u and this runtime reads 1 to %u", (unsigned)version,
                 SMR_FORMAT_VERSION);
    }
    return SMR_OK;
}

smr_status smr_structure_verify(smr_bytes file, smr_table *root, smr_error *error) {
    structure_walk walk;
    memset(&walk, 0, sizeof walk);
    walk.file = file;
    walk.budget = file.size;
    walk.error = error;
    if (file.size < 16 || memcmp(file.data + 4, SMR_FORMAT_IDENTIFIER, 4) != 0) {
        SMR_FAIL(error, SMR_ERROR_FORMAT,
                 "not a Samara file: %zu bytes without the identifier \"%s\" at offset 4", file.size,
                 SMR_FORMAT_IDENTIFIER);
    }
    if (file.size > INT32_MAX) {
        SMR_FAIL(error, SMR_ERROR_FORMAT, "a file of %zu bytes exceeds the format's 2147483647", file.size);
    }
    {
        size_t target, vtable;
        SMR_TRY(structure_follow(&walk, 0, &target));
        SMR_TRY(structure_enter(&walk, SMR_TABLE_ROOT, target, &vtable));
        SMR_TRY(structure_version(&walk));
        SMR_TRY(structure_known_vtable(&walk, &walk.stack[0], vtable));
        *root = file.data + target;
    }
    while (walk.depth > 0) {
        structure_frame *frame = &walk.stack[walk.depth - 1];
        if (frame->count > 0) {
            const size_t place = frame->vector;
            size_t target;
            frame->vector += 4;
            --frame->count;
            SMR_TRY(structure_follow(&walk, place, &target));
            SMR_TRY(structure_push(&walk, frame->element, target));
            continue;
        }
        if (frame->links == 0) {
            --walk.depth;
            continue;
        }
        SMR_TRY(structure_fields(&walk, frame));
    }
    return SMR_OK;
}
