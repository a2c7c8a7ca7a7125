/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tar_parts.h"

/* Two's complement, big endian; the first bit only marks the format and the second is the sign. */
static bool base_256(const uint8_t *field, size_t size, int64_t *value)
{
	bool negative = (field[0] & 0x40) != 0;
	uint64_t number = negative ? ~0ull : 0;

	for (size_t i = 0; i < size; i++) {
		uint8_t byte = field[i];

		if (i == 0)
			byte = negative ? byte | 0x80 : byte & 0x7f;
		/* The byte that falls out at the top must be nothing but sign. */
		if (number >> 56 != (negative ? 0xffu : 0u))
			return false;
		number = number << 8 | byte;
	}
	*value = (int64_t)number;
	return negative == (*value < 0);
}

bool tar_field_number(const uint8_t *field, size_t size, int64_t *value)
{
	uint64_t number = 0;
	size_t i = 0;

	if (field[0] & 0x80)
		return base_256(field, size, value);
	while (i < size && field[i] == ' ')
		i++;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		number = number << 3 | (uint64_t)(field[i] - '0');
	/* At most twelve digits of three bits: no overflow. What follows may only fill the field. */
	for (; i < size; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return false;
	*value = (int64_t)number;
	return true;
}

bool tar_decimal(const char *text, size_t length, uint64_t *value)
{
	uint64_t number = 0;

	if (length == 0)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number))
			return false;
	}
	*value = number;
	return true;
}

static bool all_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return length > 0;
}

static long nanoseconds(const char *digits, size_t length)
{
	long value = 0;

	for (size_t i = 0; i < 9; i++)
		value = value * 10 + (i < length ? digits[i] - '0' : 0);
	return value;
}

bool tar_time(const char *text, size_t length, struct timespec *time)
{
	bool negative = length > 0 && text[0] == '-';
	const char *start = text + (negative ? 1 : 0);
	size_t rest = length - (negative ? 1 : 0);
	const char *point = memchr(start, '.', rest);
	size_t whole = point ? (size_t)(point - start) : rest;
	size_t fraction = point ? rest - whole - 1 : 0;
	uint64_t seconds;

	if (!all_digits(start, whole) || (fraction > 0 && !all_digits(point + 1, fraction)))
		return false;
	if (!tar_decimal(start, whole, &seconds) || seconds > INT64_MAX - 1)
		seconds = INT64_MAX - 1;
	time->tv_sec = negative ? -(int64_t)seconds : (int64_t)seconds;
	time->tv_nsec = point ? nanoseconds(point + 1, fraction) : 0;
	if (negative && time->tv_nsec > 0) {
		time->tv_sec -= 1;
		time->tv_nsec = 1000000000L - time->tv_nsec;
	}
	return true;
}
