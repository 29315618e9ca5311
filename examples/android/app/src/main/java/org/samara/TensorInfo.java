package org.samara;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** An input or output of a model, at the largest dimensions that the file allows. */
public final class TensorInfo {
    private static final int FIRST_DIMENSION = 3;
    private static final int MOST_NUMBERS = FIRST_DIMENSION + 8;
    private static final String[] TYPES = {
        "none", "float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool"
    };

    /** The public name. */
    public final String name;

    /** The element type, for example "float32" or "int8". */
    public final String type;

    /** The scale of a quantized tensor: value = scale * (stored - zeroPoint). 0 when it is not quantized. */
    public final float scale;

    /** The zero point of a quantized tensor. */
    public final int zeroPoint;

    private final int[] dimensions;

    private TensorInfo(String name, int[] numbers, float scale) {
        this.name = name;
        this.type = TYPES[numbers[0]];
        this.zeroPoint = numbers[1];
        this.dimensions = Arrays.copyOfRange(numbers, FIRST_DIMENSION, FIRST_DIMENSION + numbers[2]);
        this.scale = scale;
    }

    static TensorInfo of(long model, boolean output, int index) {
        int[] numbers = new int[MOST_NUMBERS];
        float[] scale = new float[1];
        byte[] name = Native.describe(model, output, index, numbers, scale);
        return new TensorInfo(new String(name, StandardCharsets.UTF_8), numbers, scale[0]);
    }

    /** The dimensions; the last is the fastest. */
    public int[] dimensions() {
        return dimensions.clone();
    }

    @Override
    public String toString() {
        return name + ": " + type + Arrays.toString(dimensions);
    }
}
