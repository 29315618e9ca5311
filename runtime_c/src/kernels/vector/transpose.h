/* Transposing matrices of float32 in registers, for the templates of this folder: included after the vectors
 * of an instruction set. */
#ifndef SMR_VECTOR_TRANSPOSE_H
#define SMR_VECTOR_TRANSPOSE_H

#include <stddef.h>

/* to[column * to_row + row] = from[row * from_row + column]. */
static inline void vector_transpose(const float *from, size_t from_row, float *to, size_t to_row, size_t rows,
                                    size_t columns) {
    const size_t whole_rows = rows - rows % VECTOR_LANES, whole_columns = columns - columns % VECTOR_LANES;
    size_t row, column, i;
    for (row = 0; row < whole_rows; row += VECTOR_LANES) {
        for (column = 0; column < whole_columns; column += VECTOR_LANES) {
            VECTOR x[VECTOR_LANES];
            for (i = 0; i < VECTOR_LANES; ++i) {
                x[i] = VECTOR_LOAD(from + (row + i) * from_row + column);
            }
            VECTOR_TRANSPOSE(x);
            for (i = 0; i < VECTOR_LANES; ++i) {
                VECTOR_STORE(to + (column + i) * to_row + row, x[i]);
            }
        }
    }
    for (row = 0; row < rows; ++row) {
        for (column = row < whole_rows ? whole_columns : 0; column < columns; ++column) {
            to[column * to_row + row] = from[row * from_row + column];
        }
    }
}

#endif
