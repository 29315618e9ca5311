package org.samara;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The functions of samara_jni.c. Handles are addresses; 0 is none. */
final class Native {
    static {
        System.loadLibrary("samara_jni");
    }

    private Native() {}

    /** A text for C: UTF-8 with a zero at the end. */
    static byte[] text(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("the text has a zero character");
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return Arrays.copyOf(bytes, bytes.length + 1);
    }

    static native int misalignment(ByteBuffer data, int offset);

    static native long openModel(byte[] path);

    static native long loadModel(ByteBuffer data, int offset, int size);

    static native void freeModel(long model);

    static native int count(long model, boolean output);

    static native byte[] describe(long model, boolean output, int index, int[] numbers, float[] scale);

    static native long createContext(long model);

    static native void freeContext(long context);

    static native void reset(long context);

    static native void setDimension(long context, byte[] name, int value);

    static native void writeInput(long context, int index, ByteBuffer data, int offset, int size);

    static native void readOutput(long context, int index, ByteBuffer data, int offset, int size);

    static native void writeFloats(long context, int index, float[] data);

    static native float[] readFloats(long context, int index);

    static native void run(long context);
}
