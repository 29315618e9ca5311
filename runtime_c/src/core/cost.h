/* How long ops take, roughly. */
#ifndef SMR_COST_H
#define SMR_COST_H

#include "kernel.h"

/* The nanoseconds that a prepared node takes on one thread: what its kernel says, or an estimate from its
 * multiplications and bytes at rates that a fast processor with the kernel's instruction set reaches. It is
 * to be too little rather than too much: an op that goes to several threads needlessly costs more than one
 * that does not. */
double smr_node_cost(const smr_node *node);

#endif
