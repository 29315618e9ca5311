import org.samara.Context;
import org.samara.Model;
import org.samara.SamaraException;
import org.samara.TensorInfo;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Checks the Java API, on models with known answers in a folder: digits_float (relu of x - 0.25), state (adds its
 * input to a total), dynamic (x + y and a relu with dimensions n and m), and, when it is there, digits_int8 with
 * input.bin and output.bin.
 */
public final class ApiTest {
    private static final int ARGUMENT = 100;
    private static final int NOT_FOUND = 101;
    private static final int DIMENSION = 102;
    private static final int FORMAT = 200;
    private static final int IO = 301;

    private final Path folder;

    private ApiTest(Path folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        ApiTest test = new ApiTest(Paths.get(arguments[0]));
        test.describes();
        test.runsFloats();
        test.runsBuffers();
        test.loadsAnyBuffer();
        test.refusesFiles();
        test.refusesData();
        test.keepsState();
        test.followsDimensions();
        test.refusesAfterClose();
        test.outlivesItsModel();
        test.runsInThreads();
        test.sharesOneContext();
        if (Files.exists(test.folder.resolve("digits_int8.smr"))) {
            test.runsInt8();
        }
        System.out.println("all right");
    }

    private Model open(String name) {
        return Model.open(folder.resolve(name + ".smr").toString());
    }

    private void describes() {
        try (Model model = open("digits_float")) {
            check(model.inputCount() == 1 && model.outputCount() == 1);
            TensorInfo input = model.input(0);
            check(input.name.equals("image") && input.type.equals("float32") && input.scale == 0.0f);
            check(Arrays.equals(input.dimensions(), new int[] {1, 8, 8, 1}));
            check(model.output(0).toString().equals("scores: float32[1, 8, 8, 1]"));
            refused(NOT_FOUND, () -> model.input(1));
            refused(NOT_FOUND, () -> model.output(-1));
        }
    }

    private static float[] image(int seed) {
        float[] values = new float[64];
        for (int i = 0; i < values.length; ++i) {
            values[i] = ((i * 37 + seed * 11) % 64) / 64.0f;
        }
        return values;
    }

    private static float[] expected(float[] image) {
        float[] values = new float[image.length];
        for (int i = 0; i < values.length; ++i) {
            values[i] = Math.max(image[i] - 0.25f, 0.0f);
        }
        return values;
    }

    private static ByteBuffer direct(int floats) {
        return ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder());
    }

    private static ByteBuffer direct(float[] values) {
        ByteBuffer buffer = direct(values.length);
        buffer.asFloatBuffer().put(values);
        return buffer;
    }

    private static float[] floats(ByteBuffer buffer) {
        FloatBuffer view = buffer.asFloatBuffer();
        float[] values = new float[view.remaining()];
        view.get(values);
        return values;
    }

    private void runsFloats() {
        try (Model model = open("digits_float");
                Context context = model.createContext()) {
            for (int seed = 0; seed < 5; ++seed) {
                check(Arrays.equals(context.run(image(seed)), expected(image(seed))));
            }
        }
    }

    private void runsBuffers() {
        try (Model model = open("digits_float");
                Context context = model.createContext()) {
            ByteBuffer input = direct(image(1));
            ByteBuffer output = direct(64);
            context.run(input, output);
            check(Arrays.equals(floats(output), expected(image(1))));
            check(input.position() == 0 && output.remaining() == 256);

            // From the middle of one buffer to the middle of another.
            ByteBuffer wide = direct(100);
            wide.position(4 * 10);
            wide.slice().order(ByteOrder.nativeOrder()).asFloatBuffer().put(image(2));
            wide.limit(4 * 74);
            ByteBuffer room = direct(70);
            room.position(4 * 6);
            context.run(wide.asReadOnlyBuffer(), room);
            check(Arrays.equals(floats(room.slice().order(ByteOrder.nativeOrder())), expected(image(2))));
            check(room.getFloat(0) == 0.0f && room.getFloat(4 * 5) == 0.0f);
        }
    }

    private void loadsAnyBuffer() throws Exception {
        Path path = folder.resolve("digits_float.smr");
        byte[] bytes = Files.readAllBytes(path);
        List<ByteBuffer> buffers = new ArrayList<>();
        buffers.add(ByteBuffer.wrap(bytes));
        for (int offset = 0; offset < 17; ++offset) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length + 40);
            buffer.position(offset);
            buffer.put(bytes);
            buffer.limit(buffer.position());
            buffer.position(offset);
            buffers.add(buffer);
        }
        Path padded = folder.resolve("padded.bin");
        byte[] package_ = new byte[bytes.length + 4];
        System.arraycopy(bytes, 0, package_, 4, bytes.length);
        Files.write(padded, package_);
        try (RandomAccessFile whole = new RandomAccessFile(path.toFile(), "r");
                RandomAccessFile part = new RandomAccessFile(padded.toFile(), "r")) {
            buffers.add(whole.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, bytes.length));
            buffers.add(part.getChannel().map(FileChannel.MapMode.READ_ONLY, 4, bytes.length));
        }
        for (ByteBuffer buffer : buffers) {
            int position = buffer.position();
            try (Model model = Model.load(buffer);
                    Context context = model.createContext()) {
                System.gc();
                check(buffer.position() == position && buffer.remaining() == bytes.length);
                check(Arrays.equals(context.run(image(3)), expected(image(3))));
            }
        }
    }

    private void refusesFiles() throws Exception {
        Path bad = folder.resolve("schlechte-Datei-\u00e4\ud83c\udf31.smr");
        SamaraException missing = refused(IO, () -> Model.open(bad.toString()));
        check(missing.getMessage().contains("no such file"));
        byte[] bytes = Files.readAllBytes(folder.resolve("digits_float.smr"));
        Files.write(bad, Arrays.copyOf(bytes, bytes.length / 2));
        SamaraException cut = refused(-1, () -> Model.open(bad.toString()));
        check(cut.status() / 100 == 2 && !cut.getMessage().isEmpty());
        refused(FORMAT, () -> Model.load(ByteBuffer.wrap(new byte[64])));
        refused(FORMAT, () -> Model.load(ByteBuffer.allocateDirect(64)));
        refused(-1, () -> Model.load(ByteBuffer.allocate(0)));
        Files.write(bad, bytes);
        Model.open(bad.toString()).close();
        Files.delete(bad);
        fails(IllegalArgumentException.class, () -> Model.open("a\0b"));
        fails(NullPointerException.class, () -> Model.open(null));
        fails(NullPointerException.class, () -> Model.load(null));
    }

    private void refusesData() {
        try (Model model = open("digits_float");
                Context context = model.createContext()) {
            SamaraException wrong = refused(ARGUMENT, () -> context.run(new float[63]));
            check(wrong.getMessage().equals("image has 64 elements, not 63"));
            refused(ARGUMENT, () -> context.run(direct(63), direct(64)));
            refused(ARGUMENT, () -> context.run(direct(65), direct(64)));
            refused(ARGUMENT, () -> context.run(direct(64), direct(65)));
            refused(ARGUMENT, () -> context.run(ByteBuffer.allocate(256), direct(64)));
            refused(ARGUMENT, () -> context.run(direct(64), ByteBuffer.allocate(256)));
            fails(
                    ReadOnlyBufferException.class,
                    () -> context.run(direct(64), direct(64).asReadOnlyBuffer()));
            fails(
                    IllegalArgumentException.class,
                    () -> context.run(new ByteBuffer[0], new ByteBuffer[] {direct(64)}));
            fails(
                    IllegalArgumentException.class,
                    () -> context.run(new ByteBuffer[] {direct(64)}, new ByteBuffer[2]));
            fails(NullPointerException.class, () -> context.run((float[]) null));
            fails(NullPointerException.class, () -> context.run(null, direct(64)));
            check(Arrays.equals(context.run(image(4)), expected(image(4))));
        }
    }

    private void keepsState() {
        try (Model model = open("state");
                Context first = model.createContext();
                Context second = model.createContext()) {
            check(Arrays.equals(first.run(new float[] {1, 1}), new float[] {2, 3}));
            check(Arrays.equals(first.run(new float[] {1, 1}), new float[] {3, 4}));
            check(Arrays.equals(second.run(new float[] {0, 0}), new float[] {1, 2}));
            first.reset();
            check(Arrays.equals(first.run(new float[] {5, 5}), new float[] {6, 7}));
        }
    }

    private void followsDimensions() {
        try (Model model = open("dynamic");
                Context context = model.createContext()) {
            fails(IllegalArgumentException.class, () -> context.run(new float[32]));
            context.setDimension("m", 1);
            context.setDimension("n", 3);
            ByteBuffer[] inputs = new ByteBuffer[3];
            ByteBuffer[] outputs = new ByteBuffer[2];
            inputs[0] = direct(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
            inputs[1] = direct(new float[] {1, 1, 1, 1});
            check(model.input(2).name.equals("half") && model.output(0).name.equals("z"));
            refused(ARGUMENT, () -> context.run(new ByteBuffer[] {direct(32), direct(32), direct(8)},
                    new ByteBuffer[] {direct(32), direct(8)}));
            inputs[2] = direct(HALF);
            outputs[0] = direct(12);
            outputs[1] = direct(HALF.length);
            context.run(inputs, outputs);
            check(floats(outputs[0])[11] == 13.0f);
            check(Arrays.equals(floats(outputs[1]), new float[] {0, 2}));
            refused(NOT_FOUND, () -> context.setDimension("none", 1));
            refused(DIMENSION, () -> context.setDimension("n", 9));
        }
    }

    /** As many as the expression of dynamic.json gives for n = 3. */
    private static final float[] HALF = {-1, 2};

    private void refusesAfterClose() {
        Model model = open("digits_float");
        Context context = model.createContext();
        context.close();
        context.close();
        fails(IllegalStateException.class, () -> context.run(image(0)));
        fails(IllegalStateException.class, () -> context.run(direct(64), direct(64)));
        fails(IllegalStateException.class, context::reset);
        fails(IllegalStateException.class, () -> context.setDimension("n", 1));
        model.close();
        model.close();
        fails(IllegalStateException.class, model::createContext);
        fails(IllegalStateException.class, model::inputCount);
        fails(IllegalStateException.class, () -> model.output(0));
    }

    private void outlivesItsModel() {
        Model model = open("digits_float");
        Context context = model.createContext();
        model.close();
        System.gc();
        check(Arrays.equals(context.run(image(5)), expected(image(5))));
        context.close();
        fails(IllegalStateException.class, () -> context.run(image(5)));
    }

    private static void inThreads(Callable<Void> first, Callable<Void> second) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        for (Future<Void> future : threads.invokeAll(Arrays.asList(first, second))) {
            future.get();
        }
        threads.shutdown();
    }

    private static Void runMany(Context context, int seed) {
        for (int i = 0; i < 500; ++i) {
            float[] image = image(seed + i);
            check(Arrays.equals(context.run(image), expected(image)));
        }
        return null;
    }

    private void runsInThreads() throws Exception {
        try (Model model = open("digits_float");
                Context first = model.createContext();
                Context second = model.createContext()) {
            inThreads(() -> runMany(first, 0), () -> runMany(second, 7));
        }
    }

    private void sharesOneContext() throws Exception {
        try (Model model = open("digits_float");
                Context context = model.createContext()) {
            inThreads(() -> runMany(context, 0), () -> runMany(context, 7));
        }
    }

    private void runsInt8() throws Exception {
        byte[] given = Files.readAllBytes(folder.resolve("input.bin"));
        byte[] wanted = Files.readAllBytes(folder.resolve("output.bin"));
        try (Model model = open("digits_int8");
                Context context = model.createContext()) {
            ByteBuffer input = ByteBuffer.allocateDirect(given.length);
            input.put(given);
            input.rewind();
            ByteBuffer output = ByteBuffer.allocateDirect(wanted.length);
            context.run(input, output);
            byte[] found = new byte[wanted.length];
            output.get(found);
            check(Arrays.equals(found, wanted));

            TensorInfo to = model.input(0);
            TensorInfo from = model.output(0);
            if (to.type.equals("int8") && from.type.equals("int8")) {
                float[] values = new float[given.length];
                for (int i = 0; i < values.length; ++i) {
                    values[i] = to.scale * (given[i] - to.zeroPoint);
                }
                float[] scores = context.run(values);
                for (int i = 0; i < scores.length; ++i) {
                    check(scores[i] == from.scale * (wanted[i] - from.zeroPoint));
                }
                Arrays.fill(values, Float.POSITIVE_INFINITY);
                values[1] = Float.NaN;
                check(context.run(values).length == wanted.length);
            }
        }
    }

    private interface Action {
        void run() throws Exception;
    }

    private static <T extends Exception> T fails(Class<T> type, Action action) {
        try {
            action.run();
        } catch (Exception exception) {
            if (type.isInstance(exception)) {
                return type.cast(exception);
            }
            throw new AssertionError("expected " + type.getName(), exception);
        }
        throw new AssertionError("expected " + type.getName());
    }

    /** Expects a SamaraException of a status, any when it is -1. */
    private static SamaraException refused(int status, Action action) {
        SamaraException exception = fails(SamaraException.class, action);
        if (status >= 0 && exception.status() != status) {
            throw new AssertionError("expected status " + status + ", not " + exception.status(), exception);
        }
        return exception;
    }

    private static void check(boolean right) {
        if (!right) {
            throw new AssertionError();
        }
    }
}
