/* How the kernel is called, and calls: all that programs here have in place of a C library. */
#pragma once

#if defined(__x86_64__)

#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64

__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");

static inline long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall" : "=a"(result)
		: "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64

__asm__(".globl _start\n_start: mov x29, xzr\n mov x30, xzr\n mov x0, sp\n and sp, x0, #-16\n b begin\n");

static inline long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

#else
#error "How this processor calls the kernel is not written down"
#endif

/* The compiler calls it where it sees fit. */
void *memset(void *at, int value, size_t size)
{
	for (size_t n = 0; n < size; n++) ((volatile char *)at)[n] = (char)value;
	return at;
}

static inline size_t length(const char *text) { size_t n = 0; while (text[n]) n++; return n; }

static inline int equal(const char *a, const char *b)
{
	while (*a && *a == *b) a++, b++;
	return *a == *b;
}

static inline void say(const char *text) { call(__NR_write, 2, (long)text, length(text), 0, 0, 0); }

/* ---- Terminals and sockets -------------------------------------------------------------------------------------- */

#define TERMINAL_IS_ONE 0x5401	/* TCGETS */
#define TERMINAL_TAKE 0x540E	/* TIOCSCTTY */
#define TERMINAL_SIZE 0x5414	/* TIOCSWINSZ */
#define TERMINAL_LOCK 0x40045431	/* TIOCSPTLCK */
#define TERMINAL_PEER 0x5441	/* TIOCGPTPEER */

#define MESSAGE_NO_SIGNAL 0x4000
#define MESSAGE_NO_WAIT 0x40
#define MESSAGE_CLOSE_ON_EXEC 0x40000000

struct vector { const void *base; size_t length; };
struct message {
	void *name;
	uint32_t name_length;
	struct vector *vectors;
	size_t vector_count;
	void *control;
	size_t control_length;
	int flags;
};
