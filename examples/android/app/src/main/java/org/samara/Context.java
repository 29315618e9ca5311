package org.samara;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Objects;

/**
 * Runs the first signature of a model. Calls from several threads wait for each other; make one for each thread to run
 * at the same time.
 */
public final class Context implements AutoCloseable {
    private final Model model;
    private final int inputs;
    private final int outputs;
    private long handle;

    Context(Model model, long handle, int inputs, int outputs) {
        this.model = model;
        this.handle = handle;
        this.inputs = inputs;
        this.outputs = outputs;
    }

    /**
     * Runs on raw bytes in native byte order. Each direct buffer holds one input or takes one output, from its
     * position to its limit, which stay where they are.
     *
     * @throws SamaraException a buffer is not direct or has another size (100), or the run failed (4xx)
     */
    public synchronized void run(ByteBuffer[] inputs, ByteBuffer[] outputs) {
        long context = handle();
        checkCount("inputs", this.inputs, inputs.length);
        checkCount("outputs", this.outputs, outputs.length);
        for (ByteBuffer output : outputs) {
            if (output.isReadOnly()) {
                throw new ReadOnlyBufferException();
            }
        }
        for (int i = 0; i < inputs.length; ++i) {
            Native.writeInput(context, i, inputs[i], inputs[i].position(), inputs[i].remaining());
        }
        Native.run(context);
        for (int i = 0; i < outputs.length; ++i) {
            Native.readOutput(context, i, outputs[i], outputs[i].position(), outputs[i].remaining());
        }
    }

    /** Runs a model of one input and one output: see {@link #run(ByteBuffer[], ByteBuffer[])}. */
    public void run(ByteBuffer input, ByteBuffer output) {
        run(new ByteBuffer[] {input}, new ByteBuffer[] {output});
    }

    /**
     * Runs a model of one input and one output on numbers. Those of an int8 or uint8 tensor are quantized and
     * dequantized with its scale and zero point.
     *
     * @throws SamaraException the input has another size, or a tensor has another type (100), or the run failed (4xx)
     */
    public synchronized float[] run(float[] input) {
        long context = handle();
        checkCount("inputs", this.inputs, 1);
        checkCount("outputs", this.outputs, 1);
        Objects.requireNonNull(input, "input");
        Native.writeFloats(context, 0, input);
        Native.run(context);
        return Native.readFloats(context, 0);
    }

    /**
     * Sets a dimension that the file leaves open; inputs and outputs then have the size that follows.
     *
     * @throws SamaraException there is no such dimension, or the value is outside its bounds (1xx)
     */
    public synchronized void setDimension(String name, int value) {
        Native.setDimension(handle(), Native.text(name), value);
    }

    /** Puts all state back to its initial values. */
    public synchronized void reset() {
        Native.reset(handle());
    }

    @Override
    public synchronized void close() {
        if (handle != 0) {
            Native.freeContext(handle);
            handle = 0;
            model.contextClosed();
        }
    }

    private long handle() {
        if (handle == 0) {
            throw new IllegalStateException("the context is closed");
        }
        return handle;
    }

    private static void checkCount(String what, int expected, int found) {
        if (expected != found) {
            throw new IllegalArgumentException("the model has " + expected + " " + what + ", not " + found);
        }
    }
}
