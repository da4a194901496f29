// SPDX-License-Identifier: Apache-2.0
/*
 * Explores every order in which contexts of one CPU can meet in bpf/batch.bpf.h.
 *
 * A context is one call of enqueue, flush or barrier on a stack of its own. Before each access to shared memory it
 * stops, and any other may go on or begin (`preempt`), or, as interrupts do, only one that began later and has not
 * ended (`nest`). The output may also fail. The search is depth-first over copies of memory and stacks; a state that was
 * met before is not searched again. Its key has all that the future depends on: memory, what each context has read so
 * far (its code is deterministic), and what the checks remember. Two states with the same 64-bit key would be taken for
 * one: with 10^7 states the odds are 1 in 3 * 10^5.
 *
 * Not explored: weak memory (one CPU sees its own accesses in order) and programs that migrate (they do not).
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "explore.h"

enum {
	CONTEXTS = 6, /* under way at the same time */
	STACK_BYTES = 8192,
	EVENTS_MAX = 16,
	DEPTH_MAX = 1024,
	SPARE_BYTES = 512, /* below a stopped context's frame, where its registers may be */
};

enum call {
	CALL_ENQUEUE,
	CALL_FLUSH,
	CALL_BARRIER,
	CALLS,
};

static const char *const call_names[] = {"enqueue", "flush", "barrier"};

/* How many of each there are to begin, and how many outputs may fail. */
struct budget {
	__u32 calls[CALLS];
	__u32 failures;
};

struct context {
	jmp_buf at;
	char *stack_used; /* from here to the end of its stack */
	bool active;
	bool began;   /* its first access has been made */
	bool outputs; /* stopped before an output, which may fail */
	bool fails;
	bool holds; /* `flushing` */
	enum call call;
	__u32 id;      /* of the event, or a running number */
	__u32 must;    /* barrier: events that had been enqueued when it began */
	__u64 history; /* of all it has read */
	const void *address;
	int result;
};

/* What the shared memory holds, and what the checks remember. Copied and compared as a whole. */
struct world {
	struct batch_state state;
	struct {
		struct batch_page head;
		struct model_event events[MODEL_CAP];
	} pages[BATCH_PAGES];
	struct counters counters;
	struct budget left;
	__u64 batches;		  /* received */
	__u32 started;		  /* events, by bit from here on */
	__u32 enqueued;		  /* returned 0 */
	__u32 refused;		  /* returned an error */
	__u32 delivered;	  /* received */
	__u32 before[EVENTS_MAX]; /* enqueued when this one began */
};

struct snapshot {
	struct world world;
	struct context contexts[CONTEXTS];
	char stacks[CONTEXTS][2048];
	__u32 stack_bytes[CONTEXTS];
};

struct step {
	__u32 context;
	char what[60];
};

static struct world world;
static struct context contexts[CONTEXTS];
static char stacks[CONTEXTS][STACK_BYTES] __attribute__((aligned(64)));
static struct context *current; /* NULL: the explorer itself calls the subject, uninterrupted */
static jmp_buf scheduler;
static bool nesting, deep;
static __u32 slots_bits; /* log2 of the states there is room for */

static struct snapshot *snapshots;
static struct step trace[DEPTH_MAX];
static __u32 depth, deepest;
static __u64 states;

static struct slot {
	__u64 key;
	double interleavings;
} * visited;

static void fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "batching with %d pages of %d: ", BATCH_PAGES, MODEL_CAP);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nafter:\n");
	for (__u32 i = 0; i < depth; i++)
		fprintf(stderr, "  %*s%s\n", (int)trace[i].context * 4, "", trace[i].what);
	fprintf(stderr, "open page %llu, %llu slots taken, tail %llu\n",
		world.state.cursor >> BATCH_SLOT_BITS, world.state.cursor & BATCH_SLOT_MASK,
		world.state.tail);
	exit(1);
}

static __u64 mix(__u64 hash, __u64 value)
{
	hash = ((hash ^ value) + 0x632be59bd9b4e019ull) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static __u64 mix_bytes(__u64 hash, const void *bytes, size_t size)
{
	const char *at = bytes;

	for (; size >= 8; size -= 8, at += 8)
		hash = mix(hash, load64(at));
	for (; size; size--, at++)
		hash = mix(hash, (unsigned char)*at);
	return hash;
}

static bool is_within(const void *address, const void *start, size_t size)
{
	return (const char *)address >= (const char *)start &&
	       (const char *)address < (const char *)start + size;
}

/*
 * Stops the running context; it goes on when the schedule says so. The first access of a call is not waited for: to
 * begin and then be interrupted is to begin later.
 */
static void stop_here(const void *address)
{
	struct context *self = current;

	if (address && !self->began) {
		self->began = true;
		return;
	}

	self->address = address;
	self->stack_used = (char *)__builtin_frame_address(0) - SPARE_BYTES;
	if (!_setjmp(self->at))
		_longjmp(scheduler, 1);
	self->address = NULL;
	self->history = mix(self->history, 0);
}

/*
 * What only the one that holds `flushing` touches, or writes, needs no stop: nobody else's step depends on it. That this
 * is so is checked.
 */
static bool is_holders_own(const void *address, bool writes)
{
	if (address == &world.state.tail) {
		if (writes && !current->holds)
			fail("tail was moved by a context that does not hold `flushing`");
		return current->holds && !writes;
	}
	for (int i = 0; i < BATCH_PAGES; i++) {
		const struct batch_page *head = &world.pages[i].head;

		if (address != &head->closed_len &&
		    !is_within(address, &head->batch, sizeof(head->batch)))
			continue;
		if (!current->holds)
			fail("the head of page %d was touched by a context that does not hold `flushing`",
			     i);
		return true;
	}
	return false;
}

/* Of the counters only `enqueued` is looked at by others meanwhile: it never falls behind what was flushed. */
static bool is_shared(const void *address)
{
	return is_within(address, &world.state, sizeof(world.state)) ||
	       is_within(address, world.pages, sizeof(world.pages)) ||
	       address == &world.counters.enqueued;
}

void explore_access(const void *address, __u32 bytes, bool writes)
{
	__u64 value = 0;

	if (!current || !is_shared(address))
		return;
	if (!is_holders_own(address, writes))
		stop_here(address);
	__builtin_memcpy(&value, address, bytes < 8 ? bytes : 8);
	current->history = mix(current->history, value);
	if (address == &world.state.flushing)
		current->holds = value == 0;
}

void *model_lookup(const void *map, __u32 index)
{
	if (map == subject_state)
		return &world.state;
	if (map == subject_counters)
		return &world.counters;
	return map == subject_pages ? &world.pages[index] : NULL;
}

void model_copy(void *to, const void *from, __u64 size)
{
	__u64 half = size / 2;

	__builtin_memcpy(to, from, half);
	if (current)
		stop_here(to);
	__builtin_memcpy((char *)to + half, (const char *)from + half, size - half);
}

static __u64 check_of(__u64 id)
{
	return ~id * 0xff51afd7ed558ccdull;
}

static void receive(const struct batch *batch, const struct model_event *events, __u64 size)
{
	if (batch->idx != world.batches++)
		fail("record %llu came where %llu was due", batch->idx, world.batches - 1);
	if (!batch->len || batch->len > MODEL_CAP ||
	    size != sizeof(*batch) + batch->len * sizeof(*events) ||
	    batch->event_size != sizeof(*events) || batch->protocol != PROTOCOL_HTTP)
		fail("a record of %llu bytes says that it has %u events of %u", size, batch->len,
		     batch->event_size);
	for (__u32 i = 0; i < batch->len; i++) {
		__u32 id = events[i].id, bit = 1u << (id % EVENTS_MAX);

		if (events[i].check != check_of(events[i].id) || !(world.started & bit))
			fail("slot %u of record %llu is torn", i, batch->idx);
		if (world.delivered & bit)
			fail("event %u came twice", id);
		if (world.before[id] & ~world.delivered)
			fail("event %u came before one that had been enqueued when it began", id);
		world.delivered |= bit;
	}
}

long model_output(const void *data, __u64 size)
{
	char copy[sizeof(struct batch) + sizeof(struct model_event) * MODEL_CAP];
	__u64 half = size / 2 / 8 * 8;

	if (size > sizeof(copy))
		fail("an output of %llu bytes is larger than a page", size);
	__builtin_memcpy(copy, data, half);
	if (current) {
		bool fails;

		current->outputs = true;
		stop_here(data);
		current->outputs = false;
		fails = current->fails;
		current->fails = false;
		current->history = mix(current->history, fails);
		if (fails)
			return -ENOSPC;
	}
	__builtin_memcpy(copy + half, (const char *)data + half, size - half);
	receive((const struct batch *)copy,
		(const struct model_event *)(copy + sizeof(struct batch)), size);
	return 0;
}

static int enqueue(__u32 id)
{
	struct model_event event = {.id = id, .check = check_of(id)};
	int result = subject_enqueue(&event);

	if (!result)
		world.enqueued |= 1u << id;
	else if (result == -ENOSPC || result == -EAGAIN)
		world.refused |= 1u << id;
	else
		fail("enqueue returned %d", result);
	return result;
}

static void check_barrier(const struct context *self)
{
	if (self->result == 0 && self->must & ~world.delivered)
		fail("a barrier returned 0 and left events behind that had been enqueued before it");
	if (self->result > 0)
		fail("a barrier returned %d", self->result);
}

/* What each stack runs for ever: parked, then one call. */
static void context_main(int index)
{
	struct context *self = &contexts[index];

	for (;;) {
		stop_here(NULL);
		switch (self->call) {
		case CALL_ENQUEUE:
			self->result = enqueue(self->id);
			break;
		case CALL_FLUSH:
			self->result = subject_flush();
			break;
		default:
			self->result = subject_barrier();
			check_barrier(self);
		}
		self->active = false;
		self->began = false;
		self->history = 0;
		self->must = 0;
	}
}

static void run(struct context *context)
{
	current = context;
	if (!_setjmp(scheduler))
		_longjmp(context->at, 1);
	current = NULL;
}

static void make_contexts(void)
{
	static ucontext_t made[CONTEXTS];

	for (int i = 0; i < CONTEXTS; i++) {
		getcontext(&made[i]);
		made[i].uc_stack.ss_sp = stacks[i];
		made[i].uc_stack.ss_size = STACK_BYTES;
		makecontext(&made[i], (void (*)(void))context_main, 1, i);
		current = &contexts[i];
		if (!_setjmp(scheduler))
			setcontext(&made[i]);
	}
	current = NULL;
}

static void save(struct snapshot *to)
{
	to->world = world;
	__builtin_memcpy(to->contexts, contexts, sizeof(contexts));
	for (int i = 0; i < CONTEXTS; i++) {
		__u32 bytes = stacks[i] + STACK_BYTES - contexts[i].stack_used;

		if (bytes > sizeof(to->stacks[i]))
			fail("a context needs %u bytes of stack", bytes);
		to->stack_bytes[i] = contexts[i].active ? bytes : 0;
		__builtin_memcpy(to->stacks[i], contexts[i].stack_used, to->stack_bytes[i]);
	}
}

/* parked: the stacks as they are while nothing runs on them. */
static void restore(const struct snapshot *from, const struct snapshot *parked)
{
	world = from->world;
	__builtin_memcpy(contexts, from->contexts, sizeof(contexts));
	for (int i = 0; i < CONTEXTS; i++) {
		const struct snapshot *source = from->stack_bytes[i] ? from : parked;

		__builtin_memcpy(contexts[i].stack_used, source->stacks[i], source->stack_bytes[i]);
	}
}

static __u64 key_of_state(void)
{
	__u64 key = mix_bytes(nesting, &world, sizeof(world));

	for (int i = 0; i < CONTEXTS; i++) {
		const struct context *context = &contexts[i];

		if (!context->active)
			continue;
		key = mix(key, i << 16 | context->call << 8 | context->id);
		key = mix(key, context->history);
		key = mix(key, context->must);
	}
	return key ?: 1;
}

/* The slot of a key, or the empty one where it belongs. */
static struct slot *find_slot(__u64 key)
{
	__u64 mask = (1ull << slots_bits) - 1;
	__u64 at = key & mask;

	while (visited[at].key && visited[at].key != key)
		at = (at + 1) & mask;
	return &visited[at];
}

static void check_always(void)
{
	__u64 open = world.state.cursor >> BATCH_SLOT_BITS,
	      slots = world.state.cursor & BATCH_SLOT_MASK;

	if (world.counters.flushed > world.counters.enqueued)
		fail("more was flushed (%llu) than enqueued (%llu)", world.counters.flushed,
		     world.counters.enqueued);
	if (slots > MODEL_CAP)
		fail("%llu slots are taken of %d", slots, MODEL_CAP);
	if (world.state.tail > open + 1 || open >= world.state.tail + BATCH_PAGES)
		fail("page %llu is open while page %llu has not been sent", open, world.state.tail);
	for (int i = 0; i < BATCH_PAGES; i++)
		if (world.pages[i].head.committed > MODEL_CAP)
			fail("page %d has %u events written", i, world.pages[i].head.committed);
}

/* Nobody is half-way: the ledger must balance, and one barrier must bring all that is left. */
static void check_quiescent(void)
{
	const struct counters *counters = &world.counters;
	__u64 dropped = counters->dropped[DROP_PAGES_FULL] + counters->dropped[DROP_CONTENDED];

	if (world.state.flushing)
		fail("`flushing` is held by nobody");
	if (counters->observed != counters->enqueued + dropped ||
	    counters->enqueued != (__u64)__builtin_popcount(world.enqueued) ||
	    dropped != (__u64)__builtin_popcount(world.refused) ||
	    world.started != (world.enqueued | world.refused))
		fail("the ledger does not balance: observed %llu, enqueued %llu, dropped %llu",
		     counters->observed, counters->enqueued, dropped);
	if (counters->flushed != (__u64)__builtin_popcount(world.delivered) ||
	    counters->batches != world.batches)
		fail("%d events came, the counter says %llu", __builtin_popcount(world.delivered),
		     counters->flushed);
	struct world before = world;
	int result = subject_barrier();
	if (result || world.delivered != world.enqueued)
		fail("when all was quiet, a barrier returned %d and left %d events behind", result,
		     __builtin_popcount(world.enqueued & ~world.delivered));
	if (counters->enqueued != counters->flushed)
		fail("after a barrier enqueued - flushed is not zero");
	world = before;
}

static const char *name_of(const void *address)
{
	static char text[40];

	if (!address)
		return "its end";
	if (address == &world.state.cursor)
		return "cursor";
	if (address == &world.state.tail)
		return "tail";
	if (address == &world.state.flushing)
		return "flushing";
	if (address == &world.counters.enqueued)
		return "the counter enqueued";
	for (int i = 0; i < BATCH_PAGES; i++) {
		const char *what = address == &world.pages[i].head.committed	? "committed"
				   : address == &world.pages[i].head.closed_len ? "closed_len"
				   : address == &world.pages[i].head.batch	? "the output"
										: "a slot";
		if (!is_within(address, &world.pages[i], sizeof(world.pages[i])))
			continue;
		snprintf(text, sizeof(text), "%s of page %d", what, i);
		return text;
	}
	return "?";
}

static double explore(void);

/* Takes one step and explores what follows from it. */
static double step(const struct snapshot *from, int index, const char *verb)
{
	struct context *context = &contexts[index];
	struct step *entry = &trace[depth];
	char did[40];
	double found;

	snprintf(did, sizeof(did), "%s", name_of(context->address));
	if (depth + 1 >= DEPTH_MAX)
		fail("more than %d steps", DEPTH_MAX);
	depth++;
	entry->context = index;
	snprintf(entry->what, sizeof(entry->what), "%s %u %s %s", call_names[context->call],
		 context->id, verb, did);
	run(context);
	if (!context->active)
		snprintf(entry->what + strlen(entry->what),
			 sizeof(entry->what) - strlen(entry->what), ", returns %d",
			 context->result);
	check_always();
	found = explore();
	depth--;
	restore(from, &snapshots[DEPTH_MAX]);
	return found;
}

static double start(const struct snapshot *from, int index, enum call call)
{
	struct context *context = &contexts[index];

	context->active = true;
	context->call = call;
	context->id =
		call == CALL_ENQUEUE ? __builtin_popcount(world.started) : world.left.calls[call];
	context->must = call == CALL_BARRIER ? world.enqueued & ~world.delivered : 0;
	if (call == CALL_ENQUEUE) {
		world.started |= 1u << context->id;
		world.before[context->id] = world.enqueued;
	}
	world.left.calls[call]--;
	return step(from, index, "starts, up to");
}

/* All that can follow the present state. Returns the number of ways to the end. */
static double explore(void)
{
	struct slot *slot = find_slot(key_of_state());
	struct snapshot *here = &snapshots[depth];
	int top = -1, free = -1;
	double ways = 0;

	if (slot->key)
		return slot->interleavings;
	slot->key = key_of_state();
	if (++states > (1ull << slots_bits) * 3 / 4)
		fail("more states than there is room for");
	if (depth > deepest)
		deepest = depth;
	for (int i = 0; i < CONTEXTS; i++) {
		if (contexts[i].active)
			top = i;
		else if (free < 0)
			free = i;
	}
	if (nesting)
		free = top + 1 < CONTEXTS ? top + 1 : -1;
	if (top < 0)
		check_quiescent();
	save(here);
	for (int i = nesting && top >= 0 ? top : 0; i <= top; i++) {
		if (!contexts[i].active)
			continue;
		ways += step(here, i, "does");
		if (contexts[i].outputs && world.left.failures) {
			world.left.failures--;
			contexts[i].fails = true;
			ways += step(here, i, "fails at");
		}
	}
	for (enum call call = 0; call < CALLS && free >= 0; call++)
		if (world.left.calls[call])
			ways += start(here, free, call);
	slot->interleavings = ways ?: 1;
	return slot->interleavings;
}

/* filled: events enqueued beforehand, undisturbed. */
static void explore_all(bool nest, __u32 filled, struct budget budget)
{
	double ways;

	nesting = nest;
	memset(&world, 0, sizeof(world));
	free(visited);
	visited = calloc(1ull << slots_bits, sizeof(*visited));
	if (!visited)
		fail("no memory for the states");
	states = 0;
	deepest = 0;
	for (__u32 id = 0; id < filled; id++) {
		world.started |= 1u << id;
		world.before[id] = world.enqueued;
		enqueue(id);
	}
	world.left = budget;
	ways = explore();
	printf("  %s: %u filled, then %u enqueues, %u flushes, %u barriers, %u failures: "
	       "%.3g interleavings, %" PRIu64 " states, %u steps deep\n",
	       nest ? "nested" : "preempted", filled, budget.calls[CALL_ENQUEUE],
	       budget.calls[CALL_FLUSH], budget.calls[CALL_BARRIER], budget.failures, ways,
	       (uint64_t)states, deepest);
}

int main(int argc, char **argv)
{
	deep = argc > 1 && !strcmp(argv[1], "deep");
	slots_bits = deep ? 26 : 23;
	snapshots = calloc(DEPTH_MAX + 1, sizeof(*snapshots));
	if (!snapshots)
		return 1;
	make_contexts();
	for (int i = 0; i < CONTEXTS; i++)
		contexts[i].active = true;
	save(&snapshots[DEPTH_MAX]);
	for (int i = 0; i < CONTEXTS; i++)
		contexts[i].active = false;

	printf("batching with %d pages of %d, %d tries:\n", BATCH_PAGES, MODEL_CAP, BATCH_TRIES);
	__u32 all = BATCH_PAGES * MODEL_CAP;

	explore_all(true, 0, (struct budget){{3, 2, 1}, 1});
	explore_all(true, all - 1, (struct budget){{3, 1, 1}, 1});
	explore_all(true, 1, (struct budget){{3, 1, 2}, 0});
	explore_all(false, 0, (struct budget){{2, 1, 1}, 1});
	explore_all(false, all - 1, (struct budget){{2, 1, 1}, 1});
	explore_all(false, 1, (struct budget){{2, 1, 2}, 0});
	if (deep) {
		explore_all(true, 0, (struct budget){{4, 2, 2}, 1});
		explore_all(false, 0, (struct budget){{3, 1, 1}, 0});
	}
	return 0;
}
