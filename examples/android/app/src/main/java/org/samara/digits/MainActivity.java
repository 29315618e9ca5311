package org.samara.digits;

import android.app.Activity;
import android.content.res.AssetFileDescriptor;
import android.os.Bundle;
import android.widget.TextView;

import org.samara.Context;
import org.samara.Model;
import org.samara.SamaraException;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;

/** Classifies a digit with the model digits.smr of the assets, and shows what it saw and how long it took. */
public final class MainActivity extends Activity {
    private static final String MODEL = "digits.smr";
    private static final int RUNS = 100;

    /** The digit, 8 x 8: ink is #, paper is a point. */
    private static final String IMAGE =
            ".######."
                    + ".....##."
                    + "....##.."
                    + "...####."
                    + "...##..."
                    + "..##...."
                    + "..##...."
                    + "..##....";

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView view = new TextView(this);
        view.setTextSize(24);
        view.setText(describe());
        setContentView(view);
    }

    private String describe() {
        try (Model model = Model.load(map(MODEL));
                Context context = model.createContext()) {
            float[] scores = context.run(image());
            int best = 0;
            for (int i = 1; i < scores.length; ++i) {
                best = scores[i] > scores[best] ? i : best;
            }
            return String.format("This is a %d (%.3f), in %d us.", best, scores[best], microseconds(context));
        } catch (IOException | SamaraException exception) {
            return exception.getMessage();
        }
    }

    /** The median time of a run. */
    private static long microseconds(Context context) {
        float[] image = image();
        long[] times = new long[RUNS];
        for (int i = 0; i < RUNS; ++i) {
            long start = System.nanoTime();
            context.run(image);
            times[i] = System.nanoTime() - start;
        }
        Arrays.sort(times);
        return times[RUNS / 2] / 1000;
    }

    private static float[] image() {
        float[] values = new float[IMAGE.length()];
        for (int i = 0; i < values.length; ++i) {
            values[i] = IMAGE.charAt(i) == '#' ? 1.0f : 0.0f;
        }
        return values;
    }

    /** Maps an asset; it must lie in the package uncompressed, as app/build.gradle asks. */
    private MappedByteBuffer map(String asset) throws IOException {
        try (AssetFileDescriptor descriptor = getAssets().openFd(asset);
                FileInputStream stream = new FileInputStream(descriptor.getFileDescriptor())) {
            return stream.getChannel()
                    .map(FileChannel.MapMode.READ_ONLY, descriptor.getStartOffset(), descriptor.getLength());
        }
    }
}
