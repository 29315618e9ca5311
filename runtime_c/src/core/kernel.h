/* What a kernel sees: its op, its tensors and its attributes, all verified before it runs.
 *
 * A kernel is a `prepare` function and one or more `run` functions. `prepare` is called at load on the file's
 * largest and smallest dimensions, and again by a context whenever dimensions change; it checks every shape,
 * attribute and constant that `run` relies on, picks `run`, and states the work. `run` trusts all that and
 * checks only what depends on data: indices and divisors. Arity and dtypes have been checked against the op
 * table before `prepare` is called.
 */
#ifndef SMR_KERNEL_H
#define SMR_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../gen/ops.h"
#include "samara.h"
#include "status.h"

/* The values of Layout in schema/samara.fbs. */
typedef enum smr_layout {
    SMR_LAYOUT_DENSE = 0,
    SMR_LAYOUT_PANEL16 = 1,
    SMR_LAYOUT_PANEL16X4 = 2,
    SMR_LAYOUT_STRIDED = 3
} smr_layout;

/* A tensor in a program. */
typedef struct smr_value {
    void *data;          /* while a file is being verified, that of a constant alone may be read */
    size_t count;        /* elements; no product of some dims and the size of one exceeds PTRDIFF_MAX */
    const int32_t *dims; /* `rank` of them: in the file, where they are fixed */
    union {
        uint32_t run; /* of SMR_LAYOUT_PANEL16X4 */
        uint32_t row; /* of SMR_LAYOUT_STRIDED: see smr_value_row */
    };
    uint8_t rank;
    uint8_t dtype;   /* smr_dtype */
    uint8_t layout;  /* smr_layout: constants are dense or in panels, others dense or strided */
    uint8_t storage; /* smr_storage */
} smr_value;

/* Elements from where one row along the last axis begins to where the next one does. Only operands that the
 * op table calls strided can have rows that do not lie side by side; none of their sizes is 0 then. The rank
 * is not 0. */
static inline size_t smr_value_row(const smr_value *value) {
    return value->layout == SMR_LAYOUT_STRIDED ? value->row : (size_t)value->dims[value->rank - 1];
}

/* Elements from where the first of a value lies to where number `index` of them in row-major order does. */
static inline size_t smr_value_place(const smr_value *value, size_t index) {
    const size_t width = value->layout == SMR_LAYOUT_STRIDED ? (size_t)value->dims[value->rank - 1] : 1;
    return value->layout == SMR_LAYOUT_STRIDED ? index / width * value->row + index % width : index;
}

/* Whether rows of a part of the whole, each a row of it, lie as those of the whole do. */
static inline bool smr_value_rows_alike(const smr_value *part, const smr_value *whole) {
    if (part->layout != SMR_LAYOUT_STRIDED && whole->layout != SMR_LAYOUT_STRIDED) {
        return true;
    }
    return part->rank > 0 && whole->rank > 0 && part->dims[part->rank - 1] == whole->dims[whole->rank - 1] &&
           smr_value_row(part) == smr_value_row(whole);
}

/* Where the bytes of an op's operands may lie so that there is nothing for it to move. */
typedef enum smr_sharing {
    SMR_SHARING_NONE,
    SMR_SHARING_PART,   /* output 0 in input 0, from `shared_offset` on; prepare has compared their rows */
    SMR_SHARING_PARTS,  /* the outputs in input 0, one after the other */
    SMR_SHARING_WHOLE,  /* the inputs in output 0, one after the other */
    SMR_SHARING_ROWS,   /* the inputs in output 0, side by side in each of its rows */
    SMR_SHARING_COLUMNS /* the outputs in input 0, side by side in each of its rows */
} smr_sharing;

#define SMR_PARAMETER_BYTES 256

typedef struct smr_node smr_node;

/* Computes the work items [begin, end) of a node: disjoint ranges may run at the same time, in any order, and
 * what they compute does not depend on where they begin and end. Of several errors, that of the first item is
 * to be told. Where a node has phases, this is so of the items of each; those of a phase run after all of the
 * phases before it, and none of them may fail. */
typedef smr_status (*smr_run_function)(const smr_node *node, size_t begin, size_t end, smr_error *error);

/* Contexts keep the first half of a node and, apart from it, as many bytes of parameters as prepare has asked
 * for and the inputs that run reads, unless sizes of its operands can change. Nodes with the same attributes
 * and constants, and operands of the same sizes, share them. A node that has nothing to do is not kept at
 * all.
 */
struct smr_node {
    const struct smr_kernel_row *kernel;
    const smr_value **inputs; /* null for an absent optional input */
    smr_value **outputs;
    void *scratch;       /* valid during run; 64-byte aligned; ranges that run at the same time share it */
    uint32_t index;      /* of the op in its program */
    uint8_t input_count; /* of a node that a context keeps those that run reads */
    uint8_t output_count;
    uint16_t follower; /* bytes from here to the next op, if this one ends with it: see follow.h; or 0 */

    /* Filled by prepare. */
    smr_run_function run;
    size_t work;            /* the number of work items; 0 when there is nothing to do */
    const void *parameters; /* whatever prepare wants run to know: see SMR_PARAMETERS */
    float cost;             /* nanoseconds of all work on one thread; 0: the core estimates them afterwards */
    uint16_t completes; /* so many items, from a multiple of it on, are all that write some pixels of the one
                         * output, and end with smr_follow; 0: none do */
    /* A context keeps all of it: run reads attributes, or operands by pointers in parameters. */
    bool whole : 1;
    bool phased : 1; /* the work has phases: see smr_node_phases */
    /* An item is an element of the one output; of inputs with as many elements that are no constants it needs
     * that one, and run cannot fail. */
    bool elements : 1;
    /* Not by prepare. */
    bool fixed : 1; /* the sizes of its operands never change */
    bool late : 1;  /* prepared whenever it is run: a size of its operands is set by an op before it */
    uint8_t parts;  /* ranges of the work, or of that of a phase; the core fills it after prepare */

    /* The second half, for prepare alone. */
    smr_attributes attributes; /* the member of the node's op is the valid one */
    union {                    /* where the parameters are while it prepares */
        uint8_t bytes[SMR_PARAMETER_BYTES];
        uint64_t align;
    } room;
    uint32_t isas; /* that its kernel may use: a set of smr_isa */
    uint16_t parameter_bytes;
    uint8_t read_count;   /* of the inputs, the first so many, whose values run reads: all unless prepare says
                             less, since it has noted where the data of constants are */
    uint8_t sharing;      /* smr_sharing; filled by prepare, as what follows */
    size_t shared_offset; /* bytes */
    size_t scratch_bytes; /* needed; at most what the file reserves, which the core checks afterwards */
    size_t scratch_room;  /* what the file reserves, for a prepare that can do without */
    uint32_t phases;      /* of a node that is phased and whole; others that are phased have two */
};

/* How many phases there are, with as many work items each. */
static inline size_t smr_node_phases(const smr_node *node) {
    return !node->phased ? 1 : node->whole ? node->phases : 2;
}

/* Returns SMR_OK, or SMR_ERROR_MODEL with a message. It may not read the data of an input that is not a
 * constant, and it may not allocate. */
typedef smr_status (*smr_prepare_function)(smr_node *node, smr_error *error);

/* One line of a kernels.inc. Rows earlier in the registry are preferred; one whose instruction set a node may
 * not use is passed over, and so is one whose `matches` is not null and returns false. */
typedef struct smr_kernel_row {
    uint16_t opcode;
    uint32_t isa;
    const char *name; /* of the instruction set */
    bool (*matches)(const smr_node *node);
    smr_prepare_function prepare;
} smr_kernel_row;

/* So many bytes of parameters, for prepare to fill: zeros at first. */
static inline void *smr_node_parameters(smr_node *node, size_t bytes) {
    if (bytes > node->parameter_bytes) {
        node->parameter_bytes = (uint16_t)bytes;
    }
    return node->room.bytes;
}

/* Gives run these parameters in place of those that prepare has asked for so far. */
static inline void smr_node_replace_parameters(smr_node *node, const void *parameters, size_t bytes) {
    memcpy(node->room.bytes, parameters, bytes);
    node->parameter_bytes = (uint16_t)bytes;
}

/* Typed access to a node's parameters: SMR_PARAMETERS(node, binary_parameters)->stride. In run only what
 * prepare has had as the same type, or a longer one, is there. */
#define SMR_PARAMETERS(node, type)       ((type *)smr_node_parameters(node, sizeof(type)))
#define SMR_CONST_PARAMETERS(node, type) ((const type *)(node)->parameters)

#endif
