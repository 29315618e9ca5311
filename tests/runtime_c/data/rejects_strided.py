"""Models of which a tensor whose rows lie apart is wrong: see rejects.py."""

from __future__ import annotations

MODEL = 203

BIAS = '{ name: "bias", dtype: "float32", shape: [3], storage: "constant", constant: 0 }'
NEW = '{ name: "total/new", dtype: "float32", shape: [2], storage: "state", offset: 0'
STRIDED_A = 'name: "a", dtype: "float32", shape: [2, 5], offset: 128, layout: "strided", row: 8'
STRIDED_B = 'name: "b", dtype: "float32", shape: [2, 3], offset: 148, layout: "strided", row: 8'
BESIDE = (
    '{ opcode: "concat", inputs: [3, 0], outputs: [5], attributes_type: "ConcatAttributes", '
    "attributes: { axis: 1 } }"
)
JOINED = (
    '{ opcode: "concat", inputs: [2, 3], outputs: [4], attributes_type: "ConcatAttributes", '
    "attributes: { axis: 1 } }"
)

PIECE_B = 'name: "b", dtype: "float32", shape: [2, 3], offset: 20, layout: "strided", row: 8'
PIECE_C = 'name: "c", dtype: "float32", shape: [2, 4], offset: 8, layout: "strided", row: 8'
PIECE_D = 'name: "d", dtype: "float32", shape: [1, 5], offset: 32, layout: "strided", row: 8'

STRIDED: list[tuple[str, str, dict[str, str], int, str]] = [
    (
        "strided_rows_overlap",
        "strided",
        {STRIDED_A: STRIDED_A.replace("row: 8", "row: 4")},
        MODEL,
        "rows that are 4 elements apart in 192 bytes, of 10 elements in all",
    ),
    (
        "strided_no_row",
        "strided",
        {STRIDED_A: STRIDED_A.replace(", row: 8", "")},
        MODEL,
        "rows that are 0 elements apart",
    ),
    (
        "strided_past_arena",
        "strided",
        {STRIDED_A: STRIDED_A.replace("row: 8", "row: 44")},
        MODEL,
        "rows that are 44 elements apart in 192 bytes",
    ),
    (
        "strided_far_rows",
        "strided",
        {STRIDED_A: STRIDED_A.replace("row: 8", "row: 4294967295")},
        MODEL,
        "rows that are 4294967295 elements apart in 192 bytes",
    ),
    (
        "strided_empty",
        "strided",
        {STRIDED_A: STRIDED_A.replace("[2, 5]", "[0, 5]")},
        MODEL,
        "of 0 elements in all",
    ),
    (
        "strided_scalar",
        "strided",
        {STRIDED_A: STRIDED_A.replace("[2, 5]", "[]")},
        MODEL,
        "of 1 elements in all",
    ),
    (
        "strided_moving",
        "strided",
        {STRIDED_A: STRIDED_A.replace("[2, 5]", "[-1, 5]")},
        MODEL,
        "rows that are 8 elements apart",
    ),
    (
        "strided_state",
        "state",
        {NEW: NEW + ', layout: "strided", row: 2'},
        MODEL,
        "has storage 2 with layout 3",
    ),
    (
        "strided_constant",
        "add_relu",
        {BIAS: BIAS.replace('"constant",', '"constant", layout: "strided", row: 3,')},
        MODEL,
        "has storage 1 with layout 3",
    ),
    (
        "strided_operand",
        "strided",
        {BESIDE: BESIDE.replace("concat", "stack").replace("Concat", "Stack")},
        MODEL,
        'operand values "b" cannot be strided',
    ),
    (
        "strided_output",
        "strided",
        {'{ name: "y", tensor: 4 }': '{ name: "y", tensor: 2 }'},
        MODEL,
        'output "y" is strided',
    ),
    (
        "strided_siblings_overlap",
        "strided",
        {STRIDED_B: STRIDED_B.replace("offset: 148", "offset: 144")},
        MODEL,
        'memory plan: "a" is still needed when op 1 writes b over it',
    ),
    (
        "strided_sibling_reaches_the_next_row",
        "strided",
        {STRIDED_B: STRIDED_B.replace("offset: 148", "offset: 152")},
        MODEL,
        'memory plan: "a" is still needed when op 1 writes b over it',
    ),
    (
        "strided_other_rows",
        "strided",
        {STRIDED_B: STRIDED_B.replace("row: 8", "row: 9")},
        MODEL,
        'memory plan: "a" is still needed when op 1 writes b over it',
    ),
    (
        "strided_elsewhere",
        "strided",
        {JOINED: JOINED.replace("[2, 3]", "[3, 2]")},
        MODEL,
        'memory plan: output "y" at bytes 128 to 192 lies on input "b" at 148 to 192',
    ),
    (
        "strided_lost",
        "strided",
        {
            'name: "z", dtype: "float32", shape: [2, 5], offset: 256': (
                'name: "z", dtype: "float32", shape: [2, 5], offset: 128'
            )
        },
        MODEL,
        'memory plan: output "z" at bytes 128 to 168 lies on input "b" at 148 to 192',
    ),
    (
        "pieces_meet",
        "pieces",
        {PIECE_B: PIECE_B.replace("offset: 20", "offset: 16")},
        MODEL,
        'outputs "a" and "b" lie on each other',
    ),
    (
        "pieces_reach_the_next_row",
        "pieces",
        {PIECE_B: PIECE_B.replace("offset: 20", "offset: 24")},
        MODEL,
        'outputs "a" and "b" lie on each other',
    ),
    (
        "pieces_other_rows",
        "pieces",
        {PIECE_B: PIECE_B.replace("row: 8", "row: 9")},
        MODEL,
        'outputs "a" and "b" lie on each other',
    ),
    (
        "piece_elsewhere",
        "pieces",
        {PIECE_C: PIECE_C.replace("offset: 8", "offset: 12")},
        MODEL,
        'output "c" at bytes 12 to 60 lies on input "x" at 0 to 64',
    ),
    (
        "piece_other_rows",
        "pieces",
        {PIECE_C: PIECE_C.replace("row: 8", "row: 9")},
        MODEL,
        'output "c" at bytes 8 to 60 lies on input "x" at 0 to 64',
    ),
    (
        "piece_together",
        "pieces",
        {PIECE_C: PIECE_C.replace(', layout: "strided", row: 8', "")},
        MODEL,
        'output "c" at bytes 8 to 40 lies on input "x" at 0 to 64',
    ),
    (
        "piece_of_a_piece_elsewhere",
        "pieces",
        {PIECE_D: PIECE_D.replace("offset: 32", "offset: 36")},
        MODEL,
        'output "d" at bytes 36 to 56 lies on input "a" at 0 to 52',
    ),
    (
        "piece_of_a_piece_in_another_row",
        "pieces",
        {PIECE_D: PIECE_D.replace("offset: 32", "offset: 0")},
        MODEL,
        'output "d" at bytes 0 to 20 lies on input "a" at 0 to 52',
    ),
]
