package android.view;

import android.content.Context;

/** Stands for the class of this name. */
public class View {
    public View(Context context) {}
}
