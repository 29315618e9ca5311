package org.samara;

import java.nio.charset.StandardCharsets;

/** What the C runtime refused, and why. */
public final class SamaraException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    SamaraException(int status, byte[] message) {
        super(new String(message, StandardCharsets.UTF_8));
        this.status = status;
    }

    /** The smr_status of samara.h: 1xx the caller, 2xx the model file, 3xx resources, 4xx execution. */
    public int status() {
        return status;
    }
}
