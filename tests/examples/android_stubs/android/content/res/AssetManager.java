package android.content.res;

import java.io.IOException;

/** What MainActivity uses of the class of this name. */
public final class AssetManager {
    public AssetFileDescriptor openFd(String name) throws IOException {
        throw new UnsupportedOperationException();
    }
}
