/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

static size_t several(const unsigned char *text)
{
	size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;

	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

size_t utf8_sequence(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;

	return bytes[0] < 0x80 ? 1 : several(bytes);
}

bool utf8_valid(const char *text)
{
	while (*text != '\0') {
		size_t length = utf8_sequence(text);

		if (length == 0)
			return false;
		text += length;
	}
	return true;
}
