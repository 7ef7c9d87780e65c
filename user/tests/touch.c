/*
 * touch: one page in use all the time, beside memory that is used often and memory that is not.
 *
 * A step takes the next page of the cold region, in a circle, and the next WARM_PER_STEP pages of
 * the warm one. After each of these accesses it touches one page of another mapping: whoever traces
 * it knows that this page, as long as it is mapped, was used between any two faults, and may ask
 * whether each look at it noticed. Prints where the page is. Exit status: 0; 1 when a count in memory is wrong in the end;
 * 2 for a wrong command line.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/print.h"
#include "../workloads/options.h"

#define PAGE          4096ul
#define WARM_PER_STEP 8ul

/* Pages that are visited one after the other, in a circle; the first word of each counts its
 * visits. */
struct circle {
	volatile uint64_t *base;
	uint64_t nr_pages;
	uint64_t nr_visits;
};

static struct circle circle_map(uint64_t size)
{
	struct circle circle = {.nr_pages = (size + PAGE - 1) / PAGE};

	circle.base = mmap(NULL, circle.nr_pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (circle.base == MAP_FAILED) {
		print("touch: cannot map %llu bytes\n", (unsigned long long)size);
		_exit(1);
	}
	return circle;
}

static volatile uint64_t *count_of(const struct circle *circle, uint64_t page)
{
	return &circle->base[page * (PAGE / sizeof(*circle->base))];
}

static void visit_next(struct circle *circle)
{
	++*count_of(circle, circle->nr_visits++ % circle->nr_pages);
}

static uint64_t count_wrong(const struct circle *circle)
{
	uint64_t rounds = circle->nr_visits / circle->nr_pages;
	uint64_t further = circle->nr_visits % circle->nr_pages, nr_wrong = 0;

	for (uint64_t page = 0; page < circle->nr_pages; page++)
		nr_wrong += *count_of(circle, page) != rounds + (page < further);
	return nr_wrong;
}

int main(int argc, char **argv)
{
	uint64_t cold_size = 12u << 20, warm_size = 8u << 20, steps = 10000;
	const struct option options[] = {
		{"--cold", OPTION_SIZE, &cold_size, PAGE, UINT64_C(1) << 40},
		{"--warm", OPTION_SIZE, &warm_size, PAGE, UINT64_C(1) << 40},
		{"--steps", OPTION_NUMBER, &steps, 1, UINT64_MAX >> 8},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	struct circle touched = circle_map(PAGE);
	struct circle warm = circle_map(warm_size), cold = circle_map(cold_size);

	print("touch.page %#llx address\n", (unsigned long long)(uintptr_t)touched.base);
	for (uint64_t step = 0; step < steps; step++) {
		visit_next(&cold);
		visit_next(&touched);
		for (uint64_t i = 0; i < WARM_PER_STEP; i++) {
			visit_next(&warm);
			visit_next(&touched);
		}
	}

	uint64_t nr_wrong = count_wrong(&touched);
	munmap((void *)touched.base, PAGE); /* it ends with its use */
	nr_wrong += count_wrong(&warm) + count_wrong(&cold);
	print("touch.wrong %llu pages\n", (unsigned long long)nr_wrong);
	return nr_wrong != 0;
}
