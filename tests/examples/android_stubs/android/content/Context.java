package android.content;

import android.content.res.AssetManager;

/** What MainActivity uses of the class of this name. */
public abstract class Context {
    public AssetManager getAssets() {
        throw new UnsupportedOperationException();
    }
}
