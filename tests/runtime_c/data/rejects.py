"""Models with one thing wrong: (name, base, {text of the base: what replaces it}, status, part of the message)."""

from __future__ import annotations

from rejects_strided import STRIDED

VERSION, UNSUPPORTED, MODEL, FORMAT = 201, 202, 203, 200

SUM = '{ name: "sum", dtype: "float32", shape: [2, 3], storage: "arena", offset: 64 }'
Y = '{ name: "y", dtype: "float32", shape: [2, 3], storage: "arena", offset: 64 }'
X = '{ name: "x", dtype: "float32", shape: [2, 3], storage: "arena", offset: 0 }'
BIAS = '{ name: "bias", dtype: "float32", shape: [3], storage: "constant", constant: 0 }'
ADD = '{ opcode: "add", inputs: [0, 1], outputs: [2], source: "model.py:3" }'
RELU = '{ opcode: "relu", inputs: [2], outputs: [3] }'
USES = 'kernels: [ { opcode: "add", dtype: "float32" }, { opcode: "relu", dtype: "float32" } ]'
DIMENSIONS = '{ name: "n", minimum: 0, maximum: 8 }, { name: "m", minimum: 1, maximum: 8 }'
HALF = "{ code: [1, 0, 0, 1, 2, 0, 0, 2, 5, 0] }"
TOTAL = '{ name: "total", dtype: "float32", shape: [2], offset: 0, initial: 0 }'
NEW = '{ name: "total/new", dtype: "float32", shape: [2], storage: "state", offset: 0'
UNUSED = '{ name: "unused", dtype: "int8", shape: [3], offset: 64 }'

DEFINES = (
    '{ opcode: "dimension", inputs: [0, -1], outputs: [3], attributes_type: "DimensionAttributes", '
    "attributes: { symbol: 0 } }"
)
SLICES = (
    '{ opcode: "slice", inputs: [1, 2, -1], outputs: [4], attributes_type: "SliceAttributes", '
    "attributes: { strides: [1] } }"
)
CONDITION_ENDS = "arena_bytes: 256, inputs: [0, 1, 2], outputs: [3], caller: 0, caller_op: 0"
THEN_ENDS = "arena_bytes: 0, inputs: [0], outputs: [1], caller: 0, caller_op: 2"
OTHER_ENDS = "arena_bytes: 0, inputs: [0], outputs: [0], caller: 0, caller_op: 2"
LOOP_COUNT = '{ name: "i", dtype: "int32", shape: [], storage: "arena", offset: 128 }'
EXTRA = 'name: "extra", tensors: [], ops: [], arena_bytes: 0'
LESS = '{ name: "less", dtype: "bool", shape: [], storage: "arena", offset: 192 }'
NEXT = '{ name: "next", dtype: "int32", shape: [], storage: "result", offset: 0 }'
STEP_SUM = '{ name: "sum", dtype: "float32", shape: [2], storage: "arena", offset: 256 }'
RELU_BODY = '{ name: "relu", dtype: "float32", shape: [2], storage: "result", offset: 0 }'
RELU_OP = 'ops: [ { opcode: "relu", inputs: [0], outputs: [2] } ]'
RELU_RESULT = '{ name: "relu", dtype: "float32", shape: [-1], storage: "result", offset: 0 }'
COMPUTES_AGAIN = (
    '{ opcode: "dimension", inputs: [1, -1], outputs: [3], attributes_type: "DimensionAttributes", '
    "attributes: { symbol: 0 } }"
)
Z = '{ name: "z", dtype: "float32", shape: [2], storage: "arena", offset: 256 }'
STEP_OPS = """{ opcode: "add", inputs: [0, 3], outputs: [4] },
        { opcode: "add", inputs: [1, 1], outputs: [5] }"""

REJECTS: list[tuple[str, str, dict[str, str], int, str]] = [
    # The whole model.
    ("format_version", "add_relu", {"format_version: 1": "format_version: 2"}, VERSION, "format version 2"),
    (
        "no_format_version",
        "add_relu",
        {"format_version: 1": "format_version: 0"},
        VERSION,
        "format version 0",
    ),
    ("least_runtime", "add_relu", {"least_runtime: 1000": "least_runtime: 99001002"}, VERSION, "99.1.2"),
    ("short_hash", "add_relu", {"content_hash: [0,": "content_hash: ["}, FORMAT, "31 bytes"),
    (
        "unknown_kernel",
        "add_relu",
        {USES: "kernels: [ { opcode: 60000, dtype: int8 } ]"},
        UNSUPPORTED,
        "60000",
    ),
    # Dimensions and expressions.
    (
        "minimum",
        "dynamic",
        {"minimum: 1, maximum: 8": "minimum: -1, maximum: 8"},
        MODEL,
        "bounded by -1 and 8",
    ),
    ("maximum", "dynamic", {"minimum: 1, maximum: 8": "minimum: 1, maximum: 0"}, MODEL, "bounded by 1 and 0"),
    ("same_dimensions", "dynamic", {'name: "m"': 'name: "n"'}, MODEL, 'both called "n"'),
    ("unnamed_dimension", "dynamic", {'name: "m"': 'name: ""'}, MODEL, "dimension 1 has no name"),
    ("expression_dimension", "dynamic", {"{ code: [1, 1] }": "{ code: [1, 2] }"}, MODEL, "does not exist"),
    ("expression_depth", "dynamic", {HALF: "{ code: [2, 0] }"}, MODEL, "lacks an operand"),
    ("expression_divisor", "dynamic", {HALF: "{ code: [0, 8, 1, 0, 5, 0] }"}, MODEL, "not positive"),
    ("expression_empty", "dynamic", {HALF: "{ code: [] }"}, MODEL, "one number"),
    ("expression_negative", "dynamic", {HALF: "{ code: [1, 0, 0, 1, 3, 0] }"}, MODEL, "gives -1"),
    (
        "expression_index",
        "dynamic",
        {'name: "half", dtype: "float32", shape: [-3]': 'name: "half", dtype: "float32", shape: [-4]'},
        MODEL,
        "expression 3 of 3",
    ),
    (
        "grows_as_it_shrinks",
        "dynamic",
        {HALF: "{ code: [0, 9, 1, 0, 3, 0] }"},
        MODEL,
        "at the smallest dimensions",
    ),
    # Dimensions that an op sets.
    ("computed_by_nobody", "computed", {"{ symbol: 0 }": "{ symbol: -1 }"}, MODEL, "no op before has set"),
    ("computed_of_many", "computed", {"{ symbol: 0 }": "{ symbol: 2 }"}, MODEL, "sets dimension 2 of 2"),
    ("computed_is_callers", "computed", {"{ symbol: 0 }": "{ symbol: 1 }"}, MODEL, "which the caller sets"),
    (
        "computed_too_late",
        "computed",
        {f"{DEFINES},\n        {SLICES}": f"{SLICES},\n        {DEFINES}"},
        MODEL,
        "no op before has set",
    ),
    (
        "computed_twice",
        "computed",
        {DEFINES: f"{DEFINES}, {DEFINES}"},
        MODEL,
        'sets dimension "found" for the second time',
    ),
    (
        "computed_in_a_body_only",
        "computed_body",
        {"inputs: [3, 5, 0]": "inputs: [3, 1, 0]"},
        MODEL,
        "and what it stands for has not",
    ),
    (
        "computed_twice_in_a_body",
        "computed_body",
        {
            RELU_OP: "ops: [ " + COMPUTES_AGAIN + ", " + RELU_OP.removeprefix("ops: [ "),
            RELU_RESULT: RELU_RESULT
            + ', { name: "again", dtype: "int64", shape: [], storage: "arena", offset: 448 }',
            "arena_bytes: 448": "arena_bytes: 512",
            "inputs: [3, 5, 0], outputs: [6],": "inputs: [3, 5, 0], outputs: [6], "
            "scratch_offset: 448, scratch_bytes: 64,",
            "arena_bytes: 0, inputs: [0, 1], outputs: [2]": "arena_bytes: 512, inputs: [0, 1], outputs: [2]",
        },
        MODEL,
        "for the second time",
    ),
    (
        "computed_after_its_body",
        "computed_body",
        {"attributes: { symbol: 0 }": "attributes: { symbol: -1 }"},
        MODEL,
        "no op before has set",
    ),
    (
        "computed_result",
        "computed_body",
        {RELU_RESULT: RELU_RESULT.replace("shape: [-1]", "shape: [8]")},
        MODEL,
        "differ in element type or shape",
    ),
    (
        "computed_input",
        "computed",
        {'name: "x", dtype: "float32", shape: [-2]': 'name: "x", dtype: "float32", shape: [-1]'},
        MODEL,
        "has a size that the model computes",
    ),
    # States.
    ("state_offset", "state", {TOTAL: TOTAL.replace("offset: 0", "offset: 32")}, MODEL, "in steps of 64"),
    (
        "state_order",
        "state",
        {TOTAL: TOTAL.replace("offset: 0", "offset: 64"), UNUSED: UNUSED.replace("64", "0")},
        MODEL,
        "67 are free",
    ),
    ("state_bytes", "state", {"state_bytes: 67": "state_bytes: 66"}, MODEL, "in steps of 64"),
    (
        "state_bytes_huge",
        "state",
        {"state_bytes: 67": "state_bytes: 18446744073709551615"},
        MODEL,
        "can address",
    ),
    ("state_initial_index", "state", {"initial: 0": "initial: 1"}, MODEL, "constant 1"),
    ("state_initial_negative", "state", {"initial: 0": "initial: -2"}, MODEL, "constant -2"),
    ("state_initial_size", "state", {UNUSED: UNUSED.replace("64", "64, initial: 0")}, MODEL, "another size"),
    ("state_dtype", "state", {'dtype: "int8"': 'dtype: "none"'}, MODEL, "element type 0"),
    ("state_shape", "state", {"shape: [3], offset: 64": "shape: [-1], offset: 64"}, MODEL, "no fixed shape"),
    ("state_names", "state", {'name: "unused"': 'name: "total"'}, MODEL, 'both called "total"'),
    (
        "state_tensor_offset",
        "state",
        {NEW: NEW.replace("offset: 0", "offset: 64")},
        MODEL,
        "no state of float32",
    ),
    (
        "state_tensor_between",
        "state",
        {NEW: NEW.replace("offset: 0", "offset: 4")},
        MODEL,
        "at offset 4",
    ),
    (
        "state_tensor_shape",
        "state",
        {
            '{ name: "total/new", dtype: "float32", shape: [2]': '{ name: "total/new", dtype: "float32", shape: [1]'
        },
        MODEL,
        "another shape",
    ),
    # Tensors.
    ("unnamed_tensor", "add_relu", {'name: "sum"': 'name: ""'}, MODEL, "has no name"),
    ("tensor_dtype", "add_relu", {X: X.replace('"float32"', "200")}, MODEL, "element type 200"),
    ("tensor_storage", "add_relu", {X: X.replace('"arena"', "5")}, MODEL, "storage 5"),
    ("tensor_rank", "add_relu", {X: X.replace("[2, 3]", "[1,1,1,1,1,1,1,2,3]")}, MODEL, "rank 9"),
    (
        "tensor_size",
        "add_relu",
        {X: X.replace("[2, 3]", "[2147483647, 2147483647, 2147483647]")},
        MODEL,
        "can address",
    ),
    (
        "tensor_hidden_size",
        "add_relu",
        {X: X.replace("[2, 3]", "[0, 2147483647, 2147483647, 2147483647]")},
        MODEL,
        "can address",
    ),
    ("tensor_offset", "add_relu", {X: X.replace("offset: 0", "offset: 32")}, MODEL, "in steps of 64"),
    ("tensor_end", "add_relu", {X: X.replace("offset: 0", "offset: 128")}, MODEL, "24 bytes at offset 128"),
    (
        "tensor_far",
        "add_relu",
        {X: X.replace("offset: 0", "offset: 18446744073709551552")},
        MODEL,
        "in steps of 64",
    ),
    ("arena_small", "add_relu", {"arena_bytes: 128": "arena_bytes: 87"}, MODEL, "an arena of 87"),
    (
        "arena_huge",
        "add_relu",
        {"arena_bytes: 128": "arena_bytes: 18446744073709551615"},
        MODEL,
        "can address",
    ),
    (
        "constant_index",
        "add_relu",
        {BIAS: BIAS.replace("constant: 0", "constant: 1")},
        MODEL,
        "constant 1 of 1",
    ),
    (
        "constant_bytes",
        "add_relu",
        {BIAS: BIAS.replace("[3]", "[4]")},
        MODEL,
        "12 bytes; its shape and layout say 16",
    ),
    (
        "constant_dynamic",
        "dynamic",
        {
            "constants: []": "constants: [ { data: [] } ]",
            'shape: [-2, 4], storage: "arena"': 'shape: [-2, 4], storage: "constant"',
        },
        MODEL,
        "no fixed shape",
    ),
    (
        "layout_of_arena",
        "add_relu",
        {X: X.replace("offset: 0", 'offset: 0, layout: "panel16"')},
        MODEL,
        "with layout 1",
    ),
    (
        "layout_unknown",
        "add_relu",
        {BIAS: BIAS.replace("constant: 0", "constant: 0, layout: 3")},
        MODEL,
        "layout 3",
    ),
    (
        "layout_panel16_bytes",
        "add_relu",
        {BIAS: BIAS.replace("constant: 0", 'constant: 0, layout: "panel16"')},
        MODEL,
        "say 64",
    ),
    (
        "layout_panel16x4_dtype",
        "add_relu",
        {BIAS: BIAS.replace("constant: 0", 'constant: 0, layout: "panel16x4"')},
        MODEL,
        "panel16x4 of float32",
    ),
    ("layout_not_packed", "panels", {}, MODEL, "cannot be in panels"),
    (
        "quantization_axis",
        "add_relu",
        {X: X.replace("offset: 0", "offset: 0, quantization: { scale: [1], zero_point: [0], axis: 2 }")},
        MODEL,
        "axis 2 of 2",
    ),
    (
        "quantization_count",
        "add_relu",
        {
            X: X.replace(
                "offset: 0", "offset: 0, quantization: { scale: [1, 1], zero_point: [0, 0], axis: 1 }"
            )
        },
        MODEL,
        "instead of 3",
    ),
    (
        "quantization_scale",
        "add_relu",
        {X: X.replace("offset: 0", "offset: 0, quantization: { scale: [0], zero_point: [0] }")},
        MODEL,
        "has scale 0",
    ),
    (
        "quantization_nan",
        "add_relu",
        {X: X.replace("offset: 0", "offset: 0, quantization: { scale: [nan], zero_point: [0] }")},
        MODEL,
        "has scale",
    ),
    (
        "quantization_none",
        "add_relu",
        {X: X.replace("offset: 0", "offset: 0, quantization: { scale: [], zero_point: [] }")},
        MODEL,
        "0 scales",
    ),
    # Ops.
    ("unknown_op", "add_relu", {ADD: ADD.replace('"add"', "60000")}, UNSUPPORTED, "op number 60000"),
    ("few_inputs", "add_relu", {ADD: ADD.replace("[0, 1]", "[0]")}, MODEL, "1 inputs instead of 2"),
    ("many_inputs", "add_relu", {RELU: RELU.replace("[2]", "[2, 2]")}, MODEL, "2 inputs instead of 1"),
    ("no_outputs", "add_relu", {RELU: RELU.replace("[3]", "[]")}, MODEL, "0 outputs instead of 1"),
    ("absent_input", "add_relu", {RELU: RELU.replace("[2]", "[-1]")}, MODEL, "tensor -1 of 4"),
    ("absent_output", "add_relu", {RELU: RELU.replace("[3]", "[-1]")}, MODEL, "tensor -1 of 4"),
    ("input_index", "add_relu", {RELU: RELU.replace("[2]", "[4]")}, MODEL, "tensor 4 of 4"),
    ("constant_output", "add_relu", {RELU: RELU.replace("[3]", "[1]")}, MODEL, '"bias" is a constant'),
    ("dtype_mask", "add_relu", {X: X.replace("float32", "bool")}, MODEL, "cannot be bool"),
    ("dtype_variable", "add_relu", {Y: Y.replace("float32", "int32")}, MODEL, "int32 beside float32"),
    ("op_shape", "add_relu", {Y: Y.replace("[2, 3]", "[3, 2]")}, MODEL, 'op 1, relu "y": '),
    ("op_shape_at_smallest", "shapes_at_smallest", {}, MODEL, 'op 0, relu "y": '),
    (
        "scratch_outside",
        "add_relu",
        {RELU: RELU.replace("[3] }", "[3], scratch_offset: 128, scratch_bytes: 1 }")},
        MODEL,
        "scratch of 1 bytes at offset 128",
    ),
    (
        "scratch_offset",
        "add_relu",
        {RELU: RELU.replace("[3] }", "[3], scratch_offset: 1 }")},
        MODEL,
        "offset 1 of",
    ),
    (
        "scratch_overflow",
        "add_relu",
        {RELU: RELU.replace("[3] }", "[3], scratch_offset: 64, scratch_bytes: 18446744073709551615 }")},
        MODEL,
        "scratch of",
    ),
    # The plan.
    (
        "scratch_on_input",
        "add_relu",
        {RELU: RELU.replace("[3] }", "[3], scratch_offset: 64, scratch_bytes: 1 }")},
        MODEL,
        "scratch at bytes 64 to 65",
    ),
    (
        "scratch_on_live",
        "add_relu",
        {
            "arena_bytes: 128": "arena_bytes: 192",
            ADD: '{ opcode: "relu", inputs: [0], outputs: [4], scratch_offset: 64, scratch_bytes: 64 },'
            + ADD,
            SUM: SUM.replace("64", "128"),
            Y: Y.replace("64", "128") + ', { name: "dead", dtype: "float32", shape: [2, 3], offset: 128 }, '
            '{ name: "x2", dtype: "float32", shape: [2, 3], offset: 64 }',
            'inputs: [ { name: "x", tensor: 0 } ]': 'inputs: [ { name: "x", tensor: 0 }, { name: "x2", tensor: 5 } ]',
            'outputs: [ { name: "y", tensor: 3 } ]': 'outputs: [ { name: "y", tensor: 3 }, { name: "x2", tensor: 5 } ]',
        },
        MODEL,
        "writes scratch over it",
    ),
    (
        "read_before_write",
        "add_relu",
        {RELU: RELU.replace("[2]", "[0]"), ADD: ADD.replace("[0, 1]", "[2, 1]")},
        MODEL,
        '"sum" is read before it is written',
    ),
    (
        "output_never_written",
        "add_relu",
        {
            RELU: '{ opcode: "relu", inputs: [2], outputs: [4] }',
            Y: Y + ', { name: "z", dtype: "float32", shape: [2, 3], offset: 64 }',
        },
        MODEL,
        "writes z over it",
    ),
    ("written_twice", "add_relu", {RELU: RELU.replace("[3]", "[2]")}, MODEL, '"sum" is written twice'),
    ("input_written", "add_relu", {RELU: RELU.replace("[3]", "[0]")}, MODEL, '"x" is written twice'),
    ("partial_overlap", "overlap", {}, MODEL, "lies on input"),
    ("broadcast_in_place", "broadcast_in_place", {}, MODEL, "lies on input"),
    (
        "overwritten",
        "add_relu",
        {SUM: SUM.replace("64", "0"), RELU: RELU.replace("[2]", "[0]")},
        MODEL,
        '"x" is still needed when op 0 writes sum over it',
    ),
    (
        "output_overwritten",
        "add_relu",
        {
            RELU: RELU + ", " + RELU.replace("[2]", "[0]").replace("[3]", "[4]"),
            Y: Y + ', { name: "z", dtype: "float32", shape: [2, 3], offset: 64 }',
        },
        MODEL,
        '"y" is still needed when op 2 writes z over it',
    ),
    (
        "view_overwritten",
        "views",
        {
            'name: "b", dtype: "float32", shape: [6], offset: 0': 'name: "b", dtype: "float32", shape: [6], offset: 64'
        },
        MODEL,
        '"a" is still needed when op 3 writes b over it',
    ),
    ("outputs_overlap", "splits", {}, MODEL, "lie on each other"),
    (
        "inputs_overlap",
        "dynamic",
        {'shape: [-2, 4], storage: "arena", offset: 128': 'shape: [-2, 4], storage: "arena", offset: 64'},
        MODEL,
        'inputs "x" and "y" lie on each other',
    ),
    # Signatures.
    ("signature_program", "add_relu", {"program: 0": "program: 1"}, MODEL, "has program 1"),
    ("signature_shared_program", "state", {"program: 1": "program: 0"}, MODEL, "has program 0"),
    (
        "signature_names",
        "state",
        {'name: "read",\n      program': 'name: "accumulate",\n      program'},
        MODEL,
        'both called "accumulate"',
    ),
    ("unnamed_signature", "add_relu", {'name: "serve"': 'name: ""'}, MODEL, "signature 0 has no name"),
    (
        "endpoint_tensor",
        "add_relu",
        {'{ name: "x", tensor: 0 }': '{ name: "x", tensor: 4 }'},
        MODEL,
        "tensor 4 of 4",
    ),
    (
        "endpoint_constant",
        "add_relu",
        {'{ name: "y", tensor: 3 }': '{ name: "y", tensor: 1 }'},
        MODEL,
        "not in the arena",
    ),
    (
        "endpoint_state",
        "state",
        {'{ name: "x", tensor: 0 }': '{ name: "x", tensor: 1 }'},
        MODEL,
        "not in the arena",
    ),
    (
        "endpoint_names",
        "dynamic",
        {'{ name: "y", tensor: 1 }': '{ name: "x", tensor: 1 }'},
        MODEL,
        'both called "x"',
    ),
    (
        "endpoint_twice",
        "dynamic",
        {'{ name: "y", tensor: 1 }': '{ name: "y", tensor: 0 }'},
        MODEL,
        "is written twice",
    ),
    (
        "golden_count",
        "add_relu",
        {
            "outputs: [ { data: [0,0,0,64, 0,0,0,0, 0,0,128,64, 0,0,0,0, 0,0,0,0, 0,0,192,64] } ]": "outputs: []"
        },
        MODEL,
        "golden case 0: 0 tensors",
    ),
    (
        "golden_bytes",
        "add_relu",
        {"[0,0,0,64, 0,0,0,0,": "[0,0,0,64, 0,0,0,"},
        MODEL,
        "23 bytes instead of 24",
    ),
    # Bodies.
    (
        "body_caller_itself",
        "control",
        {OTHER_ENDS: f"{OTHER_ENDS} }}, {{ {EXTRA}, caller: 5, caller_op: 0"},
        MODEL,
        "not before it",
    ),
    (
        "body_caller_negative",
        "control",
        {OTHER_ENDS: f"{OTHER_ENDS} }}, {{ {EXTRA}, caller: -2, caller_op: 0"},
        MODEL,
        "not before it",
    ),
    (
        "body_of_no_op",
        "control",
        {OTHER_ENDS: f"{OTHER_ENDS} }}, {{ {EXTRA}, caller: 0, caller_op: 3"},
        MODEL,
        "run by op 3 of 3",
    ),
    (
        "body_that_its_op_does_not_run",
        "control",
        {OTHER_ENDS: f"{OTHER_ENDS} }}, {{ {EXTRA}, caller: 0, caller_op: 2"},
        MODEL,
        "should run program 5, does not",
    ),
    (
        "program_without_signature",
        "control",
        {OTHER_ENDS: f"{OTHER_ENDS} }}, {{ {EXTRA}"},
        MODEL,
        "1 signatures with 2 programs",
    ),
    (
        "body_caller_op",
        "control",
        {CONDITION_ENDS: CONDITION_ENDS.replace("caller_op: 0", "caller_op: 3")},
        MODEL,
        "names another op for its caller",
    ),
    (
        "body_of_an_op_without",
        "control",
        {CONDITION_ENDS: CONDITION_ENDS.replace("caller_op: 0", "caller_op: 1")},
        MODEL,
        "names another op for its caller",
    ),
    (
        "body_of_another_op",
        "control",
        {THEN_ENDS: THEN_ENDS.replace("caller_op: 2", "caller_op: 0")},
        MODEL,
        "names another op for its caller",
    ),
    ("body_twice", "control", {"else_body: 4": "else_body: 3"}, MODEL, "runs programs 3 and 3"),
    ("body_is_caller", "control", {"else_body: 4": "else_body: 0"}, MODEL, "must be two after"),
    ("body_absent", "control", {"else_body: 4": "else_body: 5"}, MODEL, "of 5"),
    (
        "body_without_op",
        "control",
        {OTHER_ENDS: OTHER_ENDS.replace("caller: 0", "caller: 3")},
        MODEL,
        "names another",
    ),
    (
        "body_inputs",
        "control",
        {THEN_ENDS: THEN_ENDS.replace("inputs: [0]", "inputs: [0, 0]")},
        MODEL,
        "2 inputs and 1 outputs",
    ),
    (
        "body_outputs",
        "control",
        {CONDITION_ENDS: CONDITION_ENDS.replace("outputs: [3]", "outputs: [3, 3]")},
        MODEL,
        "and 2 outputs",
    ),
    (
        "body_input_index",
        "control",
        {THEN_ENDS: THEN_ENDS.replace("inputs: [0]", "inputs: [2]")},
        MODEL,
        "input 0 of the body is tensor 2 of 2",
    ),
    (
        "body_output_index",
        "control",
        {THEN_ENDS: THEN_ENDS.replace("outputs: [1]", "outputs: [-1]")},
        MODEL,
        "output 0 of the body is tensor -1 of 2",
    ),
    (
        "body_input_place",
        "control",
        {CONDITION_ENDS: CONDITION_ENDS.replace("inputs: [0, 1, 2]", "inputs: [2, 1, 0]")},
        MODEL,
        "input 0 of the body is not argument 0",
    ),
    (
        "argument_number",
        "control",
        {LESS: LESS.replace('"arena", offset: 192', '"argument", offset: 3')},
        MODEL,
        "argument 3 of 3",
    ),
    (
        "result_of_condition",
        "control",
        {LESS: LESS.replace('"arena", offset: 192', '"result", offset: 0')},
        MODEL,
        "result 0 of 0",
    ),
    (
        "argument_outside_a_body",
        "control",
        {Z: Z.replace('"arena", offset: 256', '"argument", offset: 0')},
        MODEL,
        "argument 0 of 0",
    ),
    ("result_number", "control", {NEXT: NEXT.replace("offset: 0", "offset: 2")}, MODEL, "result 2 of 2"),
    (
        "result_too_large",
        "control",
        {RELU_BODY: RELU_BODY.replace("shape: [2]", "shape: [3]")},
        MODEL,
        "3 elements in the place of 2",
    ),
    (
        "result_shape",
        "control",
        {RELU_BODY: RELU_BODY.replace("shape: [2]", "shape: [1, 2]")},
        MODEL,
        "rank 2 instead of 1",
    ),
    (
        "argument_written",
        "control",
        {RELU_BODY: RELU_BODY.replace("result", "argument")},
        MODEL,
        "given to read",
    ),
    (
        "variable_written_early",
        "control",
        {
            STEP_OPS: STEP_OPS + ', { opcode: "add", inputs: [0, 0], outputs: [6] }',
            STEP_SUM: STEP_SUM
            + ', { name: "late", dtype: "int32", shape: [], storage: "arena", offset: 192 }',
        },
        MODEL,
        "is still needed when op 0 writes",
    ),
    (
        "variable_in_another_place",
        "control",
        {NEXT: NEXT.replace("offset: 0", "offset: 1")},
        MODEL,
        "number 1",
    ),
    ("condition_type", "control", {LESS: LESS.replace('"bool"', '"int32"')}, MODEL, "cannot be int32"),
    (
        "condition_output",
        "control",
        {CONDITION_ENDS: CONDITION_ENDS.replace("outputs: [3]", "outputs: [0]")},
        MODEL,
        "no bool scalar",
    ),
    (
        "body_before_scratch",
        "control",
        {LESS: LESS.replace("offset: 192", "offset: 128")},
        MODEL,
        "before 192",
    ),
    (
        "body_past_scratch",
        "control",
        {
            STEP_SUM: STEP_SUM.replace("offset: 256", "offset: 320"),
            "arena_bytes: 320, inputs": "arena_bytes: 384, inputs",
        },
        MODEL,
        "past its op's scratch",
    ),
    (
        "body_on_live_tensor",
        "control",
        {"scratch_offset: 192, scratch_bytes: 128": "scratch_offset: 64, scratch_bytes: 256"},
        MODEL,
        "scratch at bytes 64",
    ),
    ("loop_invariants", "control", {"invariants: 1": "invariants: 2"}, MODEL, "3 inputs and 2 invariants"),
    (
        "loop_trips",
        "control",
        {"maximum_trip_count: 5": "maximum_trip_count: -1"},
        MODEL,
        "maximum of -1 steps",
    ),
    (
        "loop_without_ops",
        "control",
        {'{ opcode: "less", inputs: [0, 2], outputs: [3] }': "", STEP_OPS: ""},
        MODEL,
        "no ops",
    ),
    (
        "loop_variable_on_invariant",
        "control",
        {LOOP_COUNT: LOOP_COUNT.replace("128", "64")},
        MODEL,
        "lies on input",
    ),
    (
        "loop_variable_type",
        "control",
        {'name: "zero", dtype: "int32"': 'name: "zero", dtype: "float32"'},
        MODEL,
        "changes its element type",
    ),
    ("signature_of_body", "control", {"program: 0,": "program: 3,"}, MODEL, "a body's or not there"),
    ("bodies_too_deep", "deep", {}, MODEL, "deeper than 16"),
    *STRIDED,
]
