/* What attention is computed with: attention.c goes through the tiles and the blocks of keys, and calls these
 * functions, which an instruction set may have better ones of. */
#ifndef SMR_GENERIC_ATTENTION_H
#define SMR_GENERIC_ATTENTION_H

#include "convert.h"

#define SMR_ATTENTION_LANES   16  /* queries of a tile */
#define SMR_ATTENTION_KEYS    64  /* of a block, at most */
#define SMR_ATTENTION_NUMBERS 256 /* the most of a query, key or value of float16 that is widened */

typedef struct smr_attention_functions smr_attention_functions;

typedef struct smr_attention_parameters {
    const smr_attention_functions *functions;
    const smr_halves *halves;
    size_t block; /* keys of one */
    size_t queries;
    size_t keys;
    size_t size;    /* of a query and a key */
    size_t outputs; /* the size of a value */
    size_t blocks;  /* work items of a head */
    const smr_value *mask;
    size_t mask_matrix; /* elements of the mask from a head, a query and a key to the next */
    size_t mask_row;
    size_t mask_column;
    int64_t before; /* causal: the place of the first query among the keys */
    float scale;
    float softcap;
    float blind; /* what a query gives that sees nothing */
    bool causal;
    bool widened; /* float16, for functions that take float32 */
} smr_attention_parameters;

/* Queries abreast have all 16 lanes, whatever number there is of them: number k of lane i is at k * 16 + i of
 * `queries` and `sums`, and the score of key j at j * 16 + i. Those that are not follow each other: lane i
 * has rows of `size` and `outputs` numbers, and one of SMR_ATTENTION_KEYS scores. */
typedef struct smr_attention_tile {
    float *queries;
    float *sums;
    float *wide;  /* numbers that are widened */
    size_t row;   /* the first query */
    size_t lanes; /* how many there are */
    bool abreast;
    /* The products, scores and weights of a block of keys. */
    float scores[SMR_ATTENTION_KEYS * SMR_ATTENTION_LANES];
    float top[SMR_ATTENTION_LANES];   /* the greatest score so far */
    float total[SMR_ATTENTION_LANES]; /* of the weights */
    float keep[SMR_ATTENTION_LANES];  /* what the sums before a block are multiplied by */
} smr_attention_tile;

struct smr_attention_functions {
    /* Takes the queries of a tile, scaled. */
    void (*begin)(const smr_attention_parameters *p, smr_attention_tile *tile, const void *query);
    /* The products of all queries of a tile and `count` keys. */
    void (*products)(const smr_attention_parameters *p, smr_attention_tile *tile, const void *key,
                     size_t count);
    /* What softcap makes of them. */
    void (*cap)(const smr_attention_parameters *p, smr_attention_tile *tile, size_t count);
    /* What the mask makes of the scores of `count` keys from `first` on; `mask` is the place of that of the
     * tile's first query. */
    void (*mask)(const smr_attention_parameters *p, smr_attention_tile *tile, size_t mask, size_t first,
                 size_t count);
    /* Turns the scores of a block into weights. */
    void (*weigh)(smr_attention_tile *tile, size_t count);
    /* Adds `count` values with their weights to the sums. */
    void (*add)(const smr_attention_parameters *p, smr_attention_tile *tile, const void *value, size_t count);
    void (*end)(const smr_attention_parameters *p, const smr_attention_tile *tile, void *y);
};

/* The `mask` in plain C, for those that an instruction set has no better one for. */
void smr_attention_mask(const smr_attention_parameters *p, smr_attention_tile *tile, size_t mask,
                        size_t first, size_t count);

/* Has a node that is prepared computed with these functions, which take float32. float16 is converted for
 * them: queries, keys and values of at most SMR_ATTENTION_NUMBERS numbers. */
void smr_attention_use(smr_node *node, const smr_attention_functions *functions, const smr_halves *halves);

#endif
