/* Formatting messages, the same way everywhere and without stdio. */
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the text goes: what does not fit is dropped. */
typedef struct text_writer {
    char *text;
    size_t room; /* without the final zero */
    size_t size;
} text_writer;

/* One conversion of a format. */
typedef struct text_conversion {
    char kind;
    bool zero; /* pad with zeros */
    unsigned width;
    size_t precision;
    int length; /* bytes of an integer argument */
} text_conversion;

static void put_char(text_writer *writer, char c) {
    if (writer->size < writer->room) {
        writer->text[writer->size++] = c;
    }
}

static void put_string(text_writer *writer, const char *string, size_t limit) {
    size_t i;
    for (i = 0; i < limit && string[i] != '\0'; ++i) {
        put_char(writer, string[i]);
    }
}

static void put_integer(text_writer *writer, uint64_t value, bool negative, unsigned base, unsigned width,
                        bool zero) {
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    for (; !zero && width > count + negative; --width) {
        put_char(writer, ' ');
    }
    if (negative) {
        put_char(writer, '-');
    }
    for (; zero && width > count + negative; --width) {
        put_char(writer, '0');
    }
    while (count > 0) {
        put_char(writer, digits[--count]);
    }
}

/* The six digits of a number, of which `whole` come before the point, without zeros at the end. */
static void put_digits(text_writer *writer, uint32_t digits, int whole) {
    uint32_t unit = 100000;
    int i;
    for (i = whole; i <= 0; ++i) {
        put_string(writer, i == whole ? "0." : "0", 2);
    }
    for (i = 0; i < whole || digits > 0; ++i) {
        if (i == whole && whole > 0) {
            put_char(writer, '.');
        }
        put_char(writer, (char)('0' + (unit > 0 ? digits / unit : 0)));
        digits = unit > 0 ? digits % unit : 0;
        unit /= 10;
    }
}

/* As %g: six significant digits, in scientific notation when the exponent is less than -4 or more than 5. */
static void put_real(text_writer *writer, double value) {
    int exponent = 0;
    uint32_t digits;
    if (value < 0.0) {
        put_char(writer, '-');
        value = -value;
    }
    if (!(value <= 1.7976931348623157e308)) {
        put_string(writer, value > 0.0 ? "inf" : "nan", 3);
        return;
    }
    if (value == 0.0) {
        put_char(writer, '0');
        return;
    }
    while (value >= 10.0) {
        value /= 10.0;
        ++exponent;
    }
    while (value < 1.0) {
        value *= 10.0;
        --exponent;
    }
    digits = (uint32_t)(value * 100000.0 + 0.5);
    if (digits >= 1000000) {
        digits /= 10;
        ++exponent;
    }
    if (exponent >= -4 && exponent <= 5) {
        put_digits(writer, digits, exponent + 1);
    } else {
        put_digits(writer, digits, 1);
        put_string(writer, exponent < 0 ? "e-" : "e+", 2);
        put_integer(writer, (uint64_t)(exponent < 0 ? -exponent : exponent), false, 10, 2, true);
    }
}

/* Reads what follows a per cent sign, and returns what follows that. */
static const char *read_conversion(const char *format, text_conversion *conversion) {
    conversion->zero = *format == '0';
    conversion->width = 0;
    conversion->precision = SIZE_MAX;
    conversion->length = (int)sizeof(int);
    for (; *format >= '0' && *format <= '9'; ++format) {
        conversion->width = conversion->width % 100 * 10 + (unsigned)(*format - '0');
    }
    if (*format == '.') {
        conversion->precision = 0;
        for (++format; *format >= '0' && *format <= '9'; ++format) {
            conversion->precision = conversion->precision % 1000 * 10 + (size_t)(*format - '0');
        }
    }
    for (; *format == 'h'; ++format) {
        conversion->length = (int)sizeof(int);
    }
    if (*format == 'z' || *format == 't') {
        conversion->length = (int)sizeof(size_t);
        ++format;
    } else if (format[0] == 'l' && format[1] == 'l') {
        conversion->length = (int)sizeof(long long);
        format += 2;
    } else if (*format == 'l') {
        conversion->length = (int)sizeof(long);
        ++format;
    }
    conversion->kind = *format;
    return *format == '\0' ? format : format + 1;
}

size_t smr_text_format(char *text, size_t room, const char *format, va_list arguments) {
    text_writer writer = {text, room - 1, 0};
    text_conversion conversion = {0};
    bool understood = true;
    while (*format != '\0' && understood) {
        if (*format != '%') {
            put_char(&writer, *format++);
            continue;
        }
        format = read_conversion(format + 1, &conversion);
        if (conversion.kind == '%') {
            put_char(&writer, '%');
        } else if (conversion.kind == 'c') {
            put_char(&writer, (char)va_arg(arguments, int));
        } else if (conversion.kind == 's') {
            put_string(&writer, va_arg(arguments, const char *), conversion.precision);
        } else if (conversion.kind == 'g') {
            put_real(&writer, va_arg(arguments, double));
        } else if (conversion.kind == 'd' || conversion.kind == 'i') {
            const int64_t value =
                conversion.length == 8 ? va_arg(arguments, int64_t) : va_arg(arguments, int32_t);
            put_integer(&writer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0, 10,
                        conversion.width, conversion.zero);
        } else if (conversion.kind == 'u' || conversion.kind == 'x') {
            const uint64_t value =
                conversion.length == 8 ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t);
            put_integer(&writer, value, false, conversion.kind == 'x' ? 16 : 10, conversion.width,
                        conversion.zero);
        } else {
            understood = false;
        }
    }
    text[writer.size] = '\0';
    return writer.size;
}
