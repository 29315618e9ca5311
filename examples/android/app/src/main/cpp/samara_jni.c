/* The native methods of org.samara.Native: samara.h for Java.
 *
 * Texts pass as UTF-8 in byte arrays, those from Java with a zero at the end, because Java's own native
 * strings are in another encoding. Addresses and sizes of buffers are checked here once more; the life of
 * handles is the business of Model and Context. */
#include <jni.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "samara.h"

#define METHOD(type, name) JNIEXPORT type JNICALL Java_org_samara_Native_##name
#define CHUNK              256

/* The byte array with a text in it; null when Java is out of memory, with its exception. */
static jbyteArray to_bytes(JNIEnv *env, const char *text) {
    const jsize length = (jsize)strlen(text);
    const jbyteArray bytes = (*env)->NewByteArray(env, length);
    if (bytes != NULL) {
        (*env)->SetByteArrayRegion(env, bytes, 0, length, (const jbyte *)text);
    }
    return bytes;
}

/* Throws a SamaraException, unless an exception is on its way. */
static void throw_error(JNIEnv *env, smr_status status, const char *message) {
    jbyteArray text;
    jclass type;
    jmethodID make;
    jobject exception;
    if ((*env)->ExceptionCheck(env)) {
        return;
    }
    type = (*env)->FindClass(env, "org/samara/SamaraException");
    make = type != NULL ? (*env)->GetMethodID(env, type, "<init>", "(I[B)V") : NULL;
    text = make != NULL ? to_bytes(env, message) : NULL;
    exception = text != NULL ? (*env)->NewObject(env, type, make, (jint)status, text) : NULL;
    if (exception != NULL) {
        (*env)->Throw(env, (jthrowable)exception);
    }
}

/* Whether a call went well; if not, its error is thrown. */
static int check(JNIEnv *env, smr_status status, const smr_error *error) {
    if (status != SMR_OK) {
        throw_error(env, status, error->message);
    }
    return status == SMR_OK;
}

static const smr_model *as_model(jlong handle) {
    return (const smr_model *)(intptr_t)handle;
}

static smr_context *as_context(jlong handle) {
    return (smr_context *)(intptr_t)handle;
}

/* The address of a direct buffer's bytes [offset, offset + size); null, with an exception, when they are not
 * there. */
static void *address_of(JNIEnv *env, jobject buffer, jint offset, jint size) {
    char *data = buffer != NULL ? (*env)->GetDirectBufferAddress(env, buffer) : NULL;
    if (data == NULL || offset < 0 || size < 0 ||
        (jlong)offset + size > (*env)->GetDirectBufferCapacity(env, buffer)) {
        throw_error(env, SMR_ERROR_ARGUMENT, "the buffer is not direct, or too small");
        return NULL;
    }
    return data + offset;
}

METHOD(jint, misalignment)(JNIEnv *env, jclass type, jobject buffer, jint offset) {
    const void *data = address_of(env, buffer, offset, 0);
    (void)type;
    return (jint)((uintptr_t)data % 16);
}

METHOD(jlong, openModel)(JNIEnv *env, jclass type, jbyteArray path) {
    jbyte *text = (*env)->GetByteArrayElements(env, path, NULL);
    smr_model *model = NULL;
    smr_error error;
    (void)type;
    if (text != NULL) {
        const smr_status status = smr_model_open((const char *)text, NULL, &model, &error);
        (*env)->ReleaseByteArrayElements(env, path, text, JNI_ABORT);
        (void)check(env, status, &error);
    }
    return (jlong)(intptr_t)model;
}

METHOD(jlong, loadModel)(JNIEnv *env, jclass type, jobject buffer, jint offset, jint size) {
    const void *data = address_of(env, buffer, offset, size);
    smr_model *model = NULL;
    smr_error error;
    (void)type;
    if (data != NULL) {
        (void)check(env, smr_model_load(data, (size_t)size, NULL, &model, &error), &error);
    }
    return (jlong)(intptr_t)model;
}

METHOD(void, freeModel)(JNIEnv *env, jclass type, jlong model) {
    (void)env;
    (void)type;
    smr_model_free((smr_model *)(intptr_t)model);
}

/* The number of inputs or outputs of the first signature. */
METHOD(jint, count)(JNIEnv *env, jclass type, jlong model, jboolean output) {
    smr_signature_info info;
    smr_error error;
    (void)type;
    if (!check(env, smr_model_signature(as_model(model), 0, &info, &error), &error)) {
        return 0;
    }
    return output ? info.output_count : info.input_count;
}

/* The name of an input or output; `numbers` is set to dtype, zero point, rank and dimensions, `scale` to the
 * scale. */
METHOD(jbyteArray, describe)
(JNIEnv *env, jclass type, jlong model, jboolean output, jint index, jintArray numbers, jfloatArray scale) {
    smr_tensor tensor;
    smr_error error;
    jint values[3 + SMR_MAX_RANK] = {0};
    int32_t i;
    (void)type;
    if (!check(env,
               output ? smr_model_output(as_model(model), 0, index, &tensor, &error)
                      : smr_model_input(as_model(model), 0, index, &tensor, &error),
               &error)) {
        return NULL;
    }
    values[0] = (jint)tensor.dtype;
    values[1] = tensor.zero_point;
    values[2] = tensor.rank;
    for (i = 0; i < tensor.rank; ++i) {
        values[3 + i] = tensor.dims[i];
    }
    (*env)->SetIntArrayRegion(env, numbers, 0, 3 + SMR_MAX_RANK, values);
    (*env)->SetFloatArrayRegion(env, scale, 0, 1, &tensor.scale);
    return to_bytes(env, tensor.name);
}

METHOD(jlong, createContext)(JNIEnv *env, jclass type, jlong model) {
    smr_context *context = NULL;
    smr_error error;
    (void)type;
    (void)check(env, smr_context_create(as_model(model), NULL, NULL, 0, &context, &error), &error);
    return (jlong)(intptr_t)context;
}

METHOD(void, freeContext)(JNIEnv *env, jclass type, jlong context) {
    (void)env;
    (void)type;
    smr_context_free(as_context(context));
}

METHOD(void, reset)(JNIEnv *env, jclass type, jlong context) {
    (void)env;
    (void)type;
    smr_context_reset(as_context(context));
}

METHOD(void, setDimension)(JNIEnv *env, jclass type, jlong context, jbyteArray name, jint value) {
    jbyte *text = (*env)->GetByteArrayElements(env, name, NULL);
    smr_error error;
    (void)type;
    if (text != NULL) {
        const smr_status status =
            smr_context_set_dimension(as_context(context), (const char *)text, value, &error);
        (*env)->ReleaseByteArrayElements(env, name, text, JNI_ABORT);
        (void)check(env, status, &error);
    }
}

/* An input or output of the context; 0, with an exception, when it is not there. */
static int find_tensor(JNIEnv *env, jlong context, int output, jint index, smr_tensor *tensor) {
    smr_error error;
    return check(env,
                 output ? smr_context_output(as_context(context), 0, index, tensor, &error)
                        : smr_context_input(as_context(context), 0, index, tensor, &error),
                 &error);
}

/* Throws what a caller reads who gave `found` of what `tensor` has `expected` of. */
static void throw_size(JNIEnv *env, const smr_tensor *tensor, long long found, size_t expected,
                       const char *unit) {
    smr_error error;
    (void)snprintf(error.message, sizeof error.message, "%.100s has %zu %s, not %lld", tensor->name, expected,
                   unit, found);
    throw_error(env, SMR_ERROR_ARGUMENT, error.message);
}

METHOD(void, writeInput)(JNIEnv *env, jclass type, jlong context, jint index, jobject buffer, jint offset,
                         jint size) {
    const void *data = address_of(env, buffer, offset, size);
    smr_tensor tensor;
    (void)type;
    if (data == NULL || !find_tensor(env, context, 0, index, &tensor)) {
        return;
    }
    if ((size_t)size != tensor.bytes) {
        throw_size(env, &tensor, size, tensor.bytes, "bytes");
    } else if (size > 0) {
        memcpy(tensor.data, data, tensor.bytes);
    }
}

METHOD(void, readOutput)(JNIEnv *env, jclass type, jlong context, jint index, jobject buffer, jint offset,
                         jint size) {
    void *data = address_of(env, buffer, offset, size);
    smr_tensor tensor;
    (void)type;
    if (data == NULL || !find_tensor(env, context, 1, index, &tensor)) {
        return;
    }
    if ((size_t)size != tensor.bytes) {
        throw_size(env, &tensor, size, tensor.bytes, "bytes");
    } else if (size > 0) {
        memcpy(data, tensor.data, tensor.bytes);
    }
}

/* Whether elements can be told as floats; if not, an exception says so. */
static int has_values(JNIEnv *env, const smr_tensor *tensor) {
    const int byte = tensor->dtype == SMR_DTYPE_INT8 || tensor->dtype == SMR_DTYPE_UINT8;
    if (tensor->dtype == SMR_DTYPE_FLOAT32 || (byte && tensor->scale > 0.0f)) {
        return 1;
    }
    throw_error(env, SMR_ERROR_ARGUMENT,
                "floats are for float32 and for quantized int8 and uint8; use buffers");
    return 0;
}

/* The nearest integer that stands for a value, ties to even; NaN becomes the least. */
static float quantize(const smr_tensor *tensor, float value) {
    const float low = tensor->dtype == SMR_DTYPE_INT8 ? -128.0f : 0.0f, high = low + 255.0f;
    const float q = rintf(value / tensor->scale) + (float)tensor->zero_point;
    return q > high ? high : q > low ? q : low;
}

METHOD(void, writeFloats)(JNIEnv *env, jclass type, jlong context, jint index, jfloatArray data) {
    const jsize length = (*env)->GetArrayLength(env, data);
    float values[CHUNK];
    smr_tensor tensor;
    jsize start, i;
    (void)type;
    if (!find_tensor(env, context, 0, index, &tensor) || !has_values(env, &tensor)) {
        return;
    }
    if ((size_t)length != tensor.bytes / smr_dtype_size(tensor.dtype)) {
        throw_size(env, &tensor, length, tensor.bytes / smr_dtype_size(tensor.dtype), "elements");
        return;
    }
    if (tensor.dtype == SMR_DTYPE_FLOAT32) {
        (*env)->GetFloatArrayRegion(env, data, 0, length, tensor.data);
        return;
    }
    for (start = 0; start < length; start += CHUNK) {
        const jsize count = length - start < CHUNK ? length - start : CHUNK;
        (*env)->GetFloatArrayRegion(env, data, start, count, values);
        for (i = 0; i < count; ++i) {
            const float q = quantize(&tensor, values[i]);
            if (tensor.dtype == SMR_DTYPE_INT8) {
                ((int8_t *)tensor.data)[start + i] = (int8_t)q;
            } else {
                ((uint8_t *)tensor.data)[start + i] = (uint8_t)q;
            }
        }
    }
}

METHOD(jfloatArray, readFloats)(JNIEnv *env, jclass type, jlong context, jint index) {
    float values[CHUNK];
    smr_tensor tensor;
    jfloatArray result;
    jsize length, start, i;
    (void)type;
    if (!find_tensor(env, context, 1, index, &tensor) || !has_values(env, &tensor)) {
        return NULL;
    }
    length = (jsize)(tensor.bytes / smr_dtype_size(tensor.dtype));
    result = (*env)->NewFloatArray(env, length);
    if (result == NULL) {
        return NULL;
    }
    if (tensor.dtype == SMR_DTYPE_FLOAT32) {
        (*env)->SetFloatArrayRegion(env, result, 0, length, tensor.data);
        return result;
    }
    for (start = 0; start < length; start += CHUNK) {
        const jsize count = length - start < CHUNK ? length - start : CHUNK;
        for (i = 0; i < count; ++i) {
            const int value = tensor.dtype == SMR_DTYPE_INT8 ? ((const int8_t *)tensor.data)[start + i]
                                                             : ((const uint8_t *)tensor.data)[start + i];
            values[i] = tensor.scale * (float)(value - tensor.zero_point);
        }
        (*env)->SetFloatArrayRegion(env, result, start, count, values);
    }
    return result;
}

METHOD(void, run)(JNIEnv *env, jclass type, jlong context) {
    smr_error error;
    (void)type;
    (void)check(env, smr_run(as_context(context), 0, &error), &error);
}
