package android.os;

/** Stands for the class of this name. */
public final class Bundle {}
