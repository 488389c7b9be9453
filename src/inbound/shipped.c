/* The shipped rules, carried in the program: conf/bounce.rules as it was when it was built. */
#include "internal.h"

__asm__(".section .rodata\n"
	".global optgate_shipped_rules\n"
	".global optgate_shipped_rules_end\n"
	"optgate_shipped_rules:\n"
	".incbin \"conf/bounce.rules\"\n"
	"optgate_shipped_rules_end:\n"
	".byte 0\n"
	".text\n");

extern const char optgate_shipped_rules[], optgate_shipped_rules_end[];

struct view shipped_rules(void)
{
	/* Both ends of one run of bytes: the assembler's word. */
	// cppcheck-suppress comparePointers
	return view_n(optgate_shipped_rules, (size_t)(optgate_shipped_rules_end - optgate_shipped_rules));
}
