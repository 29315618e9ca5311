/* The tiles of AMX: eight registers of up to 16 rows of 64 bytes each. Where the instructions cannot be
 * written, or a build with SMR_EMULATE tests what uses them, the same is done in plain C; that stops where
 * the processor would refuse shapes that do not belong together. */
#ifndef SMR_X86_AMX_H
#define SMR_X86_AMX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(SMR_EMULATE) || !defined(__GNUC__) || SIZE_MAX == UINT32_MAX
#define AMX_PLAIN 1
#else
#define AMX_PLAIN 0
#endif

/* What ldtilecfg reads: Intel's Software Developer's Manual, volume 1, 18.3. */
typedef struct amx_shapes {
    uint8_t palette;
    uint8_t start;
    uint8_t reserved[14];
    uint16_t bytes[16]; /* of a row */
    uint8_t rows[16];
} amx_shapes;
_Static_assert(sizeof(amx_shapes) == 64, "it has the size that the processor reads");

typedef struct amx_unit {
#if AMX_PLAIN
    amx_shapes shapes;
    uint8_t tile[8][16][64];
#else
    char none;
#endif
} amx_unit;

#if AMX_PLAIN

static inline void amx_stop_unless(int right) {
    if (!right) {
        *(volatile char *)NULL = 0;
    }
}

static inline void amx_configure(amx_unit *unit, const amx_shapes *shapes) {
    memcpy(&unit->shapes, shapes, sizeof *shapes);
    memset(unit->tile, 0, sizeof unit->tile);
}

static inline void amx_zero(amx_unit *unit, size_t tile) {
    amx_stop_unless(unit->shapes.palette == 1 && unit->shapes.rows[tile] > 0);
    memset(unit->tile[tile], 0, sizeof unit->tile[tile]);
}

static inline void amx_load(amx_unit *unit, size_t tile, const uint8_t *from, size_t step) {
    size_t row;
    amx_zero(unit, tile);
    for (row = 0; row < unit->shapes.rows[tile]; ++row) {
        memcpy(unit->tile[tile][row], from + row * step, unit->shapes.bytes[tile]);
    }
}

static inline void amx_store(const amx_unit *unit, size_t tile, uint8_t *to, size_t step) {
    size_t row;
    amx_stop_unless(unit->shapes.palette == 1 && unit->shapes.rows[tile] > 0);
    for (row = 0; row < unit->shapes.rows[tile]; ++row) {
        memcpy(to + row * step, unit->tile[tile][row], unit->shapes.bytes[tile]);
    }
}

static inline void amx_dot(amx_unit *unit, size_t sums, size_t numbers, size_t weights) {
    const amx_shapes *shapes = &unit->shapes;
    size_t row, column, k;
    amx_stop_unless(shapes->palette == 1 && shapes->rows[sums] > 0 && shapes->rows[weights] > 0 &&
                    shapes->rows[sums] == shapes->rows[numbers] &&
                    shapes->bytes[sums] == shapes->bytes[weights] &&
                    shapes->bytes[numbers] == 4 * shapes->rows[weights]);
    for (row = 0; row < shapes->rows[sums]; ++row) {
        const int8_t *a = (const int8_t *)unit->tile[numbers][row];
        for (column = 0; column < shapes->bytes[sums] / 4u; ++column) {
            uint32_t sum;
            memcpy(&sum, unit->tile[sums][row] + 4 * column, sizeof sum);
            for (k = 0; k < shapes->bytes[numbers]; ++k) {
                const int8_t b = (int8_t)unit->tile[weights][k / 4][4 * column + k % 4];
                sum += (uint32_t)(a[k] * b);
            }
            memcpy(unit->tile[sums][row] + 4 * column, &sum, sizeof sum);
        }
    }
}

#define AMX_CONFIGURE(unit, shapes)           amx_configure(unit, shapes)
#define AMX_RELEASE(unit)                     memset(&(unit)->shapes, 0, sizeof(unit)->shapes)
#define AMX_LOAD(unit, tile, from, step)      amx_load(unit, tile, (const uint8_t *)(from), step)
#define AMX_STORE(unit, tile, to, step)       amx_store(unit, tile, (uint8_t *)(to), step)
#define AMX_DOT(unit, sums, numbers, weights) amx_dot(unit, sums, numbers, weights)

#else

/* Compilers know nothing of what the tiles hold: each of these stays where it is, and what memory holds is
 * there before and read after it. */
#define AMX_CONFIGURE(unit, shapes) \
    (void)(unit);                   \
    __asm__ volatile("ldtilecfg %0" : : "m"(*(shapes)) : "memory")
#define AMX_RELEASE(unit) \
    (void)(unit);         \
    __asm__ volatile("tilerelease" : : : "memory")
#define AMX_LOAD(unit, tile, from, step) \
    (void)(unit);                        \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(from), "r"((size_t)(step)) : "memory")
#define AMX_STORE(unit, tile, to, step) \
    (void)(unit);                       \
    __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(to), "r"((size_t)(step)) : "memory")
/* The products of each row of `numbers` with `weights`, of signed bytes. */
#define AMX_DOT(unit, sums, numbers, weights) \
    (void)(unit);                             \
    __asm__ volatile("tdpbssd %%tmm" #weights ", %%tmm" #numbers ", %%tmm" #sums : : : "memory")

#endif

#endif
