/* One step as bytes:   kind 1 | person 16 | scope id 8 | at, seconds 4 | print 4 | zero 3 | CRC-32C of these 4   (big-endian)
 * All of one size: after whatever was torn the next begins where it must. */
#include "base/be.h"
#include "base/codec.h"
#include "sent_internal.h"

#define CHECKED (STEP_BYTES - 4)

void step_write(const struct step *r, uint8_t dst[STEP_BYTES])
{
	memset(dst, 0, STEP_BYTES);
	dst[0] = (uint8_t)r->kind;
	memcpy(dst + 1, r->who.b, PERSON_KEY_BYTES);
	memcpy(dst + 17, r->scope, SCOPE_ID_BYTES);
	be_put(dst + 25, r->entry.at_s, 4);
	be_put(dst + 29, r->entry.print, 4);
	be_put(dst + CHECKED, crc32c(0, dst, CHECKED), 4);
}

bool step_read(const uint8_t src[STEP_BYTES], struct step *ret)
{
	if (be_get(src + CHECKED, 4) != crc32c(0, src, CHECKED) || src[0] < STEP_TAKE || src[0] > STEP_GIVE_BACK)
		return false;
	ret->kind = (enum step_kind)src[0];
	memcpy(ret->who.b, src + 1, PERSON_KEY_BYTES);
	memcpy(ret->scope, src + 17, SCOPE_ID_BYTES);
	ret->entry = (struct sent_entry){(uint32_t)be_get(src + 25, 4), (uint32_t)be_get(src + 29, 4)};
	return true;
}
