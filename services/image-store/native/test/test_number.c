/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tap.h"
#include "tar_parts.h"

static bool field_is(const char *bytes, size_t size, int64_t expected)
{
	int64_t value = 0;

	return tar_field_number((const uint8_t *)bytes, size, &value) && value == expected;
}

static bool field_fails(const char *bytes, size_t size)
{
	int64_t value;

	return !tar_field_number((const uint8_t *)bytes, size, &value);
}

static bool time_is(const char *text, int64_t seconds, long nanoseconds)
{
	struct timespec time;

	return tar_time(text, strlen(text), &time) && time.tv_sec == seconds && time.tv_nsec == nanoseconds;
}

static bool time_fails(const char *text)
{
	struct timespec time;

	return !tar_time(text, strlen(text), &time);
}

int main(void)
{
	uint64_t number;

	ok(field_is("0000644\0", 8, 0644), "reads a terminated octal number");
	ok(field_is("  644 \0 ", 8, 0644), "reads an octal number between spaces");
	ok(field_is("77777777", 8, 077777777), "reads an octal number that fills its field");
	ok(field_is("\0\0\0\0\0\0\0\0", 8, 0), "reads an empty field as zero");
	ok(field_fails("0000648\0", 8), "refuses a digit that is not octal");
	ok(field_fails("-000644\0", 8), "refuses a sign");
	ok(field_fails("06 44\0\0\0", 8), "refuses digits after the end of a number");
	ok(field_is("\x80\0\0\0\0\0\1\0", 8, 256), "reads a base-256 number");
	ok(field_is("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12, INT64_MAX), "reads the largest base-256 number");
	ok(field_is("\xff\xff\xff\xff\xff\xff\xff\xff", 8, -1), "reads a negative base-256 number");
	ok(field_is("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", 12, INT64_MIN), "reads the smallest base-256 number");
	ok(field_fails("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12), "refuses a base-256 number beyond 63 bits");
	ok(field_fails("\x80\0\0\1\0\0\0\0\0\0\0\0", 12), "refuses a base-256 number beyond 64 bits");
	ok(field_fails("\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 12), "refuses a negative number beyond 64 bits");

	ok(tar_decimal("18446744073709551615", 20, &number) && number == UINT64_MAX, "reads the largest decimal number");
	ok(!tar_decimal("18446744073709551616", 20, &number), "refuses a decimal number beyond 64 bits");
	ok(!tar_decimal("", 0, &number) && !tar_decimal("+1", 2, &number) && !tar_decimal("1 ", 2, &number),
	   "refuses what is not only digits");

	ok(time_is("1700000000", 1700000000, 0), "reads a time in seconds");
	ok(time_is("1700000000.123456789", 1700000000, 123456789), "reads a time with nanoseconds");
	ok(time_is("1.5", 1, 500000000) && time_is("1.0000000019", 1, 1), "reads fractions shorter and longer than nanoseconds");
	ok(time_is("-1.25", -2, 750000000) && time_is("-1", -1, 0), "reads times before 1970");
	ok(time_is("99999999999999999999999", INT64_MAX - 1, 0), "saturates a time beyond 64 bits");
	ok(time_is("1.", 1, 0), "reads a time that ends in a point");
	ok(time_fails("") && time_fails(".5") && time_fails("1e9") && time_fails("1.-5") && time_fails("--1"),
	   "refuses malformed times");
	return tap_end();
}
