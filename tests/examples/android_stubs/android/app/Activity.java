package android.app;

import android.content.Context;
import android.os.Bundle;
import android.view.View;

/** What MainActivity uses of the class of this name. */
public class Activity extends Context {
    protected void onCreate(Bundle state) {}

    public void setContentView(View view) {}
}
