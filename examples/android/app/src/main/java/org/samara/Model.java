package org.samara;

import java.nio.ByteBuffer;

/**
 * A verified .smr file. Threads may share it; each runs a {@link Context} of its own.
 *
 * <p>Close it when done. Contexts stay usable: the memory goes with the last of them.
 */
public final class Model implements AutoCloseable {
    private static final int ALIGNMENT = 16;

    private final ByteBuffer data; // borrowed by the native model, so kept from the garbage collector
    private long handle;
    private int contexts;
    private boolean closed;

    private Model(long handle, ByteBuffer data) {
        this.handle = handle;
        this.data = data;
    }

    /**
     * Maps a file.
     *
     * @throws SamaraException the file cannot be opened (3xx) or is refused (2xx)
     */
    public static Model open(String path) {
        return new Model(Native.openModel(Native.text(path)), null);
    }

    /**
     * Loads the bytes between position and limit of a buffer. A direct buffer, such as a mapped file, is used where
     * it lies when its address allows (a multiple of 16) and must not change while the model lives; any other is
     * copied.
     *
     * @throws SamaraException the bytes are refused (2xx)
     */
    public static Model load(ByteBuffer data) {
        ByteBuffer used = aligned(data);
        return new Model(Native.loadModel(used, used.position(), used.remaining()), used);
    }

    private static ByteBuffer aligned(ByteBuffer data) {
        if (data.isDirect() && Native.misalignment(data, data.position()) == 0) {
            return data.duplicate();
        }
        ByteBuffer copy = ByteBuffer.allocateDirect(data.remaining() + ALIGNMENT);
        int start = (ALIGNMENT - Native.misalignment(copy, 0)) % ALIGNMENT;
        copy.position(start);
        copy.put(data.duplicate());
        copy.limit(copy.position());
        copy.position(start);
        return copy;
    }

    /** Makes what one caller needs to run the model: memory and state of its own. */
    public synchronized Context createContext() {
        int inputs = inputCount();
        int outputs = outputCount();
        Context context = new Context(this, Native.createContext(handle), inputs, outputs);
        ++contexts;
        return context;
    }

    /** The number of inputs. */
    public synchronized int inputCount() {
        return Native.count(handle(), false);
    }

    /** The number of outputs. */
    public synchronized int outputCount() {
        return Native.count(handle(), true);
    }

    /** An input. */
    public synchronized TensorInfo input(int index) {
        return TensorInfo.of(handle(), false, index);
    }

    /** An output. */
    public synchronized TensorInfo output(int index) {
        return TensorInfo.of(handle(), true, index);
    }

    @Override
    public synchronized void close() {
        closed = true;
        release();
    }

    synchronized void contextClosed() {
        --contexts;
        release();
    }

    private long handle() {
        if (closed) {
            throw new IllegalStateException("the model is closed");
        }
        return handle;
    }

    private void release() {
        if (closed && contexts == 0 && handle != 0) {
            Native.freeModel(handle);
            handle = 0;
        }
    }
}
